"""The measures of groups of rows: exact, and the same however the rows are split, for groups of any size.

Percentiles are nearest-rank, like SQL's `percentile_disc`: of the n values of a group that are not null, in ascending
order, the one at position ceil(NN / 100 * n). There are two ways to compute them, with the same result: in memory,
which is quick, and on disk, which works for a group of any size.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import reduce
from typing import Any

from pyspark.errors import ArithmeticException
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from sluice.aggregate.double_sums import exact_sums
from sluice.errors import UsageError, spark_cause
from sluice.model.aggregate import Aggregate, Measure

LARGEST_LIST = 1_000_000  # the most values of one group that a task sorts in memory
MOST_LISTED = 20_000_000  # the most rows whose values all tasks together gather in memory
_SORT_FALLBACK = "spark.sql.objectHashAggregate.sortBased.fallbackThreshold"


@contextmanager
def refuse_overflow(name: str) -> Iterator[None]:
    """Raises UsageError where a value of the aggregate `name` is too large for its type."""
    try:
        yield
    except ArithmeticException as error:
        raise UsageError(
            f"aggregate {name}: a value is out of range, so nothing was written: {spark_cause(error)}"
        ) from None


@contextmanager
def lists_in_hash_maps(spark: SparkSession, row_count: int | None) -> Iterator[None]:
    """Lets Spark gather the lists of up to MOST_LISTED rows in hash maps.

    By itself it sorts all rows as soon as a task has 128 groups. What is cached within keeps the setting: a plan is
    made with the settings of that moment.
    """
    if row_count is None or row_count > MOST_LISTED:
        yield
        return
    spark.conf.set(_SORT_FALLBACK, MOST_LISTED)
    try:
        yield
    finally:
        spark.conf.unset(_SORT_FALLBACK)


def compute(rows: DataFrame, aggregate: Aggregate, *, largest_group: int | None = None) -> DataFrame:
    """The aggregate of all rows: one row for each combination of its dimensions, null being a value like any other.

    in: the table's columns. out: `by`, `measures`, `derived`.
    `largest_group`: a number of rows that no group exceeds, if one is known without counting.
    """
    by, measures = aggregate.by, aggregate.parsed_measures
    rows = rows.select(*_input_columns(rows, aggregate))
    sums = _sums_of_doubles(rows, measures)
    others = {name: measure for name, measure in measures.items() if name not in sums}
    has_percentiles = any(measure.percent is not None for measure in others.values())
    if not has_percentiles or _fit_in_memory(rows, by, largest_group):
        groups = _in_memory(rows, by, others)
    else:
        groups = _on_disk(rows, by, others)
    groups = _with_sums_of_doubles(groups, rows, by, sums)
    derived = [F.expr(text).alias(name) for name, text in aggregate.derived.items()]
    return groups.select(*by, *measures, *derived)


def with_dimensions(rows: DataFrame, aggregate: Aggregate) -> DataFrame:
    """The rows with the dimensions that are not columns of the table."""
    return rows.withColumns({name: F.expr(aggregate.inputs[name]) for name in aggregate.by if name in aggregate.inputs})


def _input_columns(rows: DataFrame, aggregate: Aggregate) -> list[Column]:
    """The dimensions and what is measured: columns of the rows, or made from them by the SQL of `inputs`."""
    measured = [measure.column for measure in aggregate.parsed_measures.values() if measure.column]
    names = dict.fromkeys([*aggregate.by, *measured])
    return [F.col(name) if name in rows.columns else F.expr(aggregate.inputs[name]).alias(name) for name in names]


def _fit_in_memory(rows: DataFrame, by: Sequence[str], largest_group: int | None) -> bool:
    """Whether no group has more values than a task may sort in memory; counts the rows if that is not known."""
    if largest_group is not None and largest_group <= LARGEST_LIST:
        return True
    if not by:
        return rows.count() <= LARGEST_LIST
    return not rows.groupBy(*by).count().where(F.col("count") > LARGEST_LIST).head(1)


def _in_memory(rows: DataFrame, by: Sequence[str], measures: Mapping[str, Measure]) -> DataFrame:
    """All measures in one pass. out: `by`, `measures` and `_rows`, the number of rows."""
    columns = [_column(measure).alias(name) for name, measure in measures.items()]
    return rows.groupBy(*by).agg(F.count(F.lit(1)).alias("_rows"), *columns)


def _on_disk(rows: DataFrame, by: Sequence[str], measures: Mapping[str, Measure]) -> DataFrame:
    """The percentiles of each column in a pass of their own. out: as `_in_memory`."""
    groups = _in_memory(rows, by, {name: measure for name, measure in measures.items() if measure.percent is None})
    percents: dict[str, dict[str, int]] = {}
    for name, measure in measures.items():
        if measure.percent is not None:
            percents.setdefault(measure.column, {})[name] = measure.percent
    for column, percent_by_name in percents.items():
        groups = _joined(groups, percentiles(rows, by, column, percent_by_name), by)
    return groups


def _sums_of_doubles(rows: DataFrame, measures: Mapping[str, Measure]) -> dict[str, Measure]:
    """The sums and means among the measures that would depend on the order of the rows."""
    doubles = {name for name, kind in rows.dtypes if kind in ("float", "double")}
    return {name: m for name, m in measures.items() if m.kind in ("sum", "mean") and m.column in doubles}


def _with_sums_of_doubles(
    groups: DataFrame, rows: DataFrame, by: Sequence[str], measures: Mapping[str, Measure]
) -> DataFrame:
    """The groups with the sums and means of columns of doubles, each column in a pass of its own."""
    for column in dict.fromkeys(measure.column for measure in measures.values()):
        values = {"sum": F.col("_sum"), "mean": F.col("_sum") / F.col("_count")}
        columns = [values[m.kind].alias(name) for name, m in measures.items() if m.column == column]
        groups = _joined(groups, exact_sums(rows, by, column).select(*by, *columns), by)
    return groups


def _column(measure: Measure) -> Column:
    """A measure as an aggregate function of Spark."""
    kind, column = measure.kind, measure.column
    if kind == "count":
        return F.count(F.col(column) if column else F.lit(1))
    if measure.percent is not None:
        values = F.collect_list(column)
        position = _rank(F.size(values), measure.percent).cast("int") - 1
        return F.get(F.sort_array(values), position)  # null where the list is empty
    if kind in ("sum", "mean"):
        return F.sum(column) if kind == "sum" else F.sum(column) / F.count(column)
    function: Any = getattr(F, kind)
    return function(F.col(column))


def _rank(count: Column, percent: int) -> Column:
    """The position, from 1 on, of a percentile among `count` values."""
    return F.ceil(count * F.lit(percent) / F.lit(100))


def percentiles(rows: DataFrame, by: Sequence[str], column: str, percents: Mapping[str, int]) -> DataFrame:
    """Percentiles of one column, sorting on disk what does not fit into memory.

    Equal values are counted first. Counts added up in ascending order give the last position of each value; a
    percentile is the least value whose last position is not before the percentile's.
    out: `by` and a column for each name of `percents`; no row for a group without values.
    """
    values = rows.where(F.col(column).isNotNull()).groupBy(*by, column).agg(F.count(F.lit(1)).alias("_times"))
    ascending = Window.partitionBy(*by).orderBy(column).rowsBetween(Window.unboundedPreceding, Window.currentRow)
    positions = values.withColumn("_last_position", F.sum("_times").over(ascending))
    totals = values.groupBy(*by).agg(F.sum("_times").alias("_count"))
    positions = _joined(positions, totals, by)
    least = [
        F.min(F.when(F.col("_last_position") >= _rank(F.col("_count"), percent), F.col(column))).alias(name)
        for name, percent in percents.items()
    ]
    return positions.groupBy(*by).agg(*least)


def _joined(left: DataFrame, right: DataFrame, by: Sequence[str]) -> DataFrame:
    """The columns of both, for each row on the left; dimensions may be null."""
    if not by:
        return left.crossJoin(right)
    same_group = reduce(lambda a, b: a & b, (left[name].eqNullSafe(right[name]) for name in by))
    added = [right[name] for name in right.columns if name not in by]
    return left.join(right, same_group, "left").select(*(left[name] for name in left.columns), *added)
