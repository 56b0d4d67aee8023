"""One line of a request log into a row, or why it is not one; plain Python, no Spark.

Formats, of which a line may have any:

- `space`: `2024-10-02 05:10:46 cust_40 /api/v1/resource1 400 0.316`: date, time (or both joined by T, with an offset or
  without), customer, path, status, seconds. The seconds may be missing or `-`.
- `json`: one object a line.
- `combined`: Apache's and nginx's access lines (https://httpd.apache.org/docs/2.4/logs.html#combined,
  https://nginx.org/en/docs/http/ngx_http_log_module.html): the common or combined fields, and perhaps nginx's
  `$request_time` in seconds behind them.

To add a format: a function that gives the row of a line, None for a line that is clearly of another format, and raises
NotARecord for one with a bad value; and its name in `_PARSERS`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sluice.errors import UsageError
from sluice.readers.logs.values import access_time, duration, iso_time, json_text, json_time, status_code, zone
from sluice.readers.shared.json_values import member, unique_members
from sluice.readers.shared.records import NotARecord

FIELDS = ("requested_at", "customer_id", "request_path", "status_code", "duration", "request_id")
_REQUIRED = FIELDS[:4]


class Row(NamedTuple):
    """`requested_at` is in UTC; `duration` is in seconds, None where none was logged."""

    requested_at: datetime
    customer_id: str
    request_path: str
    status_code: int
    duration: float | None
    request_id: str | None = None


@dataclass(frozen=True)
class LogFormat:
    """How lines are read; all of it changes rows.

    `format`: "" takes the format of the file's first valid line, then any other. `field`: where JSON objects have a
    column, as `column=name`, the name dotted if nested. `customer`: `user` (the authenticated user, else the address)
    or `address`. `source` keeps equal lines of different servers apart. A line of more than `max_record_bytes` is a
    reject.
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


def parse_line(line: str, reading: LogFormat, formats: tuple[str, ...]) -> Row:
    """The row of a line in the first of the formats that fits it.

    Raises NotARecord for a line that fits none; a format that recognised the line gives the reason.
    """
    reason = ""
    for name in formats:
        try:
            row = _PARSERS[name](line, reading)
        except NotARecord as error:
            reason = reason or str(error)
            continue
        if row is not None:
            path = row.request_path if reading.keep_query else row.request_path.partition("?")[0]
            return row._replace(request_path=path)
    raise NotARecord(reason or f"the line is not of format {' or '.join(formats)}")


def _space(line: str, reading: LogFormat) -> Row | None:
    parts = [part for part in line.rstrip("\r").split(" ") if part]
    if parts and "T" in parts[0]:
        parts[:1] = parts[0].split("T", 1)
    if len(parts) not in (5, 6) or not re.match("[0-9]{4}-", parts[0]):
        return None
    requested_at = iso_time(f"{parts[0]}T{parts[1]}", reading.timezone)
    seconds = parts[5] if len(parts) == 6 else None
    return Row(requested_at, parts[2], parts[3], status_code(parts[4]), duration(seconds))


def _json(line: str, reading: LogFormat) -> Row | None:
    if not line.lstrip().startswith("{"):
        return None
    try:
        record = json.loads(line, object_pairs_hook=unique_members)
    except NotARecord:
        raise
    except (ValueError, RecursionError):
        raise NotARecord("the line is not a JSON object") from None
    values = {column: member(record, name) for column, name in reading.names.items()}
    for column in _REQUIRED:
        if values[column] is None or values[column] == "":
            raise NotARecord(f"{reading.names[column]} is missing")
    return Row(
        json_time(values["requested_at"], reading.timezone),
        json_text(values["customer_id"]),
        json_text(values["request_path"]),
        status_code(values["status_code"]),
        duration(values["duration"]),
        None if values["request_id"] in (None, "") else json_text(values["request_id"]),
    )


_COMBINED = re.compile(
    r'(?P<address>\S+) \S+ (?P<user>\S+(?: [^\s\[]\S*)*) \[(?P<time>[^\]]{1,40})\] "(?P<request>(?:[^"\\]|\\.)*)" '
    r'(?P<status>\S+) (?:\d+|-)(?: "(?:[^"\\]|\\.)*" "(?:[^"\\]|\\.)*")?(?: (?P<duration>\S+))?\s*',
    re.ASCII,
)


def _combined(line: str, reading: LogFormat) -> Row | None:
    match = _COMBINED.fullmatch(line)
    if not match:
        return None
    user, parts = match["user"], match["request"].split(" ")
    customer = match["address"] if user in ("-", '""') or reading.customer == "address" else user
    path = parts[1] if len(parts) in (2, 3) and parts[1] else match["request"] or "-"
    return Row(access_time(match["time"]), customer, path, status_code(match["status"]), duration(match["duration"]))


_PARSERS: dict[str, Callable[[str, LogFormat], Row | None]] = {"space": _space, "json": _json, "combined": _combined}
FORMATS = tuple(_PARSERS)
