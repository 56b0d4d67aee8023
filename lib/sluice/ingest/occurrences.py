"""Keys for records without an id, such as log lines: the n-th of identical records of a file is occurrence n.

The key is a hash of the record and its occurrence. So the same log read again, or one that overlaps it, gives the same
keys and adds nothing, and a table holds as many identical records as the file with the most of them.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from sluice.model.table import Occurrences, Table

MANY = 1_000_000  # repeated records; up to so many are sent to every task


def spread(rows: DataFrame, table: Table, tasks: int) -> DataFrame:
    """Adds `_high` and `_low`, a 128-bit hash of what makes records the same, and brings identical ones into one task.

    The tasks are of like size, and each holds few of the table's partitions. One row a record.
    """
    identity = _identity(table)
    by_id = F.col(identity.id).isNotNull()
    parts = [F.when(~by_id, F.col(name)) for name in identity.of if name not in ("source", *table.partition_by)]
    hashed: list[Column | str] = ["source", *table.partition_by, identity.id, *parts]
    rows = rows.withColumns({"_high": F.xxhash64(*hashed), "_low": F.xxhash64(F.lit(1), *hashed)})
    return rows.hint("rebalance", tasks, *table.partition_by)


def numbered(rows: DataFrame, table: Table, tasks: int) -> DataFrame:
    """Adds the table's occurrence column, its key and `_superseded`; drops `_high` and `_low`. One row a record.

    in: rows of one run, with what `spread` adds. Of the rows of one key in several files the first wins, as they are
    identical; of those identified by an id the last. Most records are like no other: only those that are repeated get
    sorted, unless they are `MANY`.
    """
    identity = _identity(table)
    same = [*table.partition_by, "_high", "_low"]
    repeated = rows.groupBy(*same).count().where("count > 1").select("_high", "_low").persist()
    count = repeated.count()
    if count > MANY:
        rows = _sorted(rows, identity).hint("rebalance", tasks, *table.partition_by)
    elif count:
        rows = _with_numbers(rows, _sorted(rows.join(F.broadcast(repeated), ["_high", "_low"], "left_semi"), identity))
    else:
        rows = rows.withColumns({identity.column: F.lit(1), "_superseded": F.lit(False)})
    return rows.withColumn(identity.key, _key(identity.column)).drop("_high", "_low")


def _identity(table: Table) -> Occurrences:
    assert table.occurrences is not None
    return table.occurrences


def _with_numbers(rows: DataFrame, repeated: DataFrame) -> DataFrame:
    """Adds `repeated`'s last two columns, the occurrence and `_superseded`, by `_file` and `_position`; other rows
    are occurrence 1 and not superseded."""
    place, (column, _) = ["_file", "_position"], repeated.columns[-2:]
    numbers = repeated.select(*place, F.col(column).alias("_number"), F.col("_superseded").alias("_again"))
    rows = rows.join(F.broadcast(numbers), place, "left").withColumns(
        {column: F.coalesce("_number", F.lit(1)), "_superseded": F.coalesce("_again", F.lit(False))}
    )
    return rows.drop("_number", "_again")


def _sorted(rows: DataFrame, identity: Occurrences) -> DataFrame:
    """Adds the occurrence column and `_superseded`; one sort for both."""
    by_id = F.col(identity.id).isNotNull()
    in_file = Window.partitionBy("_high", "_low", "_file").orderBy("_position")
    in_run = Window.partitionBy("_high", "_low").orderBy("_file", "_position")
    before = in_run.rowsBetween(Window.unboundedPreceding, -1)
    rows = rows.repartition("_high", "_low")
    rows = rows.withColumn(identity.column, F.when(by_id, 1).otherwise(F.row_number().over(in_file)))
    has_later = F.lead(F.lit(True), 1, False).over(in_run)
    had_as_many = F.coalesce(F.max(identity.column).over(before), F.lit(0)) >= F.col(identity.column)
    return rows.withColumn("_superseded", F.when(by_id, has_later).otherwise(had_as_many))


def _key(occurrence: str) -> Column:
    """128 bits of xxHash (https://xxhash.com) over the record, and over them and the occurrence, as 32 hex digits."""
    halves = (F.xxhash64("_high", occurrence), F.xxhash64("_low", occurrence))
    return F.concat(*(F.lpad(F.hex(half), 16, "0") for half in halves))
