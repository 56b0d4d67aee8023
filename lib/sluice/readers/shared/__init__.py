"""What the families of readers share.

On the driver: files opened by their first piece (`opening`, `pieces`) and their columns compared with the table's
(`new_columns`). Cut into byte ranges (`line_ranges`) that Spark's workers read (`in_spark`). There: blocks of whole
lines (`line_blocks`), members of JSON objects (`json_values`), and what every parser gives (`records`).
"""
