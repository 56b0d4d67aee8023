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
from sluice.model.table import Column, Table

# expressions that Spark takes for deterministic though their value is another in the next run
_CHANGING = re.compile("Current|Now$|LocalTimestamp|SparkVersion|RaiseError")
# literals of the current time: Spark's parser puts the value in their place, so that the plan does not show them
_CHANGING_LITERAL = re.compile(r"\b(date|timestamp\w*)\s*r?['\"]\s*(now|today|tomorrow|yesterday)\b", re.IGNORECASE)
# what an expression that Spark accepted may still raise for a record
SQL_FAILURES = (ArithmeticException, DateTimeException, NumberFormatException, SparkRuntimeException)


def check_in_spark(spark: SparkSession, table: Table) -> None:
    """Raises UsageError for SQL or a datetime format of the table's declaration that Spark cannot use as meant."""
    for column in table.columns:
        if column.format:
            check_format(spark, column, _place(table, f"columns.{column.name}.format"))
    for column, values, _ in _computed(spark, table):
        actual = values.dtypes[0][1]
        if not _is_castable(spark, actual, column.type):
            raise UsageError(
                f"{_place(table, f'columns.{column.name}.sql')}: {column.sql!r} is {with_article(actual)}, which Spark "
                f"does not cast to {with_article(column.type)}: convert it in the sql, or declare another type"
            )
    _check_conditions(spark, table)


def key_partitions(spark: SparkSession, table: Table) -> tuple[str, ...]:
    """Those of a declared table's `partition_by` whose value is the same in all rows of a key.

    They are columns of the key, or their SQL uses such columns alone. Only of types whose values are the same as a
    partition's name and in Python.
    """
    if not table.exact_partitions:
        return ()
    decided = {name.lower() for name in table.key}  # Spark ignores case
    for column, values, inputs in _computed(spark, table):
        used = _names_used(values)
        if used and used <= decided - inputs:
            decided.add(column.name.lower())
    return tuple(name for name in table.exact_partitions if name.lower() in decided)


@contextmanager
def explain_sql_failures(table: Table) -> Iterator[None]:
    """Raises UsageError where SQL of the table's declaration fails for a record, as a division by zero does."""
    try:
        yield
    except SQL_FAILURES as error:
        if not table.origin:
            raise
        raise UsageError(
            f"{table.origin}: SQL of table {table.name} fails for a record, so nothing was merged: {spark_cause(error)}"
        ) from None


def reaches_outside(rows: DataFrame) -> bool:
    """Whether the SQL that made the frame reads more than a row: by a subquery, or by a method of Java."""
    plan = _analysed_plan(rows)
    return not plan.subqueries().isEmpty() or any("Reflect" in name for name in _class_names(plan.expressions()))


def _computed(spark: SparkSession, table: Table) -> Iterator[tuple[Column, DataFrame, set[str]]]:
    """The columns made by SQL, each with an empty frame of its values, and the inputs (lower case) that it may use.

    Their SQL may use the inputs, the columns made of one input, and the columns made by SQL before it.
    """
    types = {column.name: column.type for column in table.columns if not column.sql}
    for column in table.columns:
        if column.sql:
            columns = {name.lower() for name in types}  # Spark ignores case, and a column hides the input of its name
            inputs = {name: "string" for name in table.input_columns if name.lower() not in columns}
            place = _place(table, f"columns.{column.name}.sql")
            yield column, _values(column.sql, _empty(spark, inputs | types), place), {name.lower() for name in inputs}
            types[column.name] = column.type


def _check_conditions(spark: SparkSession, table: Table) -> None:
    rows = _empty(spark, {column.name: column.type for column in table.columns})
    conditions = {f"checks.{check.name}": check.sql for check in table.checks}
    if table.delete_when:
        conditions["delete_when"] = table.delete_when
    for key, sql in conditions.items():
        place = _place(table, key)
        if (actual := _values(sql, rows, place).dtypes[0][1]) != "boolean":
            raise UsageError(f"{place}: {sql!r} is {with_article(actual)}: expected a condition")


def _place(table: Table, key: str) -> str:
    return f"{table.origin or table.name}: {key}"


def _empty(spark: SparkSession, types: Mapping[str, str]) -> DataFrame:
    return spark.createDataFrame([], ", ".join(f"`{name}` {kind}" for name, kind in types.items()))


def _values(sql: str, rows: DataFrame, place: str) -> DataFrame:
    """One column, the values of an expression over a row. Raises UsageError if it is not one."""
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
    return values


def _names_used(values: DataFrame) -> set[str]:
    """The columns that an expression uses, in lower case: by Spark's analysis, so that they may be quoted."""
    used = _analysed_plan(values).references().toSeq()
    return {used.apply(i).name().lower() for i in range(used.size())}


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
