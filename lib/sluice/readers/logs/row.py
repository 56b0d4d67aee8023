"""A request as every format of log lines gives it, and the rules for paths that they share."""

from __future__ import annotations

import re
from datetime import datetime
from typing import NamedTuple

QUOTED = r'"(?:[^"\\]|\\.)*"'  # a text in quotes, as a regular expression


class Row(NamedTuple):
    """`requested_at` is in UTC; `duration` is in seconds, None where none was logged."""

    requested_at: datetime
    customer_id: str
    request_path: str
    status_code: int
    duration: float | None
    request_id: str | None = None
    virtual_host: str = ""


def path_of(target: str, keep_query: bool) -> str:
    """A request's target without what follows the `?`, unless that is kept."""
    return target if keep_query else target.partition("?")[0]


_METHODS = ("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH")
_VERSIONS = ("HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/2", "HTTP/3.0")
_REQUEST = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+ (?P<target>.*\S.*) HTTP/[0-9](?:\.[0-9])?|[A-Z]{3,} (?P<old>/\S*)")


def requested_path(request: str, keep_query: bool) -> str:
    """The path of `METHOD target HTTP/1.1`, whose target may hold blanks; of anything else the whole text."""
    parts = request.split(" ")
    if len(parts) == 3 and parts[0] in _METHODS and parts[1] and parts[2] in _VERSIONS:  # quicker than the pattern
        return path_of(parts[1], keep_query)
    match = _REQUEST.fullmatch(request)
    return path_of((match["target"] or match["old"]).strip(" "), keep_query) if match else request or "-"


def customer(user: str | None, address: str, wanted: str) -> str:
    """The authenticated user, unless there is none or the `address` is `wanted`."""
    return address if wanted == "address" or user in (None, "", "-", '""') else str(user)
