"""What only Spark can check of a declaration: its SQL, and its datetime formats (`datetime_formats`).

SQL of a column, a check or `delete_when` must be an expression over a single row that has the same value in every run.
Spark analyses it over an empty frame of the row's columns; no record is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
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
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sluice.catalog.datetime_formats import check_format
from sluice.errors import UsageError, spark_cause, with_article
from sluice.model.table import Table

# expressions that Spark takes for deterministic though their value is another in the next run
_CHANGING = re.compile("Current|Now$|LocalTimestamp|SparkVersion|RaiseError")
# literals of the current time: Spark's parser puts the value in their place, so that the plan does not show them
_CHANGING_LITERAL = re.compile(r"\b(date|timestamp\w*)\s*r?['\"]\s*(now|today|tomorrow|yesterday)\b", re.IGNORECASE)


def check_in_spark(spark: SparkSession, table: Table) -> None:
    """Raises UsageError for SQL or a datetime format of the table's declaration that Spark cannot use as meant."""
    for column in table.columns:
        if column.format:
            check_format(spark, column, _place(table, f"columns.{column.name}.format"))
    _check_columns(spark, table)
    _check_conditions(spark, table)


@contextmanager
def explain_sql_failures(table: Table) -> Iterator[None]:
    """Raises UsageError where SQL of the table's declaration fails for a record, as a division by zero does."""
    try:
        yield
    except (ArithmeticException, DateTimeException, NumberFormatException, SparkRuntimeException) as error:
        if not table.origin:
            raise
        raise UsageError(
            f"{table.origin}: SQL of table {table.name} fails for a record, so nothing was merged: {spark_cause(error)}"
        ) from None


def _check_columns(spark: SparkSession, table: Table) -> None:
    """A column's SQL may use the inputs, the columns made of one input, and the columns made by SQL before it."""
    types = {column.name: column.type for column in table.columns if not column.sql}
    for column in table.columns:
        if column.sql:
            place = _place(table, f"columns.{column.name}.sql")
            columns = {name.lower() for name in types}  # Spark ignores case, and a column hides the input of its name
            inputs = {name: "string" for name in table.input_columns if name.lower() not in columns}
            actual = _type_of(column.sql, _empty(spark, inputs | types), place)
            if not _is_castable(spark, actual, column.type):
                raise UsageError(
                    f"{place}: {column.sql!r} is {with_article(actual)}, which Spark does not cast to "
                    f"{with_article(column.type)}: convert it in the sql, or declare another type"
                )
            types[column.name] = column.type


def _check_conditions(spark: SparkSession, table: Table) -> None:
    rows = _empty(spark, {column.name: column.type for column in table.columns})
    conditions = {f"checks.{check.name}": check.sql for check in table.checks}
    if table.delete_when:
        conditions["delete_when"] = table.delete_when
    for key, sql in conditions.items():
        place = _place(table, key)
        if (actual := _type_of(sql, rows, place)) != "boolean":
            raise UsageError(f"{place}: {sql!r} is {with_article(actual)}: expected a condition")


def _place(table: Table, key: str) -> str:
    return f"{table.origin or table.name}: {key}"


def _empty(spark: SparkSession, types: Mapping[str, str]) -> DataFrame:
    return spark.createDataFrame([], ", ".join(f"`{name}` {kind}" for name, kind in types.items()))


def _type_of(sql: str, rows: DataFrame, place: str) -> str:
    """The type of an expression over a row. Raises UsageError if it is not one."""
    try:
        values = rows.select(F.expr(sql))
    except ParseException as error:
        raise UsageError(f"{place}: {sql!r} is not a valid SQL expression: {spark_cause(error)}") from None
    except AnalysisException as error:
        raise UsageError(f"{place}: {sql!r} cannot be computed from the row: {spark_cause(error)}") from None
    if len(values.columns) != 1 or _CHANGING_LITERAL.search(sql) or not _depends_on_the_row_alone(values, rows):
        raise UsageError(
            f"{place}: {sql!r} reaches outside the row: expected an expression over its columns alone, without "
            "subqueries, aggregates, windows, random values, the current time or anything else from outside"
        )
    return values.dtypes[0][1]


def _depends_on_the_row_alone(values: DataFrame, rows: DataFrame) -> bool:
    """Whether Spark's analysed plan only projects the rows, and gives the same each time."""
    plan, input_plan = _analysed_plan(values), _analysed_plan(rows)
    children = plan.children()
    return bool(
        plan.nodeName() == "Project"
        and children.size() == 1
        and children.apply(0).nodeName() == input_plan.nodeName()
        and plan.deterministic()
        and plan.subqueries().isEmpty()
        and not any(_CHANGING.search(name) for name in _class_names(plan.expressions()))
    )


def _analysed_plan(frame: DataFrame) -> Any:
    return frame._jdf.queryExecution().analyzed()


def _class_names(expressions: Any) -> Iterator[str]:
    """The names of the JVM classes of the expressions and of all that they are made of."""
    for i in range(expressions.size()):
        expression = expressions.apply(i)
        yield expression.getClass().getSimpleName()
        yield from _class_names(expression.children())


def _is_castable(spark: SparkSession, actual: str, wanted: str) -> bool:
    try:
        _ = _empty(spark, {"value": actual}).select(F.col("value").cast(wanted)).schema
    except AnalysisException:
        return False
    return True
