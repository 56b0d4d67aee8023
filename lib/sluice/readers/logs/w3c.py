"""Lines in the W3C's extended log file format, as IIS and CloudFront write it: `#Fields` tells the columns.

Sources: https://www.w3.org/TR/WD-logfile.html,
https://learn.microsoft.com/en-us/windows/win32/http/w3c-logging (IIS),
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html (CloudFront)

Lines that begin with `#` are directives, no records. A `#Fields` holds until the next one, so a file is read in order.
Fields are divided by tabs if the line has one, else by blanks; times are UTC. `time-taken` is in seconds, in
milliseconds where `#Software` names Microsoft.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sluice.readers.logs.row import Row, customer, path_of
from sluice.readers.logs.values import duration, iso_time, status_code
from sluice.readers.shared.records import NotARecord

if TYPE_CHECKING:
    from sluice.readers.logs.formats import LogFormat

NAME = "w3c"
_REQUIRED = ("date", "time", "cs-uri-stem", "sc-status")
_HOSTS = ("x-host-header", "cs-host", "cs(Host)")
_FIELD = re.compile(r'"(?:[^"]|"")*"(?= |$)|[^ ]+')


def begins_w3c(line: str) -> bool:
    """Whether the first line of a file that is not blank is a directive of this format."""
    return re.match(r"#(Version|Software|Fields|Date|Start-Date|Remark): ", line) is not None


class W3cLines:
    """The lines of one file in their order."""

    def __init__(self, reading: LogFormat) -> None:
        self._reading = reading
        self._fields: list[str] = []
        self._unit = "s"

    def parse(self, line: str) -> Row | None:
        """The row of a line; None for a directive. Raises NotARecord for a line that does not fit its `#Fields`."""
        if line.startswith("#"):
            self._follow(line)
            return None
        if not self._fields:
            raise NotARecord("no #Fields before the line tells its columns")
        values = self._values(line)
        for name in _REQUIRED:
            if name not in values:
                raise NotARecord(f"{name} is missing")
        query = values.get("cs-uri-query", "")
        target = values["cs-uri-stem"] + (f"?{query}" if query else "")
        return Row(
            iso_time(f"{values['date']}T{values['time']}", "UTC"),
            customer(values.get("cs-username"), values.get("c-ip", "-"), self._reading.customer),
            path_of(target, self._reading.keep_query),
            status_code(values["sc-status"]),
            duration(values.get("time-taken"), self._unit),
            values.get("x-edge-request-id"),
            virtual_host=next((values[name] for name in _HOSTS if name in values), ""),
        )

    def _follow(self, directive: str) -> None:
        name, _, text = directive[1:].partition(":")
        if name == "Fields":
            self._fields = text.split()
        elif name == "Software":
            self._unit = "ms" if "Microsoft" in text else "s"

    def _values(self, line: str) -> Mapping[str, str]:
        """Field → value, without those that are `-`."""
        values = line.split("\t") if "\t" in line else line.split(" ")
        if len(values) != len(self._fields):
            values = _FIELD.findall(line)  # text in quotes may hold blanks
        if len(values) != len(self._fields):
            raise NotARecord(f"{len(values)} fields, but #Fields names {len(self._fields)}")
        return {name: value for name, value in zip(self._fields, values, strict=True) if value not in ("-", "")}
