"""What was deleted when: the table `sluice_deletes`, by which an older row does not revive a key that a newer deleted.

A row for each delete: `table`, `key` (JSON array of its columns as text), `ordered_by` (the deleting row's value of the
ordering column, as text; null without one), `table_version` (that the delete made, or a later one), `run_id`,
`deleted_at`. They are kept for as long as the table is; `maintain clear` forgets them, `maintain restore` those later
than the version it goes back to.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sluice.lake import log, small_tables
from sluice.lake.lake import Lake
from sluice.model.table import Table

NAME = "sluice_deletes"


def with_buried(rows: DataFrame, lake: Lake, table: Table) -> DataFrame:
    """Adds `_buried`, the last delete of a row's key: its value of the `order`, `at` when, `run_id`; null if none."""
    order = F.col("ordered_by").cast(_ordering(table)).alias("order")
    last = F.max(F.struct(order, F.col("deleted_at").alias("at"), F.col("run_id"))).alias("_buried")
    version = log.version(lake.root, NAME)
    if version is None or log.version(lake.root, table.name) is None:
        kind = f"struct<order:{_ordering(table)},at:timestamp,run_id:string>"
        return rows.withColumn("_buried", F.lit(None).cast(kind))
    known = lake.read(NAME, version).where(F.col("table") == table.name)
    known = known.groupBy(F.col("key").alias("_key")).agg(last)
    return rows.withColumn("_key", _key(table)).join(known, "_key", "left").drop("_key")


def remember(lake: Lake, table: Table, deleting: DataFrame, version: int) -> None:
    """Keeps the keys of `deleting` rows, after whose merge the table is at a `version`.

    Rows of files that are replayed delete when these were read first, `_read_at`.
    """
    rows = deleting.select(
        F.lit(table.name).alias("table"),
        _key(table).alias("key"),
        (F.col(table.order_by) if table.order_by else F.lit(None)).cast("string").alias("ordered_by"),
        F.lit(version).cast("bigint").alias("table_version"),
        F.lit(lake.run_id).alias("run_id"),
        (F.col("_read_at") if "_read_at" in deleting.columns else F.lit(datetime.now(UTC))).alias("deleted_at"),
    )
    with lake.exclusively(NAME):
        lake.append(NAME, rows.coalesce(1))
        small_tables.compact_if_many(lake.root, NAME, lake.run_id)


def forget(lake: str, table: str, after_version: int, run_id: str) -> None:
    """Forgets what versions of a table after `after_version` deleted."""
    if os.path.isdir(os.path.join(lake, NAME)):
        small_tables.delete(lake, NAME, f"\"table\" = '{table}' and table_version > {after_version}", run_id)


def _ordering(table: Table) -> str:
    """The type of what the table is ordered by; without it the moments of the deletes alone tell."""
    return next((column.type for column in table.columns if column.name == table.order_by), "string")


def _key(table: Table) -> Column:
    return F.to_json(F.array(*(F.col(name).cast("string") for name in table.key)))
