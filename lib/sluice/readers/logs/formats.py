"""One line of a request log into a row, or why it is not one; plain Python, no Spark.

Formats, of which a line may have any:

- `space`: `2024-10-02 05:10:46 cust_40 /api/v1/resource1 400 0.316`: date, time (or both joined by T, with an offset or
  without), customer, path, status, seconds. The seconds may be missing or `-`.
- `json`: one object a line.
- `combined`: Apache's and nginx's access lines (https://httpd.apache.org/docs/2.4/logs.html#combined,
  https://nginx.org/en/docs/http/ngx_http_log_module.html): the common or combined fields, behind these perhaps
  `"$http_x_forwarded_for"`, as nginx's packages and images have it (`main`), and nginx's `$request_time`, also as
  `rt=0.004 uct="0.001" …` (https://docs.nginx.com/nginx/admin-guide/monitoring/logging/). Before them
  may be the virtual host (Apache's `vhost_combined`), and for the address a list, whose first one is the client's.

What containers and syslog put before a line is taken off, where the line is valid without it (`_PREFIXES`).

Formats of other servers (`published`) are tried only where they are named. `w3c`, whose lines tell what the following
ones hold, is told by a file's first line and has a module of its own.

To add a format: a function that gives the row of a line, None for a line that is clearly of another format, and raises
NotARecord for one with a bad value; and its name in `_DETECTED`, or in
`published` and `_NAMED`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass

from sluice.errors import UsageError
from sluice.readers.logs import w3c
from sluice.readers.logs.published import alb, caddy, envoy, haproxy, traefik, traefik_json
from sluice.readers.logs.row import QUOTED, Row, customer, path_of, requested_path
from sluice.readers.logs.values import (
    access_time,
    duration,
    iso_time,
    json_object,
    json_text,
    json_time,
    status_code,
    zone,
)
from sluice.readers.shared.encoding import line_wise
from sluice.readers.shared.json_values import member
from sluice.readers.shared.reading import LATER
from sluice.readers.shared.records import NotARecord

FIELDS = ("requested_at", "customer_id", "request_path", "status_code", "duration", "request_id")
_REQUIRED = FIELDS[:4]


@dataclass(frozen=True)
class LogFormat:
    """How lines are read; all of it changes rows.

    `format`: "" takes the format of the file's first valid line, then any other. `field`: where JSON objects have a
    column, as `column=name`, the name dotted if nested. `customer`: `user` (the authenticated user, else the address)
    or `address`. `source` keeps equal lines of different servers apart; without one it is the line's virtual host. A
    line of more than `max_record_bytes` is a reject. `duration_unit`: s, ms, us or ns. `encoding` is that of files
    without a byte order mark.
    """

    format: str = ""
    timezone: str = "UTC"
    field: tuple[str, ...] = ()
    customer: str = "user"
    keep_query: bool = False
    source: str = ""
    max_record_bytes: int = 1 << 20
    duration_unit: str = dataclasses.field(default="s", metadata=LATER)
    encoding: str = dataclasses.field(default="utf-8", metadata=LATER)

    def __post_init__(self) -> None:
        object.__setattr__(self, "encoding", line_wise(self.encoding))
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


# Kubernetes' container logs (the CRI's format), docker compose, and syslog by RFC 5424 and RFC 3164
_PREFIXES = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d) (?:stdout|stderr) F "
    r"|[A-Za-z0-9][\w.-]* +\| "
    r"|<\d{1,3}>1 \S+ \S+ \S+ \S+ \S+ (?:-|\[.*?\]) "
    r"|(?:<\d{1,3}>)?[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d (?:\S+ )?[\w./-]+(?:\[\d+\])?: ",
    re.ASCII,
)


def parse_line(line: str, reading: LogFormat, formats: tuple[str, ...]) -> Row:
    """The row of a line in the first of the formats that fits it, with or without what a container puts before it.

    Raises NotARecord for a line that fits none; a format that recognised the line gives the reason.
    """
    try:
        return _parse(line, reading, formats)
    except NotARecord:
        prefix = _PREFIXES.match(line)
        if prefix is None:
            raise
        return _parse(line[prefix.end() :], reading, formats)


def _parse(line: str, reading: LogFormat, formats: tuple[str, ...]) -> Row:
    reason = ""
    for name in formats:
        try:
            row = _PARSERS[name](line, reading)
        except NotARecord as error:
            reason = reason or str(error)
            continue
        if row is not None:
            return row
    raise NotARecord(reason or f"the line is not of format {' or '.join(formats)}")


def _space(line: str, reading: LogFormat) -> Row | None:
    parts = [part for part in line.rstrip("\r").split(" ") if part]
    if parts and "T" in parts[0]:
        parts[:1] = parts[0].split("T", 1)
    if len(parts) not in (5, 6) or not re.match("[0-9]{4}-", parts[0]):
        return None
    requested_at = iso_time(f"{parts[0]}T{parts[1]}", reading.timezone)
    seconds = parts[5] if len(parts) == 6 else None
    path = path_of(parts[3], reading.keep_query)
    return Row(requested_at, parts[2], path, status_code(parts[4]), duration(seconds, reading.duration_unit))


def _json(line: str, reading: LogFormat) -> Row | None:
    if not line.lstrip().startswith("{"):
        return None
    record = json_object(line)
    values = {column: member(record, name) for column, name in reading.names.items()}
    for column in _REQUIRED:
        if values[column] is None or values[column] == "":
            raise NotARecord(f"{reading.names[column]} is missing")
    return Row(
        json_time(values["requested_at"], reading.timezone),
        json_text(values["customer_id"]),
        path_of(json_text(values["request_path"]), reading.keep_query),
        status_code(values["status_code"]),
        duration(values["duration"], reading.duration_unit),
        None if values["request_id"] in (None, "") else json_text(values["request_id"]),
    )


_IP = r"(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)"
_USER = r"(?:- (?P<user>(?!- [^\[])\S+(?: [^\s\[]\S*)*)|\S+ (?P<word>\S+)) "  # of several words only without an ident
_NAMED_TIMES = r'(?: \w+=(?:"[^"]*"|\S+))*'
_REQUEST = (
    r'\[(?P<time>[^\]]{1,40})\] "(?P<request>(?:[^"\\]|\\.)*)" (?P<status>\S+) (?:\d+|-)'
    rf"(?: {QUOTED} {QUOTED}(?: {QUOTED})?)?(?: (?:rt=)?(?P<duration>\S+){_NAMED_TIMES})?\s*"
)
_COMBINED = re.compile(rf"(?P<address>[^\s,]+) {_USER}{_REQUEST}", re.ASCII)
_BEHIND_PROXY = re.compile(
    # the virtual host is a name with a port, or any name before an address
    rf"(?:(?P<host_port>[^\s:,]+):\d{{1,5}} (?=\S*[.:])|(?!{_IP} )(?P<host>[^\s,]+) (?={_IP}[ ,]))?"
    rf"(?P<address>[^\s,]+)(?:, ?[^\s,]+)* {_USER}{_REQUEST}",
    re.ASCII,
)


def _combined(line: str, reading: LogFormat) -> Row | None:
    match = _COMBINED.fullmatch(line)
    host = ""
    if not match:
        match = _BEHIND_PROXY.fullmatch(line)
        if not match:
            return None
        host = match["host_port"] or match["host"] or ""
    return Row(
        access_time(match["time"]),
        customer(match["user"] or match["word"], match["address"], reading.customer),
        requested_path(match["request"], reading.keep_query),
        status_code(match["status"]),
        duration(match["duration"], reading.duration_unit),
        virtual_host=host,
    )


_DETECTED: dict[str, Callable[[str, LogFormat], Row | None]] = {"space": _space, "json": _json, "combined": _combined}
_NAMED = (traefik, traefik_json, caddy, envoy, haproxy, alb)
_PARSERS = _DETECTED | {parser.__name__: parser for parser in _NAMED}
DETECTED = tuple(_DETECTED)
FORMATS = (*_PARSERS, w3c.NAME)
