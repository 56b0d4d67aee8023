"""Measures of groups of rows, percentiles among them: exact, of groups of any size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import reduce
from typing import Any

from pyspark.errors import ArithmeticException
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from sluice.errors import UsageError, spark_cause
from sluice.model.aggregate import Aggregate

LARGEST_LIST = 1_000_000  # values of a group that are sorted in a task's memory; larger groups are counted by value
MOST_LISTED = 20_000_000  # rows whose groups all tasks together gather in memory; more are sorted by group on disk
_FALLBACK = "spark.sql.objectHashAggregate.sortBased.fallbackThreshold"


EXACT = "DECIMAL(28,9)"  # what doubles are added up as


@contextmanager
def in_range(name: str) -> Iterator[None]:
    """Raises UsageError where a sum is too large for its type."""
    try:
        yield
    except ArithmeticException as error:
        raise UsageError(
            f"aggregate {name}: a value is out of range, so nothing was written: {spark_cause(error)}"
        ) from None


@contextmanager
def gathering(spark: Any, rows: int | None) -> Iterator[None]:
    """Gathers the lists of few rows in hash maps: Spark itself sorts all rows from the 128th group of a task on.

    It holds for what is persisted within, too: a plan keeps the settings of the moment.
    """
    if rows is None or rows > MOST_LISTED:
        yield
        return
    spark.conf.set(_FALLBACK, MOST_LISTED)
    try:
        yield
    finally:
        spark.conf.unset(_FALLBACK)


def compute(
    rows: DataFrame, aggregate: Aggregate, largest_list: int = LARGEST_LIST, at_most: int | None = None
) -> DataFrame:
    """The aggregate of all rows: one row for each combination of its dimensions, null among them.

    `at_most`: how many rows no group exceeds, as far as known without counting.

    Percentiles are of the nearest rank, as `percentile_disc`: the value at position ceil(NN / 100 * n) of the n values
    that are not null, in order.
    """
    by, kinds = list(aggregate.by), {name: m.partition(":")[::2] for name, m in aggregate.measures.items()}
    needed = dict.fromkeys([*by, *(column for _, column in kinds.values() if column)])
    inputs = {name: F.expr(text) for name, text in aggregate.inputs.items()}
    rows = rows.select(*(F.col(n) if n in rows.columns else inputs[n].alias(n) for n in needed))
    ranked = {name: kind for name, kind in kinds.items() if kind[0].startswith("p")}
    known = at_most is not None and at_most <= largest_list
    in_lists = not ranked or known or _fits(rows, by, largest_list)
    plain = kinds if in_lists else {name: kind for name, kind in kinds.items() if name not in ranked}
    real = {name for name, kind in rows.dtypes if kind in ("float", "double")}
    measured = [_measure(*kind, real=kind[1] in real).alias(name) for name, kind in plain.items()]
    groups = rows.groupBy(*by).agg(F.count(F.lit(1)).alias("_rows"), *measured)
    if not in_lists:
        for column in dict.fromkeys(column for _, column in ranked.values()):
            ranks = {name: int(kind[1:]) for name, (kind, of) in ranked.items() if of == column}
            groups = _joined(groups, percentiles(rows, by, column, ranks), by)
    derived = [F.expr(text).alias(name) for name, text in aggregate.derived.items()]
    return groups.select(*by, *aggregate.measures, *derived)


def with_dimensions(rows: DataFrame, aggregate: Aggregate) -> DataFrame:
    """The rows with the dimensions that are not columns of the table."""
    return rows.withColumns({name: F.expr(aggregate.inputs[name]) for name in aggregate.by if name in aggregate.inputs})


def _fits(rows: DataFrame, by: Sequence[str], largest_list: int) -> bool:
    """Whether no group has more rows than a task should hold."""
    if not by:
        return rows.count() <= largest_list
    return not rows.groupBy(*by).count().where(F.col("count") > largest_list).head(1)


def _measure(kind: str, column: str, *, real: bool) -> Column:
    """A measure's column; `real` values are added up as decimals, whose sums do not depend on their order."""
    if kind == "count":
        return F.count(F.col(column) if column else F.lit(1))
    if kind.startswith("p"):
        values = F.collect_list(column)
        return F.get(F.sort_array(values), _rank(F.size(values), int(kind[1:])).cast("int") - 1)  # of none: null
    if kind in ("sum", "mean"):
        total = F.sum(F.col(column).cast(EXACT)).cast("double") if real else F.sum(column)
        return total if kind == "sum" else total / F.count(column)
    function: Any = getattr(F, kind)
    return function(F.col(column))


def _rank(count: Column, percent: int) -> Column:
    return F.ceil(count * F.lit(percent) / F.lit(100))


def percentiles(rows: DataFrame, by: Sequence[str], column: str, ranks: dict[str, int]) -> DataFrame:
    """For each group of `by` the percentiles of a column by name; sorts on disk what does not fit into memory."""
    counted = rows.where(F.col(column).isNotNull()).groupBy(*by, column).agg(F.count(F.lit(1)).alias("_times"))
    group = Window.partitionBy(*by)
    upto = F.sum("_times").over(group.orderBy(column).rowsBetween(Window.unboundedPreceding, Window.currentRow))
    placed = counted.withColumn("_upto", upto)
    totals = counted.groupBy(*by).agg(F.sum("_times").alias("_all"))
    placed = _joined(placed, totals, by)
    reached = [F.when(F.col("_upto") >= _rank(F.col("_all"), rank), F.col(column)) for rank in ranks.values()]
    return placed.groupBy(*by).agg(*(F.min(value).alias(name) for name, value in zip(ranks, reached, strict=True)))


def _joined(left: DataFrame, right: DataFrame, by: Sequence[str]) -> DataFrame:
    """The columns of both, for each group on the left; dimensions may be null."""
    if not by:
        return left.crossJoin(right)
    same = reduce(lambda a, b: a & b, (left[name].eqNullSafe(right[name]) for name in by))
    added = [right[name] for name in right.columns if name not in by]
    return left.join(right, same, "left").select(*(left[name] for name in left.columns), *added)
