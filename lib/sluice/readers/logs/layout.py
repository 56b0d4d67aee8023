"""How to read one log, detected from its first lines, and the records that come of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa

from sluice.readers.logs import w3c
from sluice.readers.logs.formats import DETECTED, LogFormat, parse_line
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
    def in_order(self) -> bool:
        """Whether what a line means may depend on lines before it."""
        return self.formats == (w3c.NAME,)

    @property
    def first_moment(self) -> datetime | None:
        """The beginning of the first day whose records are taken, in UTC."""
        return None if self.first_day is None else _EPOCH + timedelta(days=self.first_day)

    @property
    def too_long(self) -> str:
        """Why a line of more than `max_record_bytes` is a reject."""
        return f"the line is longer than {self.reading.max_record_bytes} bytes"


def detect_layout(head: bytes, reading: LogFormat) -> LogLayout | str:
    """The layout of a file by the first valid line of its head; if there is none, the most frequent reason.

    With a `format` given a file may begin with any lines: each is a row or a reject.
    """
    lines = head.split(b"\n")[:_DETECTION_LINES]
    first = next((line for line in lines if line.strip()), b"").decode(reading.encoding, "replace")
    if reading.format == w3c.NAME or (not reading.format and w3c.begins_w3c(first)):
        return LogLayout(reading, (w3c.NAME,))
    formats = (reading.format,) if reading.format else DETECTED
    reasons: dict[str, list[int]] = {}
    for number, line in enumerate(lines, 1):
        text = line.decode(reading.encoding, "replace").rstrip("\r")
        for name in formats:
            try:
                parse_line(text, reading, (name,))
            except NotARecord as error:
                if text.strip():
                    reasons.setdefault(str(error), []).append(number)
                continue
            others = (other for other in formats if other != name)
            return LogLayout(reading, (name, *others), _quick_fields(text, reading) if name == "space" else 0)
    if reading.format:
        return LogLayout(reading, formats)
    return _most_frequent(reasons)


def _most_frequent(reasons: dict[str, list[int]]) -> str:
    """The reason that most lines have, with the first of these; any is better than that no format knew a line."""
    told = {reason: lines for reason, lines in reasons.items() if not reason.startswith("the line is not of format")}
    if not told:
        return "no line looks like one"
    reason, lines = max(told.items(), key=lambda item: len(item[1]))
    return f"{reason}, in line {lines[0]}"


def _quick_fields(line: str, reading: LogFormat) -> int:
    """How many fields a line of the format `space` has; 0 where `quick` cannot read it."""
    unusual = reading.encoding != "utf-8" or reading.duration_unit != "s"
    return 0 if unusual or "T" in line[:11] else len([part for part in line.rstrip("\r").split(" ") if part])


def without_days_before(layout: LogLayout, day: date) -> LogLayout:
    """The layout with records of days before `day` as rejects."""
    return replace(layout, first_day=(day - _EPOCH.date()).days)
