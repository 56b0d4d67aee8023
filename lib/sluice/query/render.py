"""The rows of an answer as text. Decimals are written without an exponent and without zeros at their end."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sluice.runtime.report import text_table


def render(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], form: str) -> str:
    """The answer in a format: `table`, `json` (an array of objects, decimals as strings) or `csv` (with a header)."""
    if form == "table":
        return text_table([{name: _text(row[name]) for name in columns} for row in rows])
    if form == "json":
        return json.dumps([{name: _json_value(row[name]) for name in columns} for row in rows], ensure_ascii=False)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_text(row[name]) for name in columns] for row in rows)
    return text.getvalue().removesuffix("\n")


def times_as_text(answer: DataFrame) -> DataFrame:
    """The answer with dates and times in ISO 8601, times in UTC with a Z at their end.

    Spark writes them: Python's own end at the years 1 and 9999, in local time.
    """
    return answer.select(*(_as_text(name, kind).alias(name) for name, kind in answer.dtypes))


def _as_text(name: str, kind: str) -> Column:
    value = F.col(f"`{name}`")
    if kind == "date":
        return value.cast("string")
    if kind != "timestamp":
        return value
    has_fraction = F.unix_micros(value) % 1_000_000 != 0
    seconds = F.date_format(value, "yyyy-MM-dd'T'HH:mm:ss'Z'")
    return F.when(has_fraction, F.date_format(value, "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'")).otherwise(seconds)


def _json_value(value: Any) -> Any:
    """A value as JSON has it: decimals as text."""
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return value


def _text(value: Any) -> Any:
    return "" if value is None else _json_value(value)
