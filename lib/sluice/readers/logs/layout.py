"""How to read one log, detected from its first lines, and the records that come of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa

from sluice.readers.logs.formats import FORMATS, LogFormat, parse_line
from sluice.readers.shared.records import NotARecord

_DETECTION_LINES = 1000  # one of a file's first lines must be valid
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

SCHEMA = pa.schema(
    [
        ("_position", pa.int64()),
        ("requested_at", pa.timestamp("us", "UTC")),
        ("customer_id", pa.string()),
        ("request_path", pa.string()),
        ("status_code", pa.int32()),
        ("duration", pa.float64()),
        ("request_id", pa.string()),
        ("source", pa.string()),
        ("_raw", pa.string()),
        ("_reason", pa.string()),
    ]
)


@dataclass(frozen=True)
class LogLayout:
    """The `formats` to try on each line, in this order.

    `fields` is how many fields a line of the file has if `quick` can read it, else 0. Records before the day
    `first_day` (days since 1970) are rejects, because those days are pruned. `ingest/conform.py` rejects them for every
    table, but that is too late for a log: rows that `quick` read carry no `_raw`, which a reject must have.
    """

    reading: LogFormat
    formats: tuple[str, ...]
    fields: int = 0
    first_day: int | None = None

    @property
    def first_moment(self) -> datetime | None:
        """The beginning of the first day whose records are taken, in UTC."""
        return None if self.first_day is None else _EPOCH + timedelta(days=self.first_day)

    @property
    def too_long(self) -> str:
        """Why a line of more than `max_record_bytes` is a reject."""
        return f"the line is longer than {self.reading.max_record_bytes} bytes"


def detect_layout(head: bytes, reading: LogFormat) -> LogLayout | None:
    """The layout of a file by the first valid line of its head; None if there is none."""
    formats = (reading.format,) if reading.format else FORMATS
    for line in head.split(b"\n")[:_DETECTION_LINES]:
        text = line.decode("utf-8", "replace")
        for name in formats:
            try:
                parse_line(text, reading, (name,))
            except NotARecord:
                continue
            others = (other for other in formats if other != name)
            return LogLayout(reading, (name, *others), _quick_fields(text) if name == "space" else 0)
    return None


def _quick_fields(line: str) -> int:
    """How many fields a line of the format `space` has; 0 where date and time are one field."""
    return 0 if "T" in line[:11] else len([part for part in line.rstrip("\r").split(" ") if part])


def without_days_before(layout: LogLayout, day: date) -> LogLayout:
    """The layout with records of days before `day` as rejects."""
    return replace(layout, first_day=(day - _EPOCH.date()).days)
