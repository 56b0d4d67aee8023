"""Answers by Spark, from the records of a table, from the rows of an aggregate, or from a ranking.

A metric is made from its parts, measures that can be combined over several groups: a mean from a sum and a count. The
records and the aggregates of a table give the same parts, and one rule makes the metric from them (`_metric_sql`), so
that all answers to a question are the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.errors import AnalysisException, ParseException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sluice.aggregate import measures
from sluice.aggregate.ranking import order_columns
from sluice.catalog.expressions import reaches_outside
from sluice.errors import UsageError, spark_cause
from sluice.model.aggregate import Aggregate, Derived, Measure, Ranking
from sluice.model.table import Table
from sluice.query.question import Question

# SQL that combines a kind of part over several rows of an aggregate; the other kinds cannot be combined
_COMBINED_BY = {"count": "sum", "sum": "sum", "min": "min", "max": "max"}


@dataclass(frozen=True)
class _Part:
    """A measure of `values`: a column, SQL over the table's columns, or empty to count the rows."""

    kind: str
    values: str


def answer(rows: DataFrame, table: Table, question: Question, derived: Derived | None) -> DataFrame:
    """The answer in order: one row a group, with `by` and a column for each metric (`p99_duration`); or the records.

    in: the rows of `derived`, the aggregate or ranking that answers, or with None those of the table. Raises
    UsageError for a wrong `where`.
    """
    if isinstance(derived, Ranking):
        return rows.where(F.col("rank") <= F.lit(question.top)).orderBy("rank").select(*derived.columns)
    if not question.metrics:
        return _records(_selected(rows, table, question), table, question.top)
    if derived is None:
        rows = rows.withColumns({name: F.expr(text) for name, text in table.dimensions.items()})
        parts = _parts_of_records(_selected(rows, table, question), table, question)
    else:
        parts = _parts_of_aggregate(_selected(rows, table, question), table, question, derived)
    return _groups(parts, table, question)


def _selected(rows: DataFrame, table: Table, question: Question) -> DataFrame:
    """The rows that the question is about."""
    where = question.where
    try:
        rows = rows.where(where) if where else rows
    except ParseException:
        raise UsageError(f"--where {where!r} is not a valid SQL condition: write one such as \"name = 'x'\"") from None
    except AnalysisException as error:
        raise UsageError(
            f"--where {where!r} is not a valid condition for table {table.name}: {spark_cause(error)}"
        ) from None
    if where and reaches_outside(rows):
        raise UsageError(
            f"--where {where!r} reaches outside the rows of table {table.name}: write a condition on its columns, "
            "without subqueries and methods of Java"
        )
    return rows.where(question.days) if question.days else rows


def _records(rows: DataFrame, table: Table, top: int | None) -> DataFrame:
    """All columns, in the order of the key; with `top` those first in the table's ranking, with its columns."""
    if top is None or table.ranking is None:
        ordered = rows.orderBy(*table.key)
        return ordered.limit(top) if top else ordered
    return rows.orderBy(*order_columns(table.ranking.order)).limit(top).select(*table.ranking.columns)


def _groups(parts: DataFrame, table: Table, question: Question) -> DataFrame:
    """The metrics of each group, in order. in: `by` and a column for each part."""
    names = answer_columns(question)
    metrics = [F.expr(_metric_sql(table, m)).alias(name) for name, m in zip(names, question.measures, strict=True)]
    groups = parts.select(*question.by, *metrics)
    order = [F.col(name).asc_nulls_first() for name in question.by]
    if question.top:
        order.insert(0, F.col(names[0]).desc_nulls_last())
    groups = groups.orderBy(*order) if order else groups
    return groups.limit(question.top) if question.top else groups


def _parts_of_records(rows: DataFrame, table: Table, question: Question) -> DataFrame:
    """`by` and a column for each part, computed as an aggregate of the records."""
    parts: dict[str, _Part] = {}
    for metric in question.measures:
        parts |= _parts(table, metric)
    values = {name: f"_values_{i}" for i, (name, part) in enumerate(parts.items()) if part.values}
    inputs = {**table.dimensions, **{column: parts[name].values for name, column in values.items()}}
    kinds = {name: f"{part.kind}:{values[name]}" if name in values else part.kind for name, part in parts.items()}
    return measures.compute(rows, Aggregate("answer", question.by, kinds, inputs=inputs))


def _parts_of_aggregate(rows: DataFrame, table: Table, question: Question, aggregate: Aggregate) -> DataFrame:
    """`by` and a column for each part, combined from an aggregate's rows."""
    columns: dict[str, str] = {}
    for metric in question.measures:
        columns |= combined_parts(table, aggregate, metric, question) or {}
    return rows.groupBy(*question.by).agg(*(F.expr(text).alias(name) for name, text in columns.items()))


def combined_parts(table: Table, aggregate: Aggregate, metric: Measure, question: Question) -> Mapping[str, str] | None:
    """SQL for each part of a metric that combines the aggregate's rows of a group; None if they do not suffice."""
    one_row_a_group = {*question.by} == {*aggregate.by}
    texts = {}
    for name, part in _parts(table, metric).items():
        column = _column_with(aggregate, part)
        if column is None or not (one_row_a_group or _can_be_combined(table, part)):
            return None
        text = f"{_COMBINED_BY.get(part.kind, 'first')}(`{column}`)"
        texts[name] = f"coalesce({text}, 0L)" if part.kind == "count" else text
    return texts


def _column_with(aggregate: Aggregate, part: _Part) -> str | None:
    """The aggregate's column that holds a part."""
    for column, measure in aggregate.parsed_measures.items():
        if part == _Part(measure.kind, aggregate.inputs.get(measure.column, measure.column)):
            return column
    return None


def _parts(table: Table, metric: Measure) -> dict[str, _Part]:
    """The parts of a metric by name. A sum and a mean are made from a sum of exact numbers where the table has one."""
    exact, column = table.exact.get(metric.column), metric.column
    exact_sum = _Part("sum", exact.sql if exact else column)
    if metric.kind == "mean":
        return {_part_name("sum", column): exact_sum, _part_name("count", column): _Part("count", column)}
    if metric.kind == "sum" and exact:
        return {_part_name("sum", column): exact_sum}
    return {_part_name(metric.kind, column): _Part(metric.kind, column)}


def _part_name(kind: str, column: str) -> str:
    """A name that no column has, nor any other part."""
    return f"_{kind}:{column}"


def _metric_sql(table: Table, metric: Measure) -> str:
    """SQL that makes a metric from its parts: it divides exact sums once."""
    exact, column = table.exact.get(metric.column), metric.column
    scale = f"{exact.scale}D" if exact else "1D"
    total, count = f"`{_part_name('sum', column)}`", f"`{_part_name('count', column)}`"
    if metric.kind == "mean":
        return f"CAST({total} AS double) / (nullif({count}, 0) * {scale})"
    if metric.kind == "sum" and exact:
        return f"CAST({total} AS double) / {scale}"
    return f"`{_part_name(metric.kind, column)}`"


def _can_be_combined(table: Table, part: _Part) -> bool:
    """Whether the parts of several rows of an aggregate give that of their group: sums of doubles are rounded."""
    doubles = [column.name for column in table.columns if column.type in ("float", "double")]
    return part.kind in _COMBINED_BY and not (part.kind == "sum" and part.values in doubles)


def answer_columns(question: Question) -> list[str]:
    """The names of the metrics' columns in the answer: `p99_duration`, with `_` before it where that is taken."""
    names: list[str] = []
    for metric in question.measures:
        name = f"{metric.kind}_{metric.column}" if metric.column else metric.kind
        while name in (*question.by, *names):
            name = f"_{name}"
        names.append(name)
    return names
