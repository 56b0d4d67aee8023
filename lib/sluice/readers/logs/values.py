"""The values of a log line as they are stored: times in UTC, statuses, durations in seconds, text.

Every function raises NotARecord for a value that it cannot take.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sluice.errors import UsageError
from sluice.readers.shared.json_values import unique_members
from sluice.readers.shared.records import NotARecord, storable

MAX_SECONDS = 1e6  # more than 11 days; microseconds of millions of such requests still add up in a bigint

_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z| ?UTC| ?[+-]\d\d(?::?\d\d)?)?", re.ASCII)
_ACCESS_TIME = re.compile(r"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)", re.ASCII)
_SECONDS = re.compile(r"[+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
# units of a second in a number since 1970, and the number from which on it cannot be of the unit before
_UNITS_FROM = ((1e17, 10**9), (1e14, 10**6), (1e11, 10**3), (0, 1))  # 1e11 seconds are in the year 5138
DURATION_UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


@lru_cache
def zone(name: str) -> ZoneInfo:
    """Raises UsageError for a name that is not a time zone."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(f"--timezone {name!r} is unknown: use a name like Europe/Berlin or UTC") from None


def in_utc(local: datetime, timezone: str) -> datetime:
    """A local time in UTC: the earlier one where it comes twice, moved forward by the gap where it never comes."""
    return local.replace(tzinfo=zone(timezone)).astimezone(UTC)


def iso_time(text: str, timezone: str) -> datetime:
    """ISO 8601; a time without an offset is of the time zone."""
    if not _ISO.fullmatch(text):
        raise NotARecord(f"{text[:40]!r} is not a time like 2024-10-02T05:10:46")
    try:
        time = datetime.fromisoformat(text.replace("UTC", "Z").replace(" Z", "Z").replace(" +", "+").replace(" -", "-"))
        return time.astimezone(UTC) if time.tzinfo else in_utc(time, timezone)
    except (ValueError, OverflowError):
        raise NotARecord(f"{text[:40]!r} is not a possible time") from None


def access_time(text: str) -> datetime:
    """The time of an access line: `02/Oct/2024:05:10:46 +0000`."""
    match = _ACCESS_TIME.fullmatch(text)
    if not match or match[2] not in _MONTHS:
        raise NotARecord(f"{text!r} is not a time like 02/Oct/2024:05:10:46 +0000")
    day, month, year, hour, minute, second, sign, hours, minutes = match.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes)) * (1 if sign == "+" else -1)
    try:
        local = datetime(int(year), _MONTHS[month], int(day), int(hour), int(minute), int(second), tzinfo=UTC)
        return local - offset
    except (ValueError, OverflowError):
        raise NotARecord(f"{text!r} is not a possible time") from None


def json_time(value: Any, timezone: str) -> datetime:
    """ISO 8601, the time of an access line, or a number, perhaps in quotes: seconds since 1970, or milli-, micro- or
    nanoseconds if it is that large."""
    if isinstance(value, str):
        if _ACCESS_TIME.fullmatch(value):
            return access_time(value)
        if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value):
            return iso_time(value, timezone)
        value = int(value) if value.lstrip("-").isdecimal() and len(value) < 25 else float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise NotARecord(f"{str(value)[:40]!r} is not a time")
    if not abs(value) < 1e20:  # nan too
        raise NotARecord(f"{str(value)[:40]} is not a possible time")
    units = next(units for least, units in _UNITS_FROM if abs(value) >= least)
    micros = value * 10**6 // units if isinstance(value, int) else round(value * (10**6 / units))
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    except OverflowError:
        raise NotARecord(f"{value} is not a possible time") from None


def status_code(value: Any) -> int:
    """A number or its digits, 100 to 599."""
    text = str(value)
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,9}", text) or not 100 <= int(text) <= 599:
        raise NotARecord(f"status {text[:40]!r} is not a number from 100 to 599")
    return int(text)


def duration(value: Any, unit: str = "s") -> float | None:
    """Seconds, 0 to `MAX_SECONDS`, of a number of the unit; None where none was logged: null, empty or `-`."""
    if value is None or value in ("", "-"):
        return None
    is_number = _SECONDS.fullmatch(value) if isinstance(value, str) else type(value) in (int, float)
    number = float(value) if isinstance(value, str) and is_number else value if is_number else math.nan
    if not 0 <= number <= MAX_SECONDS * DURATION_UNITS[unit]:  # an integer of JSON may be too large for a float
        raise NotARecord(f"duration {str(value)[:40]!r} is not a number of seconds from 0 to {MAX_SECONDS:,.0f}")
    return abs(number / DURATION_UNITS[unit])


def json_object(line: str) -> Any:
    """The object of a line; its numbers are floats."""
    try:
        return json.loads(line, object_pairs_hook=unique_members)
    except NotARecord:
        raise
    except (ValueError, RecursionError):
        raise NotARecord("the line is not a JSON object") from None


def json_text(value: Any) -> str:
    """A text or a number of a JSON object as text."""
    if isinstance(value, (Mapping, list, bool)):
        raise NotARecord(f"{str(value)[:40]} is neither text nor a number")
    return storable(str(value))
