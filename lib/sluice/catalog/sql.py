"""What a declaration says in Spark's words: SQL must be an expression over a single row, a format one to read by."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pyspark.errors import (
    AnalysisException,
    ArithmeticException,
    DateTimeException,
    NumberFormatException,
    ParseException,
    PySparkException,
    SparkRuntimeException,
)
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sluice.errors import UsageError, spark_cause
from sluice.model.table import Column, Table, unquoted

# a literal that is of the moment though it is none of the expressions below
_SPECIAL = re.compile(r"\b(date|timestamp\w*)\s*r?['\"]\s*(now|today|tomorrow|yesterday)\b", re.IGNORECASE)
# what an expression may be deterministic within a run and yet not the same in the next one
_OF_THE_MOMENT = re.compile("Current|Now$|LocalTimestamp|SparkVersion|RaiseError")


def check(spark: Any, table: Table) -> None:
    """Raises UsageError for SQL of the table that is none, that reaches outside the row, or of a wrong type.

    So it does for a format by which Spark reads nothing, or no moment that it tells.
    """
    for column in table.columns:
        if column.format:
            _check_format(spark, column, _place(table, f"columns.{column.name}.format"))
    inputs = dict.fromkeys(table.input_columns, "string")
    kinds = {column.name: column.type for column in table.columns if not column.sql}
    for column in table.columns:
        if column.sql:
            taken = {name.lower() for name in kinds}  # Spark knows no case
            rows = _empty(spark, {**{n: kind for n, kind in inputs.items() if n.lower() not in taken}, **kinds})
            found = _kind(rows, column.sql, _place(table, f"columns.{column.name}.sql"))
            if not _castable(spark, found, column.type):
                raise UsageError(
                    f"{_place(table, f'columns.{column.name}.sql')}: {column.sql!r} is a {found}, which is no "
                    f"{column.type}: cast it, or declare another type"
                )
            kinds[column.name] = column.type
    rows = _empty(spark, {column.name: column.type for column in table.columns})
    conditions = {f"checks.{each.name}": each.sql for each in table.checks}
    if table.delete_when:
        conditions["delete_when"] = table.delete_when
    for key, sql in conditions.items():
        if (kind := _kind(rows, sql, _place(table, key))) != "boolean":
            raise UsageError(f"{_place(table, key)}: {sql!r} is a {kind}, expected a condition")


def _check_format(spark: Any, column: Column, place: str) -> None:
    """Writes a moment by the format and reads it again."""
    moment = F.lit("2001-02-03 16:05:06").cast("timestamp")  # no part of it is what a format without it would read
    read = F.try_to_timestamp(F.date_format(moment, column.format), F.lit(column.format))
    parts = {"month": F.month, "day": F.day}
    told = [(part(read) == part(moment)).alias(name) for name, part in parts.items()]
    try:
        found = spark.sql("SELECT 1").select(*told).first()
    except PySparkException:
        found = None
    letters = {letter for letter in unquoted(column.format) if letter.isalpha()}
    one_of_several = "[" in unquoted(column.format)  # written all at once, and perhaps not to be read so
    if found is None or not letters or (None in found and not one_of_several):
        raise UsageError(
            f"{place}: Spark reads no {column.type} by {column.format!r}: expected a datetime pattern of y (year), M "
            "(month), d (day), H (hour), m (minute), s (second), S (its parts), X (offset), with text in quotes as 'T'"
        )
    if letters & {"h", "K"} and "a" not in letters:
        raise UsageError(
            f"{place}: {column.format!r}: h is the hour of half a day and needs a (AM or PM): H is the hour"
        )
    if "D" in letters and letters & {"M", "L"}:
        raise UsageError(
            f"{place}: {column.format!r}: D is the day of the year, d that of the month: write one of them"
        )
    if found.day and not found.month:
        raise UsageError(f"{place}: {column.format!r} tells the day and not the month: M is the month, m the minute")


@contextmanager
def failing(table: Table) -> Iterator[None]:
    """Raises UsageError where SQL of the table's declaration fails for a record, as a division by zero does."""
    try:
        yield
    except (ArithmeticException, DateTimeException, NumberFormatException, SparkRuntimeException) as error:
        if not table.origin:
            raise
        raise UsageError(
            f"{table.origin}: SQL of table {table.name} fails for a record, so nothing was merged: {spark_cause(error)}"
        ) from None


def _place(table: Table, key: str) -> str:
    return f"{table.origin or table.name}: {key}"


def _empty(spark: Any, kinds: dict[str, str]) -> DataFrame:
    frame: DataFrame = spark.createDataFrame([], ", ".join(f"`{name}` {kind}" for name, kind in kinds.items()))
    return frame


def _kind(rows: DataFrame, sql: str, place: str) -> str:
    """The type of an expression over a row."""
    try:
        made = rows.select(F.expr(sql))
    except ParseException as error:
        raise UsageError(f"{place}: {sql!r} is no SQL expression: {spark_cause(error)}") from None
    except AnalysisException as error:
        raise UsageError(f"{place}: {sql!r} cannot be computed from the row: {spark_cause(error)}") from None
    if len(made.columns) != 1 or _SPECIAL.search(sql) or not _of_the_row(rows, made):
        raise UsageError(
            f"{place}: {sql!r} reaches outside the row: expected an expression over its columns alone, without "
            "subqueries, aggregates, windows, random values, the time or what else is not the row's"
        )
    return made.dtypes[0][1]


def _of_the_row(rows: DataFrame, made: DataFrame) -> bool:
    """Whether Spark's analysed plan is a projection of the rows alone, which gives the same each time."""
    plan, before = _plan(made), _plan(rows)
    children = plan.children()
    return bool(
        plan.nodeName() == "Project"
        and children.size() == 1
        and children.apply(0).nodeName() == before.nodeName()
        and plan.deterministic()
        and plan.subqueries().isEmpty()
        and not any(_OF_THE_MOMENT.search(name) for name in _nodes(plan.expressions()))
    )


def _plan(frame: DataFrame) -> Any:
    return frame._jdf.queryExecution().analyzed()


def _nodes(expressions: Any) -> Iterator[str]:
    """The names of the classes of which expressions are made."""
    for i in range(expressions.size()):
        each = expressions.apply(i)
        yield each.getClass().getSimpleName()
        yield from _nodes(each.children())


def _castable(spark: Any, found: str, wanted: str) -> bool:
    try:
        _ = _empty(spark, {"value": found}).select(F.col("value").cast(wanted)).schema
    except AnalysisException:
        return False
    return True
