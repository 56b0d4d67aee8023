"""Lines of other servers, by their published formats; each is tried only where `--format` names it.

- `traefik`: https://doc.traefik.io/traefik/observe/logs-and-access-logs/ (the common log format with Traefik's fields)
- `traefik_json`: the same fields as JSON; durations are nanoseconds
- `caddy`: https://caddyserver.com/docs/caddyfile/directives/log (JSON)
- `envoy`: https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage (the default format)
- `haproxy`: https://docs.haproxy.org/2.8/configuration.html#8.2.3 (HTTP log format); times have no offset
- `alb`: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html

Units of durations are the format's own; `--duration-unit` does not change them. The customer is the user, or the
client's address where none is logged. Each function gives the row of a line, None for a line of another format, and
raises NotARecord for one with a bad value.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from sluice.readers.logs.row import QUOTED, Row, customer, path_of, requested_path
from sluice.readers.logs.values import (
    access_time,
    duration,
    in_utc,
    iso_time,
    json_object,
    json_text,
    json_time,
    status_code,
)
from sluice.readers.shared.json_values import member
from sluice.readers.shared.records import NotARecord

if TYPE_CHECKING:
    from sluice.readers.logs.formats import LogFormat

_TRAEFIK = re.compile(
    r'(?P<address>\S+) - (?P<user>.+?) \[(?P<time>[^\]]{1,40})\] "(?P<request>(?:[^"\\]|\\.)*)" (?P<status>\S+) '
    rf"(?:\d+|-) {QUOTED} {QUOTED} \d+ {QUOTED} {QUOTED} (?P<ms>\d+)ms\s*",
    re.ASCII,
)
_ENVOY = re.compile(
    r'\[(?P<time>[^\]]{1,40})\] "(?P<request>(?:[^"\\]|\\.)*)" (?P<status>\S+) .*?(?P<ms>\d+|-) (?:\d+|-) '
    rf'"(?P<forwarded>[^"]*)" {QUOTED} {QUOTED} "(?P<host>[^"]*)" {QUOTED}\s*',
    re.ASCII,
)
_HAPROXY = re.compile(
    r"(?:.*haproxy\[\d+\]: )?(?P<address>\S+):\d+ \[(?P<time>\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d)\.(?P<ms>\d{3})\] "
    r"\S+ \S+ (?:[+-]?\d+/){4}(?P<total>[+-]?\d+) (?P<status>\S+) \+?\d+ \S+ \S+ \S{4} \S+ \S+ (?:\{.*\} )?"
    r'"(?P<request>.*)"\s*',
    re.ASCII,
)
_OF_URL = re.compile(r"([A-Z]+) [a-z]+://[^/ ]*(.*)")


def traefik(line: str, reading: LogFormat) -> Row | None:
    match = _TRAEFIK.fullmatch(line)
    return match and Row(
        access_time(match["time"]),
        customer(match["user"], match["address"], reading.customer),
        requested_path(match["request"], reading.keep_query),
        status_code(match["status"]),
        duration(match["ms"], "ms"),
    )


def envoy(line: str, reading: LogFormat) -> Row | None:
    match = _ENVOY.fullmatch(line)
    return match and Row(
        iso_time(match["time"], "UTC"),
        match["forwarded"].partition(",")[0],
        requested_path(match["request"], reading.keep_query),
        status_code(match["status"]),
        duration(match["ms"], "ms"),
        virtual_host=match["host"].removesuffix("-"),
    )


def haproxy(line: str, reading: LogFormat) -> Row | None:
    match = _HAPROXY.fullmatch(line)
    if not match:
        return None
    local = access_time(f"{match['time']} +0000").replace(tzinfo=None) + timedelta(milliseconds=int(match["ms"]))
    total = match["total"].removeprefix("+")
    return Row(
        in_utc(local, reading.timezone),
        match["address"],
        requested_path(match["request"], reading.keep_query),
        status_code(match["status"]),
        None if total.startswith("-") else duration(total, "ms"),
    )


def alb(line: str, reading: LogFormat) -> Row | None:
    fields = next(csv.reader([line], delimiter=" ", escapechar="\\"), [])
    if len(fields) < 14 or fields[0] not in ("http", "https", "h2", "grpcs", "ws", "wss"):
        return None
    request = _OF_URL.sub(lambda found: f"{found[1]} /{found[2].removeprefix('/')}", fields[12])
    return Row(
        iso_time(fields[1], "UTC"),
        fields[3].rpartition(":")[0] or fields[3],
        requested_path(request, reading.keep_query),
        status_code(fields[8]),
        _sum_of_seconds(fields[5:8]),
    )


def _sum_of_seconds(texts: Sequence[str]) -> float | None:
    """The seconds of a load balancer's three parts of a request; None where one of them is -1, as it did not happen."""
    seconds = [duration(text) for text in texts if text != "-1"]
    return round(sum(part or 0.0 for part in seconds), 6) if len(seconds) == len(texts) else None


def traefik_json(line: str, reading: LogFormat) -> Row | None:
    names = {"time": "StartUTC", "path": "RequestPath", "status": "DownstreamStatus", "seconds": "Duration"}
    return _json(line, reading, names, "ClientUsername", ("ClientHost",), "RequestHost", "ns")


def caddy(line: str, reading: LogFormat) -> Row | None:
    names = {"time": "ts", "path": "request.uri", "status": "status", "seconds": "duration"}
    addresses = ("request.client_ip", "request.remote_ip")
    return _json(line, reading, names, "user_id", addresses, "request.host", "s")


def _json(
    line: str,
    reading: LogFormat,
    names: dict[str, str],
    user: str,
    addresses: Sequence[str],
    host: str,
    unit: str,
) -> Row | None:
    if not line.lstrip().startswith("{"):
        return None
    record = json_object(line)
    values = {part: member(record, name) for part, name in names.items()}
    address = next((found for name in addresses if (found := member(record, name))), None)
    for name, value in (*((names[part], values[part]) for part in ("time", "path", "status")), (addresses[0], address)):
        if value is None or value == "":
            raise NotARecord(f"{name} is missing")
    return Row(
        json_time(values["time"], reading.timezone),
        customer(json_text(member(record, user) or ""), json_text(address), reading.customer),
        path_of(json_text(values["path"]), reading.keep_query),
        status_code(values["status"]),
        duration(values["seconds"], unit),
        virtual_host=json_text(member(record, host) or ""),
    )
