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
    """Sets `_superseded` where a later run brought rows of the same `whole` than those that read the file before."""
    last = existing.groupBy(*whole).agg(F.max(F.struct("ingested_at", "run_id")).alias("_last"))
    later = _came_later("_last.ingested_at", "_last.run_id")
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
    earlier: bool = False,
    order_by: str = "",
) -> DataFrame:
    """Adds `_outcome`: duplicate, inserted, updated or unchanged; of a row that deletes its key deleted or absent.

    `rows` have `_superseded`; if `_deletes` holds, a row deletes its key. `existing` is the table (None: empty), whose
    keys are unique and never null; `columns` are compared. `few`: the rows are few against the table, which is then
    reduced to their keys before all else (Spark can send them to where the table is read, so that the table itself is
    never moved). The table's row of the key stands against a row with a lesser `order_by`; against others only if they
    are of files read `earlier`, by the runs `_read_by` from `_read_at` on, and it came later with other values. So
    does the key's last delete, `_buried`.
    """
    deletes = F.col("_deletes") if "_deletes" in rows.columns else F.lit(False)
    outcome = F.when(F.col("_superseded"), "duplicate")
    if "_buried" in rows.columns:
        if order_by:
            outcome = outcome.when(F.col("_buried.order") > F.col(order_by), "duplicate")
        if earlier:
            outcome = outcome.when(_came_later("_buried.at", "_buried.run_id", "_buried.order", order_by), "duplicate")
    if existing is None:
        return rows.withColumn("_outcome", outcome.when(deletes, "absent").otherwise("inserted"))
    known = existing.join(rows.select(*key), list(key), "left_semi") if few else existing
    known = known.select(*key, F.struct(*(existing.columns if earlier else columns)).alias("_known"))
    if order_by:
        outcome = outcome.when(F.col(f"_known.{order_by}") > F.col(order_by), "duplicate")
    same = ~deletes & _all([F.col(column).eqNullSafe(F.col(f"_known.{column}")) for column in columns])
    outcome = outcome.when(F.col("_known").isNull(), F.when(deletes, "absent").otherwise("inserted"))
    outcome = outcome.when(same, "unchanged")
    if earlier:
        later = _came_later("_known.ingested_at", "_known.run_id", f"_known.{order_by}", order_by)
        outcome = outcome.when(later, "duplicate")
    outcome = outcome.when(deletes, "deleted").otherwise("updated")
    return rows.join(known, list(key), "left").withColumn("_outcome", outcome).drop("_known")


def _came_later(at: str, run_id: str, order: str = "", order_by: str = "") -> Column:
    """Whether something came after a row's file was read first, by a run that did not read it.

    With `order_by` only what is of equal order.
    """
    later = (F.col(at) > F.col("_read_at")) & ~F.array_contains("_read_by", F.col(run_id))
    return later & (F.col(order) == F.col(order_by)) if order_by else later


def _all(conditions: Sequence[Column]) -> Column:
    result = F.lit(True)
    for condition in conditions:
        result = result & condition
    return result
