"""Keys for records without an id: the n-th of those alike in a file is occurrence n."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from sluice.table import Table


def identified(rows: DataFrame, table: Table, partitions: int, spread: int) -> DataFrame:
    """Adds the table's occurrence column, its key and `_superseded` to the rows of one run; `_file`, `_position` stay.

    Of the rows of one key in several files the first stands, as they are all alike; of those told by an id the last.
    One shuffle, by the table's partition and `spread` parts of it, so that tasks hold few partitions each; one sort.
    """
    identity = table.occurrences
    assert identity is not None
    by_id = F.col(identity.id).isNotNull()
    alike = [F.when(~by_id, F.col(name)) for name in identity.of if name not in ("source", *table.partition_by)]
    what: list[Column | str] = ["source", *table.partition_by, identity.id, *alike]
    rows = rows.withColumns({"_high": F.xxhash64(*what), "_low": F.xxhash64(F.lit(1), *what)})
    rows = rows.withColumn("_part", F.pmod(F.col("_high"), F.lit(spread)))
    place = [*table.partition_by, "_part"]
    rows = rows.repartition(partitions, *place)
    group = [*place, "_high", "_low"]
    in_file = Window.partitionBy(*group, "_file").orderBy("_position")
    in_run = Window.partitionBy(*group).orderBy("_file", "_position")
    before = in_run.rowsBetween(Window.unboundedPreceding, -1)
    rows = rows.withColumn(identity.column, F.when(by_id, 1).otherwise(F.row_number().over(in_file)))
    later_one = F.lead(F.lit(True), 1, False).over(in_run)
    had = F.coalesce(F.max(identity.column).over(before), F.lit(0)) >= F.col(identity.column)
    rows = rows.withColumn("_superseded", F.when(by_id, later_one).otherwise(had))
    return rows.withColumn(identity.key, _key(identity.column)).drop("_high", "_low", "_part")


def _key(occurrence: str) -> Column:
    """128 bits of xxHash (https://xxhash.com) over the record, and over them and the occurrence, as 32 hex digits."""
    halves = (F.xxhash64("_high", occurrence), F.xxhash64("_low", occurrence))
    return F.concat(*(F.lpad(F.lower(F.hex(half)), 16, "0") for half in halves))
