"""Rankings: the first rows of a table in an order, from its rows or, where those can tell, from its changes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame, Row, Window
from pyspark.sql import functions as F

from sluice.lake import change_feed as feed
from sluice.lake import log
from sluice.lake.lake import Lake
from sluice.model.aggregate import Ranking, direction
from sluice.model.table import Table


def from_all(lake: Lake, table: Table, ranking: Ranking, version: int) -> DataFrame:
    """`rank` and the ranking's columns, from the table's rows at a version, kept in memory."""
    return first(lake.read(table.name, version), ranking).persist()


def from_changes(
    lake: Lake, table: Table, ranking: Ranking, after: int, version: int
) -> tuple[DataFrame, tuple[int, int]]:
    """The ranks whose row the changes after a version make another, kept in memory; files and bytes read for them.

    Columns as of `moved`. Raises NotEnough if rows come in that neither the ranking nor the changes hold.
    """
    old = lake.read(ranking.name, log.version(lake.root, ranking.name) or 0)
    last = old.where(F.col("rank") == ranking.size).first()  # none: the ranking held all rows of the table
    changes, keys = lake.changes(table.name, after, version), None
    if last is not None:
        keys = candidates(changes, old, ranking, table.key, last).persist()
        keys.count()  # from now on Spark knows that they are few, and does not sort the changes to find theirs
        changes = changes.join(keys, list(table.key), "left_semi")
    rows = current(changes, old, ranking, table.key)
    rows = rows if last is None else rows.where(reaches(ranking, last))
    ranks = moved(first(rows, ranking), old, ranking).persist()
    fell_out = ranks.where("_gone").count()
    if keys is not None:
        keys.unpersist()
    if last is not None and fell_out:
        ranks.unpersist()
        raise feed.NotEnough(f"{fell_out:,} of its {ranking.size:,} rows fell out")
    return ranks, log.size_of_changes(lake.root, table.name, after)


def in_order(order: Sequence[str]) -> list[Column]:
    """An order's entries for Spark: null comes last, ascending or descending."""
    columns = [(F.col(name), descending) for name, descending in map(direction, order)]
    return [column.desc_nulls_last() if descending else column.asc_nulls_last() for column, descending in columns]


def first(rows: DataFrame, ranking: Ranking) -> DataFrame:
    """`rank` from 1 on and the ranking's columns, of the first of all rows, without sorting those that are not."""
    order = in_order(ranking.order)
    few = rows.select(*ranking.columns).orderBy(*order).limit(ranking.size)
    return few.select(F.row_number().over(Window.orderBy(*order)).alias("rank"), *ranking.columns)


def candidates(changes: DataFrame, old: DataFrame, ranking: Ranking, key: Sequence[str], last: Row) -> DataFrame:
    """The keys that may be in the ranking after the changes: those in it before, and those that ever reached `last`."""
    reached = changes.where(feed.is_new_state() & reaches(ranking, last)).select(*key)
    return reached.union(old.select(*key)).distinct()


def current(changes: DataFrame, old: DataFrame, ranking: Ranking, key: Sequence[str]) -> DataFrame:
    """The ranking's columns of the rows that are there after the changes, of those changed or in the ranking before."""
    before = old.select(
        *ranking.columns, F.lit("insert").alias("_change_type"), F.lit(-1).cast("bigint").alias("_commit_version")
    )
    states = feed.last_states(changes.select(*before.columns).union(before), key)
    return states.where(feed.is_new_state()).select(*ranking.columns)


def reaches(ranking: Ranking, last: Row) -> Column:
    """Whether a row ranks before the row `last`, or is it."""
    test = F.lit(True)
    for name, descending in map(direction, reversed(ranking.order)):
        column, bound = F.col(name), F.lit(last[name])
        if last[name] is None:
            before = column.isNotNull()
        else:
            before = F.coalesce(column > bound if descending else column < bound, F.lit(False))
        test = before | (column.eqNullSafe(bound) & test)
    return test


def moved(new: DataFrame, old: DataFrame, ranking: Ranking) -> DataFrame:
    """The ranks whose row is another in `new` than in `old`: `rank`, its columns, `_gone` where it has no row."""
    both = old.alias("old").join(new.withColumn("_there", F.lit(True)).alias("new"), "rank", "full")
    differs = reduce(lambda a, b: a | b, (~F.col(f"new.{c}").eqNullSafe(F.col(f"old.{c}")) for c in ranking.columns))
    values = [F.col(f"new.{name}").alias(name) for name in ranking.columns]
    return both.where(differs).select("rank", *values, F.col("new._there").isNull().alias("_gone"))
