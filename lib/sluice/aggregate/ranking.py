"""Rankings: the first rows of a table in an order, from all rows or, where they suffice, from the changes alone.

The changes suffice as long as every row that moves up is among them. A row that was never in the ranking and did not
change cannot be: if more rows drop out than come in, the next ones must be looked for in all rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame, Row, Window
from pyspark.sql import functions as F

from sluice.aggregate.computed import Computed
from sluice.lake import change_feed, log
from sluice.lake.lake import Lake
from sluice.model.aggregate import Ranking, direction
from sluice.model.table import Table


def from_all(lake: Lake, table: Table, ranking: Ranking, version: int) -> Computed:
    """The ranking of all the table's rows at a version. out: `rank` (from 1 on) and the ranking's columns."""
    rows = first_rows(lake.read(table.name, version), ranking).persist()
    return Computed(rows, rows.count(), *log.size(lake.root, table.name))


def from_changes(lake: Lake, table: Table, ranking: Ranking, after: int, version: int) -> Computed:
    """The ranks whose row differs because of the changes after one version, up to another.

    out: as `changed_ranks`. Raises NotEnough if rows move up that are neither in the ranking nor among the changes.
    """
    stored = lake.read(ranking.name, log.version(lake.root, ranking.name) or 0)
    changes = lake.changes(table.name, after, version)
    last = stored.where(F.col("rank") == ranking.size).first()
    if last is None:  # the table had fewer rows than the ranking takes: all of them are in it
        rows = current_rows(changes, stored, ranking, table.key)
        ranks = changed_ranks(first_rows(rows, ranking), stored, ranking).persist()
    else:
        ranks = _from_candidates(changes, stored, ranking, table.key, last)
    return Computed(ranks, ranks.count(), *log.size_of_changes(lake.root, table.name, after))


def _from_candidates(
    changes: DataFrame, stored: DataFrame, ranking: Ranking, key: Sequence[str], last: Row
) -> DataFrame:
    """The changed ranks of a ranking that was full, `last` being its last row. Raises NotEnough."""
    keys = candidates(changes, stored, ranking, key, last).persist()
    keys.count()  # from now on Spark knows that they are few, and does not sort the changes to find theirs
    rows = current_rows(changes.join(keys, list(key), "left_semi"), stored, ranking, key)
    rows = rows.where(reaches(ranking, last))
    ranks = changed_ranks(first_rows(rows, ranking), stored, ranking).persist()
    dropped = ranks.where("_gone").count()
    keys.unpersist()
    if dropped:
        ranks.unpersist()
        raise change_feed.NotEnough(
            f"{dropped:,} of its {ranking.size:,} rows dropped out, and the changes do not say which ones move up"
        )
    return ranks


def order_columns(order: Sequence[str]) -> list[Column]:
    """A ranking's `order` for Spark's `orderBy`: null comes last, ascending or descending."""
    columns = [(F.col(name), descending) for name, descending in map(direction, order)]
    return [column.desc_nulls_last() if descending else column.asc_nulls_last() for column, descending in columns]


def first_rows(rows: DataFrame, ranking: Ranking) -> DataFrame:
    """The first of all rows, without sorting the others. out: `rank` (from 1 on) and the ranking's columns."""
    order = order_columns(ranking.order)
    few = rows.select(*ranking.columns).orderBy(*order).limit(ranking.size)
    return few.select(F.row_number().over(Window.orderBy(*order)).alias("rank"), *ranking.columns)


def candidates(changes: DataFrame, stored: DataFrame, ranking: Ranking, key: Sequence[str], last: Row) -> DataFrame:
    """The keys that may be in the ranking after the changes: those in it before, and those that ever reached `last`."""
    reached = changes.where(change_feed.is_new_state() & reaches(ranking, last)).select(*key)
    return reached.union(stored.select(*key)).distinct()


def current_rows(changes: DataFrame, stored: DataFrame, ranking: Ranking, key: Sequence[str]) -> DataFrame:
    """The rows, of those that changed or were in the ranking, that exist after the changes. out: ranking's columns."""
    before = stored.select(
        *ranking.columns, F.lit("insert").alias("_change_type"), F.lit(-1).cast("bigint").alias("_commit_version")
    )
    states = change_feed.last_states(changes.select(*before.columns).union(before), key)
    return states.where(change_feed.is_new_state()).select(*ranking.columns)


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


def changed_ranks(new: DataFrame, stored: DataFrame, ranking: Ranking) -> DataFrame:
    """The ranks that have another row in `new` than in `stored`, both with `rank` and the ranking's columns.

    out: `rank`, the ranking's columns as in `new`, and `_gone`: true where `new` has no row of this rank.
    """
    new = new.withColumn("_exists", F.lit(True))
    joined = stored.alias("stored").join(new.alias("new"), "rank", "full")
    equal = (F.col(f"new.{name}").eqNullSafe(F.col(f"stored.{name}")) for name in ranking.columns)
    differs = ~reduce(lambda a, b: a & b, equal)
    values = [F.col(f"new.{name}").alias(name) for name in ranking.columns]
    return joined.where(differs).select("rank", *values, F.col("new._exists").isNull().alias("_gone"))
