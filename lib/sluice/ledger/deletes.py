"""The table `sluice_deletes`: what was deleted when, by which an older row does not revive a newer delete's key.

One row a delete: `table`, `key` (JSON array of the key's columns as text), `ordered_by` (the deleting row's value in
the ordering column, as text; null without one), `table_version` (that made the delete, or a later one), `run_id`,
`deleted_at` (UTC). Rows stay as long as the table does; `maintain clear` forgets them, `maintain restore` those later
than the version that it goes back to.
"""

from __future__ import annotations

from datetime import datetime

import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sluice.lake import log, small_tables
from sluice.lake.lake import Lake
from sluice.lake.sql_text import delta_rs_text
from sluice.lake.writer import Writer
from sluice.model.table import Table

NAME = "sluice_deletes"


def with_buried(rows: DataFrame, lake: Lake, table: Table) -> DataFrame:
    """Adds `_buried`, the last delete of a row's key, null if there was none. One row a record.

    out: `_buried` struct: `order` (the deleting row's ordering value), `at` (when), `run_id`.
    """
    version = log.version(lake.root, NAME)
    if version is None or log.version(lake.root, table.name) is None:
        kind = f"struct<order:{_order_type(table)},at:timestamp,run_id:string>"
        return rows.withColumn("_buried", F.lit(None).cast(kind))
    order = F.col("ordered_by").cast(_order_type(table)).alias("order")
    last = F.max(F.struct(order, F.col("deleted_at").alias("at"), F.col("run_id"))).alias("_buried")
    deletes = lake.read(NAME, version).where(F.col("table") == table.name)
    deletes = deletes.groupBy(F.col("key").alias("_key")).agg(last)
    return rows.withColumn("_key", _key(table)).join(deletes, "_key", "left").drop("_key")


def remember(lake: Lake, table: Table, deleting: DataFrame, at: datetime, version: int) -> None:
    """Stores the keys of rows that delete them, at a moment; `version` is the table's once they are merged.

    in: the table's columns; in a replay also `_read_at`: its rows delete when their file was read first.
    """
    rows = deleting.select(
        F.lit(table.name).alias("table"),
        _key(table).alias("key"),
        (F.col(table.order_by) if table.order_by else F.lit(None)).cast("string").alias("ordered_by"),
        F.lit(version).cast("bigint").alias("table_version"),
        F.lit(lake.run_id).alias("run_id"),
        (F.col("_read_at") if "_read_at" in deleting.columns else F.lit(at)).alias("deleted_at"),
    )
    with lake.exclusively(NAME):
        lake.append(NAME, rows.coalesce(1))
        small_tables.compact_if_many(lake.root, NAME, lake.writer)


def forget(lake: str, table: str, after_version: int, writer: Writer) -> None:
    """Forgets what versions of a table after `after_version` deleted (-1: all deletes)."""
    if log.version(lake, NAME) is not None:
        small_tables.delete(lake, NAME, f'"table" = {delta_rs_text(table)} and table_version > {after_version}', writer)


def forget_unmerged(lake: str, table: str, writer: Writer) -> None:
    """Forgets deletes of versions that the table has not reached: a run that remembered them ended before it merged.

    Under the table's lock and before any commit: later these versions are others.
    """
    version = log.version(lake, table)
    reached = -1 if version is None else version
    where = (pc.field("table") == table) & (pc.field("table_version") > reached)
    if small_tables.read(lake, NAME, where, ["table", "table_version"]):
        forget(lake, table, reached, writer)


def _order_type(table: Table) -> str:
    """The type of the table's ordering column; any type without one: then only the moments of deletes count."""
    return next((column.type for column in table.columns if column.name == table.order_by), "string")


def _key(table: Table) -> Column:
    return F.to_json(F.array(*(F.col(name).cast("string") for name in table.key)))
