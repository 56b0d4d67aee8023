"""Records of text → a table's columns, and why a record is no row of it."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sluice.model import table as tables
from sluice.model.table import MAX_KEY_BYTES, MAX_WHOLE_KEY_BYTES, Check, Table, unquoted

_NUMBER = r"^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?$"
_DATE = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_OFFSET = "(Z|[+-][0-9]{2}:[0-9]{2})$"
_TIMESTAMP = "^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)? ?" + _OFFSET[:-1] + "?$"
_OFFSET_LETTERS = "VzOXxZ"  # https://spark.apache.org/docs/latest/sql-ref-datetime-pattern.html


def conform(records: DataFrame, table: Table) -> DataFrame:
    """`_file, _position`, the table's columns but those that `identity` makes, `_raw, _reason`; one row a record.

    `_reason` is what the reader found, else the first thing wrong with a value, the key or what the table is ordered
    by, else the first check not passed; `_raw` stays only where there is one.
    """
    made = (table.occurrences.key, table.occurrences.column) if table.occurrences else ()
    columns = [column for column in table.columns if column.name not in made]
    kinds, values, reasons = dict(records.dtypes), {}, []
    for column in columns:
        if not column.sql:
            values[column.name], reason = _converted(column, kinds[column.input])
            reasons += [] if reason is None else [reason]
    taken = {*(name.lower() for name in values), "_file", "_position", "_raw", "_reason"}  # Spark knows no case
    inputs = [F.col(f"`{name}`") for name in kinds if name.lower() not in taken]
    first = F.coalesce(F.col("_reason"), *reasons).alias("_reason")
    rows = records.select("_file", "_position", *inputs, *(v.alias(n) for n, v in values.items()), "_raw", first)
    for column in columns:
        if column.sql:
            rows = rows.withColumn(column.name, F.expr(column.sql).cast(column.type))
        if column.name in table.partition_by and column.type == "string":  # an empty one is a partition of null
            rows = rows.withColumn(column.name, F.nullif(F.col(column.name), F.lit("")))
    rows = rows.select("_file", "_position", *(F.col(f"`{column.name}`") for column in columns), "_raw", "_reason")
    key = [name for name in table.key if name not in made]
    reasons = [F.col("_reason"), *map(_wrong_key, key), _long_key(key)]
    if table.order_by:
        reasons.append(F.when(F.col(table.order_by).isNull(), f"{table.order_by} is empty"))
    if table.pruned_before and "date" in table.partition_by:
        day = F.lit(table.pruned_before)
        reasons.append(F.when(F.col("date") < day, f"days before {table.pruned_before} are pruned"))
    reasons += [F.when(~passed(check), failed_check_reason(check)) for check in table.checks if check.action != "warn"]
    raw = F.when(F.col("_reason").isNotNull(), F.regexp_replace("_raw", "[\r\n]+$", ""))
    return rows.withColumn("_reason", F.coalesce(*reasons)).withColumn("_raw", raw)


def passed(check: Check) -> Column:
    """Whether a row passes a check: as with SQL's own, only what is false does not."""
    return F.coalesce(F.expr(check.sql), F.lit(True))


def failed_check_reason(check: Check) -> str:
    """Why a row that a check does not pass is a reject."""
    return f"check {check.name} not passed: {check.sql}"


def _wrong_key(column: str) -> Column:
    text = F.col(column).cast("string")
    too_long = F.when(F.octet_length(text) > MAX_KEY_BYTES, f"{column} is longer than {MAX_KEY_BYTES} bytes")
    return F.when(text.isNull() | (text == ""), f"{column} is empty").otherwise(too_long)


def _long_key(columns: Sequence[str]) -> Column:
    size = reduce(operator.add, (F.octet_length(F.col(name).cast("string")) for name in columns), F.lit(0))
    return F.when(size > MAX_WHOLE_KEY_BYTES, f"the key is longer than {MAX_WHOLE_KEY_BYTES} bytes")


def _converted(column: tables.Column, found: str) -> tuple[Column, Column | None]:
    """An input's value as the column's type, and why its text, if it is text of another type, has none."""
    name = column.input
    if column.type == "string" or found != "string":
        return F.col(f"`{name}`").cast(column.type), None
    text = F.expr(f"nullif(trim(BOTH ' \t\n\r\f\v' FROM `{name}`), '')")
    kind = column.type.partition("(")[0]
    value = {"decimal": _decimal, "float": _real, "double": _real, "date": _date, "timestamp": _timestamp}.get(
        kind, _plain
    )(text, column)
    shown = F.concat(F.lit(f"{name} '"), F.substring(text, 1, 80), F.lit("' "))
    wrong = F.lit(
        f"is not a{'n' * (column.type[0] in 'i')} {column.type}"
        + (f" of format {column.format}" if column.format else "")
    )
    if kind == "decimal":
        long = F.when(_digits(text) > _scale(column), F.lit(f"has more than {_scale(column)} digits after the point"))
        wrong = F.coalesce(F.when(~_exponent(text) & text.rlike(_NUMBER), long), _beyond(text, column, wrong))
    elif kind in ("tinyint", "smallint", "int", "bigint", "float", "double"):
        wrong = _beyond(text, column, wrong)
    return value, F.when(text.isNotNull() & value.isNull(), F.concat(shown, wrong))


def _beyond(text: Column, column: tables.Column, otherwise: Column) -> Column:
    whole = _NUMBER if column.type in ("float", "double") else "^[+-]?[0-9]+([.][0-9]*)?$"
    if column.type.endswith("int"):
        whole = "^[+-]?[0-9]+$"
    return F.when(text.rlike(whole), F.lit(f"is out of range of {column.type}")).otherwise(otherwise)


def _plain(text: Column, column: tables.Column) -> Column:
    return text.try_cast(column.type)


def _decimal(text: Column, column: tables.Column) -> Column:
    """A decimal without an exponent that loses no digit."""
    exact = ~_exponent(text) & (_digits(text) <= _scale(column))
    return F.when(exact, text.try_cast(column.type))


def _exponent(text: Column) -> Column:
    return F.instr(F.lower(text), "e") > 0


def _digits(text: Column) -> Column:
    """How many digits a number has after its point, but for zeros at its end."""
    point = F.instr(text, ".")
    return F.when(point == 0, 0).otherwise(F.length(F.rtrim(text, F.lit("0"))) - point)


def _scale(column: tables.Column) -> int:
    return int(column.type.rstrip(")").partition(",")[2] or 0)


def _real(text: Column, column: tables.Column) -> Column:
    """A finite number; Java's reader of numbers takes 1d and NaN too."""
    value = text.try_cast(column.type)
    return F.when(text.rlike(_NUMBER) & (F.abs(value) < F.lit(float("inf"))), value)


def _date(text: Column, column: tables.Column) -> Column:
    if column.format:
        return F.try_to_timestamp(text, F.lit(column.format)).cast("date")
    return F.when(text.rlike(_DATE), text.try_cast("date"))


def _timestamp(text: Column, column: tables.Column) -> Column:
    """A moment; text without an offset is of the column's time zone. The session's own zone is UTC."""
    if column.format:
        value = F.try_to_timestamp(text, F.lit(column.format))
        has_offset = F.lit(any(letter in unquoted(column.format) for letter in _OFFSET_LETTERS))
    else:
        value = F.when(text.rlike(_TIMESTAMP), text.try_cast("timestamp"))
        has_offset = text.rlike(_OFFSET)
    if column.timezone == "UTC":
        return value
    return F.when(has_offset, value).otherwise(F.to_utc_timestamp(value, column.timezone))
