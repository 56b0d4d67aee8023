"""Keys for records without an id: the n-th of those alike in a file is occurrence n."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from sluice.model.table import Occurrences, Table

MANY = 1_000_000  # records that others are like, more of which are not told to every task


def spread(rows: DataFrame, table: Table, tasks: int) -> DataFrame:
    """Adds `_high` and `_low`, 128 bits of what makes a record the same, and brings those alike into one task.

    The tasks are about as large as each other; each holds few of the table's partitions.
    """
    identity = table.occurrences
    assert identity is not None
    by_id = F.col(identity.id).isNotNull()
    alike = [F.when(~by_id, F.col(name)) for name in identity.of if name not in ("source", *table.partition_by)]
    what: list[Column | str] = ["source", *table.partition_by, identity.id, *alike]
    rows = rows.withColumns({"_high": F.xxhash64(*what), "_low": F.xxhash64(F.lit(1), *what)})
    return rows.hint("rebalance", tasks, *table.partition_by)


def identified(rows: DataFrame, table: Table, tasks: int) -> DataFrame:
    """Adds the table's occurrence column, its key and `_superseded` to `spread` rows of one run.

    Of the rows of one key in several files the first stands, as they are all alike; of those told by an id the last.
    Most rows are like no other: only those that are get sorted, unless they are `MANY`.
    """
    identity = table.occurrences
    assert identity is not None
    same = [*table.partition_by, "_high", "_low"]
    several = rows.groupBy(*same).count().where("count > 1").select("_high", "_low").persist()
    count = several.count()
    if count > MANY:
        numbered = _numbered(rows, identity).hint("rebalance", tasks, *table.partition_by)
    elif count:
        others = _numbered(rows.join(F.broadcast(several), ["_high", "_low"], "left_semi"), identity)
        place = ["_file", "_position"]
        known = others.select(*place, F.col(identity.column).alias("_number"), F.col("_superseded").alias("_again"))
        numbered = rows.join(F.broadcast(known), place, "left").withColumns(
            {
                identity.column: F.coalesce("_number", F.lit(1)),
                "_superseded": F.coalesce("_again", F.lit(False)),
            }
        )
        numbered = numbered.drop("_number", "_again")
    else:
        numbered = rows.withColumns({identity.column: F.lit(1), "_superseded": F.lit(False)})
    return numbered.withColumn(identity.key, _key(identity.column)).drop("_high", "_low")


def _numbered(rows: DataFrame, identity: Occurrences) -> DataFrame:
    """Adds the occurrence column and `_superseded`; one sort for both."""
    by_id = F.col(identity.id).isNotNull()
    in_file = Window.partitionBy("_high", "_low", "_file").orderBy("_position")
    in_run = Window.partitionBy("_high", "_low").orderBy("_file", "_position")
    before = in_run.rowsBetween(Window.unboundedPreceding, -1)
    rows = rows.repartition("_high", "_low")
    rows = rows.withColumn(identity.column, F.when(by_id, 1).otherwise(F.row_number().over(in_file)))
    later_one = F.lead(F.lit(True), 1, False).over(in_run)
    had = F.coalesce(F.max(identity.column).over(before), F.lit(0)) >= F.col(identity.column)
    return rows.withColumn("_superseded", F.when(by_id, later_one).otherwise(had))


def _key(occurrence: str) -> Column:
    """128 bits of xxHash (https://xxhash.com) over the record, and over them and the occurrence, as 32 hex digits."""
    halves = (F.xxhash64("_high", occurrence), F.xxhash64("_low", occurrence))
    return F.concat(*(F.lpad(F.hex(half), 16, "0") for half in halves))
