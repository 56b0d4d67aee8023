"""Records of text → a table's columns, and why a record is no row of it."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sluice.table import MAX_KEY_BYTES, Table


def conform(records: DataFrame, table: Table) -> DataFrame:
    """`_file, _position`, the table's columns but those that `identity` makes, `_raw, _reason`; one row a record.

    `_reason` is what the reader found, else what is wrong with the key; `_raw` stays only where there is one.
    """
    made = (table.occurrences.key, table.occurrences.column) if table.occurrences else ()
    columns = [column for column in table.columns if column.name not in made]
    values = [F.expr(column.expression).cast(column.type).alias(column.name) for column in columns]
    rows = records.select("_file", "_position", *values, "_raw", "_reason")
    reason = F.coalesce(F.col("_reason"), *(_wrong_key(name) for name in table.key if name not in made))
    raw = F.when(F.col("_reason").isNotNull(), F.regexp_replace("_raw", "[\r\n]+$", ""))
    return rows.withColumn("_reason", reason).withColumn("_raw", raw)


def _wrong_key(column: str) -> Column:
    size = F.octet_length(F.col(column).cast("string"))
    too_long = F.when(size > MAX_KEY_BYTES, f"{column} is longer than {MAX_KEY_BYTES} bytes")
    return F.when(F.col(column).isNull(), f"{column} is empty").otherwise(too_long)
