"""Text of an input → a typed value, and why a text has none. What does not fit is a reject, never null or rounded."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from sluice.errors import with_article
from sluice.model import table as model
from sluice.model.table import unquoted

_PLAIN_NUMBER = "^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)$"
_NUMBER = _PLAIN_NUMBER[:-1] + "([eE][+-]?[0-9]+)?$"
ISO_DATE = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_OFFSET = "(Z|[+-][0-9]{2}:[0-9]{2})$"
ISO_TIMESTAMP = "^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)? ?" + _OFFSET[:-1] + "?$"
FINER = "[.,][0-9]{6}[0-9]*[1-9]"  # than a microsecond
_OFFSET_LETTERS = "VzOXxZ"  # https://spark.apache.org/docs/latest/sql-ref-datetime-pattern.html


def is_converted(column: model.Column, input_type: str) -> bool:
    """Whether the column's value is made of its input's text; else the input is the value, or is cast to it."""
    return column.type != "string" and input_type == "string"


def text(column: model.Column) -> Column:
    """A column's input without white space at its ends. It is null if nothing is left; that is no failure."""
    return F.expr(f"nullif(trim(BOTH ' \t\n\r\f\v' FROM `{column.input}`), '')")


def value(text: Column, column: model.Column) -> Column:
    """The value of the column's type that a text stands for; null if there is none."""
    conversions = {"decimal": _decimal, "float": _real, "double": _real, "date": _date, "timestamp": _timestamp}
    return conversions.get(_kind(column), _simple)(text, column)


def why_no_value(value: Column, text: Column, column: model.Column) -> Column:
    """The reason why a text has no value; null if it has one."""
    shown = F.concat(F.lit(f"{column.input} '"), F.substring(text, 1, 80), F.lit("' "))
    return F.when(value.isNull() & text.isNotNull(), F.concat(shown, _why_not(text, column, _kind(column))))


def _kind(column: model.Column) -> str:
    return column.type.partition("(")[0]


def _why_not(text: Column, column: model.Column, kind: str) -> Column:
    """Why a text that has no value of the column's type has none."""
    other = F.lit(f"is not {with_article(column.type)}" + (f" of format {column.format}" if column.format else ""))
    if kind == "decimal":
        too_many = F.lit(f"has more than {_scale(column)} digits after the point")
        is_exact = text.rlike(_decimal_pattern(_scale(column)))
        return F.when(text.rlike(_PLAIN_NUMBER) & ~is_exact, too_many).otherwise(
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
    return F.when(text.rlike(_decimal_pattern(_scale(column))), text.try_cast(column.type))


def _decimal_pattern(scale: int) -> str:
    """A number without an exponent that has up to `scale` digits after its point, zeros at its end not counted."""
    decimals = f"[0-9]{{0,{scale}}}0*"
    return f"^[+-]?([0-9]+([.]{decimals})?|[.](?=[0-9]){decimals})$"


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
