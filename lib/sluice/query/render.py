"""The rows of an answer as text. Decimals are written without an exponent and without zeros at their end."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

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


def _json_value(value: Any) -> Any:
    """A value as JSON has it: times in UTC with a Z at their end, dates in ISO 8601, decimals as text."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return value.isoformat() if isinstance(value, date) else value


def _text(value: Any) -> Any:
    return "" if value is None else _json_value(value)
