"""Text of an input → a typed value, and why a text has none. What does not fit is a reject, never null or rounded."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from sluice.errors import with_article
from sluice.model import table as model
from sluice.model.table import unquoted

_NUMBER = r"^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?$"
ISO_DATE = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_OFFSET = "(Z|[+-][0-9]{2}:[0-9]{2})$"
ISO_TIMESTAMP = "^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)? ?" + _OFFSET[:-1] + "?$"
FINER = "[.,][0-9]{6}[0-9]*[1-9]"  # than a microsecond
_OFFSET_LETTERS = "VzOXxZ"  # https://spark.apache.org/docs/latest/sql-ref-datetime-pattern.html


def converted(column: model.Column, input_type: str) -> tuple[Column, Column | None]:
    """An input as the column's type, and the reason why its text has no value (null if it has one).

    Text of another type is stripped of white space first; empty text is null, which is no failure. The reason is None
    where no text is converted.
    """
    if column.type == "string" or input_type != "string":
        return F.col(f"`{column.input}`").cast(column.type), None
    text = F.expr(f"nullif(trim(BOTH ' \t\n\r\f\v' FROM `{column.input}`), '')")
    kind = column.type.partition("(")[0]
    conversions = {"decimal": _decimal, "float": _real, "double": _real, "date": _date, "timestamp": _timestamp}
    value = conversions.get(kind, _simple)(text, column)
    shown = F.concat(F.lit(f"{column.input} '"), F.substring(text, 1, 80), F.lit("' "))
    return value, F.when(text.isNotNull() & value.isNull(), F.concat(shown, _why_not(text, column, kind)))


def _why_not(text: Column, column: model.Column, kind: str) -> Column:
    """Why a text that has no value of the column's type has none."""
    other = F.lit(f"is not {with_article(column.type)}" + (f" of format {column.format}" if column.format else ""))
    if kind == "decimal":
        too_many = F.lit(f"has more than {_scale(column)} digits after the point")
        is_plain = ~_has_exponent(text) & text.rlike(_NUMBER)
        return F.when(is_plain & (_digits(text) > _scale(column)), too_many).otherwise(
            _out_of_range(text, column, "^[+-]?[0-9]+([.][0-9]*)?$", other)
        )
    if kind == "timestamp":
        finer = F.lit("is finer than a microsecond, the finest that a timestamp holds: read it as a string")
        return F.when(_is_finer(text), finer).otherwise(other)
    if kind in ("tinyint", "smallint", "int", "bigint"):
        return _out_of_range(text, column, "^[+-]?[0-9]+$", other)
    if kind in ("float", "double"):
        return _out_of_range(text, column, _NUMBER, other)
    return other


def _out_of_range(text: Column, column: model.Column, pattern: str, other: Column) -> Column:
    """A text that has the form of the type is out of its range; for any other text `other` is the reason."""
    return F.when(text.rlike(pattern), F.lit(f"is out of range of {column.type}")).otherwise(other)


def _simple(text: Column, column: model.Column) -> Column:
    return text.try_cast(column.type)


def _decimal(text: Column, column: model.Column) -> Column:
    """A decimal without an exponent that loses no digit; Java's reader of decimals takes digits of all scripts."""
    exact = text.rlike(_NUMBER) & ~_has_exponent(text) & (_digits(text) <= _scale(column))
    return F.when(exact, text.try_cast(column.type))


def _has_exponent(text: Column) -> Column:
    return F.instr(F.lower(text), "e") > 0


def _digits(text: Column) -> Column:
    """How many digits a number has after its point, without zeros at its end."""
    point = F.instr(text, ".")
    return F.when(point == 0, 0).otherwise(F.length(F.rtrim(text, F.lit("0"))) - point)


def _scale(column: model.Column) -> int:
    return int(column.type.rstrip(")").partition(",")[2] or 0)


def _real(text: Column, column: model.Column) -> Column:
    """A finite number; Java's reader of numbers takes 1d and NaN too."""
    value = text.try_cast(column.type)
    return F.when(text.rlike(_NUMBER) & (F.abs(value) < F.lit(float("inf"))), value)


def _date(text: Column, column: model.Column) -> Column:
    if column.format:
        return F.try_to_timestamp(text, F.lit(column.format)).cast("date")
    return F.when(text.rlike(ISO_DATE), text.try_cast("date"))


def _timestamp(text: Column, column: model.Column) -> Column:
    """A moment; text without an offset is of the column's time zone. The session's own zone is UTC.

    Spark would cut what is finer than a microsecond: two moments would become one.
    """
    if column.format:
        value = F.try_to_timestamp(text, F.lit(column.format))
        has_offset = F.lit(any(letter in unquoted(column.format) for letter in _OFFSET_LETTERS))
    else:
        value = F.when(text.rlike(ISO_TIMESTAMP), text.try_cast("timestamp"))
        has_offset = text.rlike(_OFFSET)
    value = F.when(~_is_finer(text), value)
    if column.timezone == "UTC":
        return value
    return F.when(has_offset, value).otherwise(F.to_utc_timestamp(value, column.timezone))


def _is_finer(text: Column) -> Column:
    return text.rlike(FINER)
