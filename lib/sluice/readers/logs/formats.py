"""One line of a request log into a row, or why it is none; plain Python, no Spark.

Formats, of which a line may have any:

- `space`: `2024-10-02 05:10:46 cust_40 /api/v1/resource1 400 0.316`: date, time (or both joined by T, with an offset or
  without), customer, path, status, seconds. The seconds may be missing or `-`.
- `json`: one object a line.
- `combined`: Apache's and nginx's access lines (https://httpd.apache.org/docs/2.4/logs.html#combined,
  https://nginx.org/en/docs/http/ngx_http_log_module.html): the common or combined fields, and perhaps nginx's
  `$request_time` in seconds behind them.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sluice.errors import UsageError
from sluice.readers.shared.json_values import member

FIELDS = ("requested_at", "customer_id", "request_path", "status_code", "duration", "request_id")


class Row(NamedTuple):
    """`requested_at` is in UTC; `duration` is in seconds, None where none was logged."""

    requested_at: datetime
    customer_id: str
    request_path: str
    status_code: int
    duration: float | None
    request_id: str | None = None


class Unfit(ValueError):
    """Why a line is no row."""


@dataclass(frozen=True)
class LogFormat:
    """How lines are read; all of it changes rows.

    `format` "": the one of the file's first good lines, then any. `fields`: column → dotted name in the object, as
    `column=name`. `customer`: `user` (the authenticated one, else the address) or `address`. `source` tells logs of
    different servers apart. A line of more than `max_record_bytes` is a reject.
    """

    format: str = ""
    timezone: str = "UTC"
    field: tuple[str, ...] = ()
    customer: str = "user"
    keep_query: bool = False
    source: str = ""
    max_record_bytes: int = 1 << 20

    def __post_init__(self) -> None:
        object.__setattr__(self, "field", tuple(sorted(self.field)))
        zone(self.timezone)
        for text in self.field:
            column, equals, name = text.partition("=")
            if not (equals and name and column in FIELDS):
                raise UsageError(f"--field {text!r}: give COLUMN=NAME, COLUMN one of {', '.join(FIELDS)}")

    @property
    def names(self) -> dict[str, str]:
        """Column → dotted name in a JSON object."""
        return {name: name for name in FIELDS} | dict(text.split("=", 1) for text in self.field)


@lru_cache
def zone(name: str) -> ZoneInfo:
    """Raises UsageError for a name that is no time zone."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(f"--timezone {name!r} is unknown: use a name like Europe/Berlin or UTC") from None


def parse_line(line: str, reading: LogFormat, formats: tuple[str, ...]) -> Row:
    """The row of a line in the first of the formats that it has. Raises Unfit."""
    reasons = []
    for name in formats:
        try:
            row = _PARSERS[name](line, reading)
        except Unfit as error:
            reasons.append(str(error))
            continue
        path = row.request_path if reading.keep_query else row.request_path.partition("?")[0]
        return row._replace(request_path=path)
    specific = [reason for reason in reasons if reason]
    raise Unfit(specific[0] if specific else f"the line is not of format {' or '.join(formats)}")


def _space(line: str, reading: LogFormat) -> Row:
    parts = [part for part in line.rstrip("\r").split(" ") if part]
    if parts and "T" in parts[0]:
        parts[:1] = parts[0].split("T", 1)
    if len(parts) not in (5, 6) or not re.match("[0-9]{4}-", parts[0]):
        raise Unfit
    when = _iso_time(f"{parts[0]}T{parts[1]}", reading)
    return Row(when, parts[2], parts[3], _status(parts[4]), _duration(parts[5] if len(parts) == 6 else None))


def _json(line: str, reading: LogFormat) -> Row:
    if not line.lstrip().startswith("{"):
        raise Unfit
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        raise Unfit("the line is not a JSON object") from None
    values = {column: member(record, name) for column, name in reading.names.items()}
    for column in ("requested_at", "customer_id", "request_path", "status_code"):
        if values[column] is None or values[column] == "":
            raise Unfit(f"{reading.names[column]} is missing")
    return Row(
        _json_time(values["requested_at"], reading),
        _text(values["customer_id"]),
        _text(values["request_path"]),
        _status(values["status_code"]),
        _duration(values["duration"]),
        None if values["request_id"] in (None, "") else _text(values["request_id"]),
    )


def _text(value: Any) -> str:
    if isinstance(value, (Mapping, list, bool)):
        raise Unfit(f"{str(value)[:40]} is neither text nor a number")
    return str(value)


_COMBINED = re.compile(
    r'(?P<address>\S+) \S+ (?P<user>\S+(?: [^\s\[]\S*)*) \[(?P<time>[^\]]{1,40})\] "(?P<request>(?:[^"\\]|\\.)*)" '
    r'(?P<status>\S+) (?:\d+|-)(?: "(?:[^"\\]|\\.)*" "(?:[^"\\]|\\.)*")?(?: (?P<duration>\S+))?\s*',
    re.ASCII,
)
_MONTHS = {
    name: n
    for n, name in enumerate(["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"], 1)
}
_TIME = re.compile(r"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)", re.ASCII)


def _combined(line: str, reading: LogFormat) -> Row:
    found = _COMBINED.fullmatch(line)
    if not found:
        raise Unfit
    user, parts = found["user"], found["request"].split(" ")
    customer = found["address"] if user in ("-", '""') or reading.customer == "address" else user
    path = parts[1] if len(parts) in (2, 3) and parts[1] else found["request"] or "-"
    return Row(_combined_time(found["time"]), customer, path, _status(found["status"]), _duration(found["duration"]))


def _combined_time(text: str) -> datetime:
    found = _TIME.fullmatch(text)
    if not found or found[2] not in _MONTHS:
        raise Unfit(f"{text!r} is not a time like 02/Oct/2024:05:10:46 +0000")
    day, _, year, hour, minute, second, sign, hours, minutes = found.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes)) * (1 if sign == "+" else -1)
    try:
        local = datetime(int(year), _MONTHS[found[2]], int(day), int(hour), int(minute), int(second), tzinfo=UTC)
        return local - offset
    except (ValueError, OverflowError):
        raise Unfit(f"{text!r} is not a possible time") from None


_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d(?::?\d\d)?)?", re.ASCII)


def _iso_time(text: str, reading: LogFormat) -> datetime:
    if not _ISO.fullmatch(text):
        raise Unfit(f"{text[:40]!r} is not a time like 2024-10-02T05:10:46")
    try:
        when = datetime.fromisoformat(text)
        return when.astimezone(UTC) if when.tzinfo else in_utc(when, reading.timezone)
    except (ValueError, OverflowError):
        raise Unfit(f"{text[:40]!r} is not a possible time") from None


def in_utc(local: datetime, timezone: str) -> datetime:
    """A local time in UTC: the earlier one where it comes twice, moved forward by the gap where it never comes."""
    return local.replace(tzinfo=zone(timezone)).astimezone(UTC)


def _json_time(value: Any, reading: LogFormat) -> datetime:
    """ISO text, or a number of seconds since 1970, or of milliseconds if that large."""
    if isinstance(value, str):
        if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value):
            return _iso_time(value, reading)
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise Unfit(f"{str(value)[:40]!r} is not a time")
    try:
        micros = round(value * 1000) if abs(value) >= 1e11 else round(value * 1_000_000)
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    except OverflowError:
        raise Unfit(f"{value} is not a possible time") from None


def _status(value: Any) -> int:
    text = str(value)
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,9}", text) or not 100 <= int(text) <= 599:
        raise Unfit(f"status {text[:40]!r} is not a number from 100 to 599")
    return int(text)


def _duration(value: Any) -> float | None:
    if value is None or value in ("", "-"):
        return None
    known = _SECONDS.fullmatch(value) if isinstance(value, str) else type(value) in (int, float)
    seconds = float(value) if known else math.nan
    if not 0 <= seconds <= MAX_SECONDS:
        raise Unfit(f"duration {str(value)[:40]!r} is not a number of seconds from 0 to {MAX_SECONDS:,.0f}")
    return abs(seconds)


_SECONDS = re.compile(r"[+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
MAX_SECONDS = 1e6  # more than 11 days; microseconds of millions of such requests still add up in a bigint

_PARSERS: dict[str, Callable[[str, LogFormat], Row]] = {"space": _space, "json": _json, "combined": _combined}
FORMATS = tuple(_PARSERS)
