"""Which rows are superseded by others: by a later row of the key, by a later file of the snapshot, by a later run."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F


def mark_superseded(rows: DataFrame, key: Sequence[str], order: Sequence[str]) -> DataFrame:
    """Adds `_superseded`: whether a row of the same `key` comes later by the columns `order`. One row a record."""
    latest_first = Window.partitionBy(*key).orderBy(*(F.col(column).desc() for column in order))
    return rows.withColumn("_superseded", F.row_number().over(latest_first) > 1)


def mark_replaced(rows: DataFrame, snapshot: Sequence[str]) -> DataFrame:
    """Sets `_superseded` where a later file (`_file`) has rows of the same `snapshot`, the columns that identify it."""
    last = F.max("_file").over(Window.partitionBy(*snapshot))
    return rows.withColumn("_superseded", F.col("_superseded") | (F.col("_file") < last))


def mark_outdated(rows: DataFrame, stored: DataFrame, snapshot: Sequence[str]) -> DataFrame:
    """Sets `_superseded` where the stored snapshot came later than the row's file was read first, by another run.

    in: `rows` with `_superseded`, `_read_at`, `_read_by`; `stored` with `ingested_at`, `run_id`.
    """
    last = stored.groupBy(*snapshot).agg(F.max(F.struct("ingested_at", "run_id")).alias("_last"))
    later = came_later("_last.ingested_at", "_last.run_id")
    rows = rows.join(last, list(snapshot), "left")
    return rows.withColumn("_superseded", F.col("_superseded") | F.coalesce(later, F.lit(False))).drop("_last")


def removed(rows: DataFrame, stored: DataFrame, key: Sequence[str], snapshot: Sequence[str]) -> DataFrame:
    """The stored rows of the snapshots that `rows` bring again, whose keys are not among them.

    in: `rows` with `_superseded`; superseded rows bring nothing.
    """
    rows = rows.where("NOT _superseded")
    of_snapshots = stored.join(rows.select(*snapshot).distinct(), list(snapshot), "left_semi")
    return of_snapshots.join(rows.select(*key), list(key), "left_anti")


def came_later(at: str, run_id: str, order: str = "", order_by: str = "") -> Column:
    """Whether something (its moment `at`, its run) came after a row's file was read first (`_read_at`), and not by a
    reading of the file (`_read_by`, see `ledger.rejects.reading_id`); with `order_by` only if the two are equal in it.
    """
    reading = F.concat(F.col(run_id), F.lit("@"), F.unix_micros(at).cast("string"))
    # earlier versions of Sluice kept the run's id alone
    is_of_file = F.array_contains("_read_by", reading) | F.array_contains("_read_by", F.col(run_id))
    later = (F.col(at) > F.col("_read_at")) & ~is_of_file
    return later & (F.col(order) == F.col(order_by)) if order_by else later
