"""Answers by Spark: groups with their measures from records or from an aggregate's rows, records, the first records."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.errors import AnalysisException, ParseException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sluice.aggregate import measures
from sluice.aggregate.ranking import order_columns
from sluice.errors import UsageError, spark_cause
from sluice.model.aggregate import Aggregate, Derived, Exact, Ranking
from sluice.model.table import Table
from sluice.query.question import Question

_DOUBLES = f"CAST({{}} AS {measures.EXACT_DECIMAL})"  # of those without integers of their own


def answer(rows: DataFrame, table: Table, question: Question, source: Derived | None) -> DataFrame:
    """One row for each group: the columns `by` and one for each metric; or the records.

    `rows` are those of `source`, None for the table itself. Raises UsageError for a condition that is none.
    """
    if isinstance(source, Ranking):
        return rows.where(F.col("rank") <= F.lit(question.top)).orderBy("rank").select(*source.columns)
    if source is None and question.metrics:
        rows = rows.withColumns({name: F.expr(text) for name, text in table.dimensions.items()})
    rows = _chosen(rows, table, question)
    if not question.metrics:
        return _records(rows, table, question.top)
    groups = _groups(rows, table, question) if source is None else _regrouped(rows, table, question, source)
    finished = [F.expr(_finished(table, metric)).alias(_named(metric)) for metric in question.metrics]
    groups = groups.select(*question.by, *finished)
    order = [F.col(name).asc_nulls_first() for name in question.by]
    if question.top:
        order.insert(0, F.col(_named(question.metrics[0])).desc_nulls_last())
    groups = groups.orderBy(*order) if order else groups
    return groups.limit(question.top) if question.top else groups


def _chosen(rows: DataFrame, table: Table, question: Question) -> DataFrame:
    """The rows that the question is about."""
    try:
        rows = rows.where(question.where) if question.where else rows
    except ParseException:
        raise UsageError(f"--where {question.where!r} is no SQL condition: write one like \"name = 'x'\"") from None
    except AnalysisException as error:
        raise UsageError(
            f"--where {question.where!r} is no condition over table {table.name}: {spark_cause(error)}"
        ) from None
    return rows.where(question.days) if question.days else rows


def _records(rows: DataFrame, table: Table, top: int | None) -> DataFrame:
    """All columns in the order of the key; of the first in the table's ranking those that it keeps."""
    if top is None or table.ranking is None:
        ordered = rows.orderBy(*table.key)
        return ordered.limit(top) if top else ordered
    return rows.orderBy(*order_columns(table.ranking.order)).limit(top).select(*table.ranking.columns)


def _regrouped(rows: DataFrame, table: Table, question: Question, source: Aggregate) -> DataFrame:
    """The parts of the metrics, from an aggregate's rows."""
    whole = {*question.by} == {*source.by}
    parts: dict[str, str] = {}
    for metric in question.metrics:
        parts |= combined(table, source, metric, whole=whole) or {}
    return rows.groupBy(*question.by).agg(*(F.expr(text).alias(name) for name, text in parts.items()))


def _groups(rows: DataFrame, table: Table, question: Question) -> DataFrame:
    """The parts of the metrics, from records: they are asked for as an aggregate of them."""
    parts: dict[str, tuple[str, str]] = {}
    for metric in question.metrics:
        parts |= _parts(table, metric)
    inputs = {f"values{n}": values for n, (_, values) in enumerate(parts.values()) if values}
    made = {name: kind + (f":values{n}" if values else "") for n, (name, (kind, values)) in enumerate(parts.items())}
    return measures.compute(rows, Aggregate("answer", question.by, made, inputs={**table.dimensions, **inputs}))


def combined(table: Table, each: Aggregate, metric: str, *, whole: bool) -> Mapping[str, str] | None:
    """For each part of a metric SQL that makes it of an aggregate's rows; None if they do not tell it.

    `whole`: a group is one of the aggregate's rows.
    """
    texts = {}
    for name, (kind, values) in _parts(table, metric).items():
        column = _kept(each, kind, values)
        if column is None or (kind not in ("count", "sum", "min", "max") and not whole):
            return None
        function = {"count": "sum", "sum": "sum", "min": "min", "max": "max"}.get(kind, "first")
        text = f"{function}(`{column}`)"
        texts[name] = f"coalesce({text}, 0L)" if kind == "count" else text
    return texts


def _kept(each: Aggregate, kind: str, values: str) -> str | None:
    """The aggregate's column of a measure of values, given as a column or as SQL."""
    for column, measure in each.measures.items():
        of_kind, _, of = measure.partition(":")
        if of_kind == kind and each.inputs.get(of, of) == values:
            return column
    return None


def _exact(table: Table, column: str) -> Exact | None:
    """How a column's values are added up, where that is not as they are."""
    types = {each.name: each.type for each in table.columns}
    if column in table.exact:
        return table.exact[column]
    return Exact(_DOUBLES.format(f"`{column}`"), 1) if types.get(column) in ("float", "double") else None


def _parts(table: Table, metric: str) -> dict[str, tuple[str, str]]:
    """The measures that a metric is made of: its column, or those for a mean → kind and SQL of the values."""
    kind, _, column = metric.partition(":")
    exact = _exact(table, column)
    values = exact.sql if exact else column
    if kind == "mean":
        return {f"_sum_{column}": ("sum", values), f"_count_{column}": ("count", column)}
    if kind == "sum" and exact:
        return {f"_sum_{column}": ("sum", values)}
    return {_named(metric): (kind, column)}


def _named(metric: str) -> str:
    return metric.replace(":", "_")


def _finished(table: Table, metric: str) -> str:
    """A metric's column by SQL from its parts: exact sums, divided once."""
    kind, _, column = metric.partition(":")
    exact = _exact(table, column)
    scale = f"{exact.scale}D" if exact else "1D"
    if kind == "mean":
        return f"CAST(`_sum_{column}` AS double) / (nullif(`_count_{column}`, 0) * {scale})"
    if kind == "sum" and exact:
        return f"CAST(`_sum_{column}` AS double) / {scale}"
    return f"`{_named(metric)}`"
