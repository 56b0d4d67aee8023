"""One row per key, the last one in file order; and what becomes of each row against the table."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F


def mark_superseded(rows: DataFrame, key: Sequence[str], order: Sequence[str]) -> DataFrame:
    """Adds `_superseded`: whether a row of the same key comes later by the columns `order`."""
    latest_first = Window.partitionBy(*key).orderBy(*(F.col(column).desc() for column in order))
    return rows.withColumn("_superseded", F.row_number().over(latest_first) > 1)


def mark_replaced(rows: DataFrame, whole: Sequence[str]) -> DataFrame:
    """Sets `_superseded` where a later file has rows of the same `whole`, a snapshot, too."""
    last = F.max("_file").over(Window.partitionBy(*whole))
    return rows.withColumn("_superseded", F.col("_superseded") | (F.col("_file") < last))


def mark_outdated(rows: DataFrame, existing: DataFrame, whole: Sequence[str]) -> DataFrame:
    """Sets `_superseded` where a later run than that which read the file before brought rows of the same `whole`.

    `_read_by` and `_read_at` tell of that run.
    """
    last = existing.groupBy(*whole).agg(F.max(F.struct("ingested_at", "run_id")).alias("_last"))
    later = (F.col("_last.ingested_at") > F.col("_read_at")) & (F.col("_last.run_id") != F.col("_read_by"))
    rows = rows.join(last, list(whole), "left")
    return rows.withColumn("_superseded", F.col("_superseded") | F.coalesce(later, F.lit(False))).drop("_last")


def removed(rows: DataFrame, existing: DataFrame, key: Sequence[str], whole: Sequence[str]) -> DataFrame:
    """The rows of `existing` of the same wholes as rows that are not superseded, but of none of their keys."""
    rows = rows.where("NOT _superseded")
    of_them = existing.join(rows.select(*whole).distinct(), list(whole), "left_semi")
    return of_them.join(rows.select(*key), list(key), "left_anti")


def classify(
    rows: DataFrame,
    existing: DataFrame | None,
    key: Sequence[str],
    columns: Sequence[str],
    *,
    few: bool = False,
    newer: str | None = None,
    order_by: str = "",
) -> DataFrame:
    """Adds `_outcome`: duplicate, inserted, updated or unchanged; of a row that deletes its key deleted or absent.

    `rows` have `_superseded`; if `_deletes` holds, a row deletes its key. `existing` is the table (None: empty), whose
    keys are unique and never null; `columns` are compared. `few`: the rows are few against the table, which is then
    reduced to their keys before all else (Spark can send them to where the table is read, so that the table itself is
    never moved). `newer`: an expression of the row and the table's, `_known`, that tells whether the table's stands
    against one with other values. With `order_by` it stands against a row with a lesser value in this column, and so
    does a delete with the value `_buried`.
    """
    deletes = F.col("_deletes") if "_deletes" in rows.columns else F.lit(False)
    outcome = F.when(F.col("_superseded"), "duplicate")
    if "_buried" in rows.columns:
        outcome = outcome.when(F.col("_buried") > F.col(order_by), "duplicate")
    if existing is None:
        return rows.withColumn("_outcome", outcome.when(deletes, "absent").otherwise("inserted"))
    known = existing.join(rows.select(*key), list(key), "left_semi") if few else existing
    known = known.select(*key, F.struct(*(columns if newer is None else existing.columns)).alias("_known"))
    if order_by:
        outcome = outcome.when(F.col(f"_known.{order_by}") > F.col(order_by), "duplicate")
    same = ~deletes & _all([F.col(column).eqNullSafe(F.col(f"_known.{column}")) for column in columns])
    outcome = outcome.when(F.col("_known").isNull(), F.when(deletes, "absent").otherwise("inserted"))
    outcome = outcome.when(same, "unchanged")
    outcome = outcome if newer is None else outcome.when(F.expr(newer), "duplicate")
    outcome = outcome.when(deletes, "deleted").otherwise("updated")
    return rows.join(known, list(key), "left").withColumn("_outcome", outcome).drop("_known")


def _all(conditions: Sequence[Column]) -> Column:
    result = F.lit(True)
    for condition in conditions:
        result = result & condition
    return result
