"""The datetime pattern of a declared column, tried in Spark: what it writes it must also read.

Patterns: https://spark.apache.org/docs/latest/sql-ref-datetime-pattern.html
"""

from __future__ import annotations

from pyspark.errors import PySparkException
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from sluice.errors import UsageError, with_article
from sluice.model.table import Column, unquoted

_LETTERS = (
    "y (year), M (month), d (day), H (hour), m (minute), s (second), S (its parts), X (offset), with text in quotes "
    "as 'T'"
)


def check_format(spark: SparkSession, column: Column, place: str) -> None:
    """Raises UsageError, which begins with `place`, if Spark cannot read by the format or it mixes up letters."""
    pattern = column.format
    letters = {letter for letter in unquoted(pattern) if letter.isalpha()}
    same = _same_after_reading(spark, pattern)
    if same is None or not letters:
        mistake = (
            f"Spark cannot read {with_article(column.type)} by {pattern!r}: expected a datetime pattern of {_LETTERS}"
        )
    elif letters & {"h", "K"} and "a" not in letters:
        mistake = f"{pattern!r}: h is the hour of half a day and needs a (AM or PM): H is the hour of a day"
    elif "D" in letters and letters & {"M", "L"}:
        mistake = f"{pattern!r}: D is the day of the year, d that of the month: write one of them"
    elif same.day and not same.month:
        mistake = f"{pattern!r} has the day but not the month: M is the month, m the minute"
    else:
        return
    raise UsageError(f"{place}: {mistake}")


def _same_after_reading(spark: SparkSession, pattern: str) -> Row | None:
    """Whether the `month` and `day` of a moment are the same after Spark has written and read it by the pattern.

    None if Spark refuses the pattern, or cannot read what it wrote. Optional parts are all written at once, which
    cannot always be read again: then both are null.
    """
    moment = F.lit("2001-02-03 16:05:06").cast("timestamp")  # each part differs from what Spark takes for a missing one
    read = F.try_to_timestamp(F.date_format(moment, pattern), F.lit(pattern))
    parts = {"month": F.month, "day": F.day}
    try:
        same = (
            spark.sql("SELECT 1")
            .select(*((part(read) == part(moment)).alias(name) for name, part in parts.items()))
            .first()
        )
    except PySparkException:
        return None
    has_optional_parts = "[" in unquoted(pattern)
    return None if same is None or (None in same and not has_optional_parts) else same
