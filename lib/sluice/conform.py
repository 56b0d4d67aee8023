"""Records of text → a table's columns, and why a record is no row of it."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sluice.table import MAX_KEY_BYTES, Table


def conform(records: DataFrame, table: Table) -> DataFrame:
    """`file, position`, the table's columns, `raw, reason`; one row a record.

    `reason` is what the reader found, else what is wrong with the key; `raw` stays only where there is one.
    """
    values = [F.expr(column.expression).cast(column.type).alias(column.name) for column in table.columns]
    rows = records.select("file", "position", *values, "raw", "reason")
    reason = F.coalesce(F.col("reason"), *(_wrong_key(column) for column in table.key))
    raw = F.when(F.col("reason").isNotNull(), F.regexp_replace("raw", "[\r\n]+$", ""))
    return rows.withColumn("reason", reason).withColumn("raw", raw)


def _wrong_key(column: str) -> Column:
    size = F.octet_length(F.col(column).cast("string"))
    too_long = F.when(size > MAX_KEY_BYTES, f"{column} is longer than {MAX_KEY_BYTES} bytes")
    return F.when(F.col(column).isNull(), f"{column} is empty").otherwise(too_long)
