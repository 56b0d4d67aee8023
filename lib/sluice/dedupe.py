"""One row per key, the last one in file order; and what becomes of each row against the table."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F


def mark_superseded(rows: DataFrame, key: Sequence[str], order: Sequence[str]) -> DataFrame:
    """Adds `_superseded`: whether a row of the same key comes later by the columns `order`."""
    latest_first = Window.partitionBy(*key).orderBy(*(F.col(column).desc() for column in order))
    return rows.withColumn("_superseded", F.row_number().over(latest_first) > 1)


def classify(
    rows: DataFrame,
    existing: DataFrame | None,
    key: Sequence[str],
    columns: Sequence[str],
    *,
    few: bool = False,
    newer: str | None = None,
) -> DataFrame:
    """Adds `_outcome`: duplicate, inserted, updated or unchanged.

    `rows` have `_superseded`; `existing` is the table (None: empty), whose keys are unique and never null; `columns`
    are compared. `few`: the rows are few against the table, which is then reduced to their keys before all else
    (Spark can send them to where the table is read, so that the table itself is never moved). `newer`: an expression
    of the row and the table's, `_known`, that tells whether the table's stands against one with other values.
    """
    superseded = F.when(F.col("_superseded"), "duplicate")
    if existing is None:
        return rows.withColumn("_outcome", superseded.otherwise("inserted"))
    known = existing.join(rows.select(*key), list(key), "left_semi") if few else existing
    known = known.select(*key, F.struct(*(columns if newer is None else existing.columns)).alias("_known"))
    same = _all([F.col(column).eqNullSafe(F.col(f"_known.{column}")) for column in columns])
    outcome = superseded.when(F.col("_known").isNull(), "inserted").when(same, "unchanged")
    outcome = outcome if newer is None else outcome.when(F.expr(newer), "duplicate")
    outcome = outcome.otherwise("updated")
    return rows.join(known, list(key), "left").withColumn("_outcome", outcome).drop("_known")


def _all(conditions: Sequence[Column]) -> Column:
    result = F.lit(True)
    for condition in conditions:
        result = result & condition
    return result
