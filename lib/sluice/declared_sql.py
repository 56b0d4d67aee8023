"""SQL of a declaration, as Spark understands it: each text must be one expression over a single row."""

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
    SparkRuntimeException,
)
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sluice.errors import UsageError, spark_cause
from sluice.table import Table

# what an expression may be deterministic within a run and yet not the same in the next one
_OF_THE_MOMENT = re.compile("Current|Now$|LocalTimestamp|SparkVersion|RaiseError")


def check(spark: Any, table: Table) -> None:
    """Raises UsageError for SQL of the table that is none, that reaches outside the row, or of a wrong type."""
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
    if len(made.columns) != 1 or not _of_the_row(rows, made):
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
