"""Tables of Windows' `tasklist`, also with `/v`, `/svc` and `/m`.

The names of the columns are in the language of the system, so they say nothing. The line below them does, whose groups
of `=` are as wide as the columns:

    Image Name                     PID Session Name        Session#    Mem Usage
    ========================= ======== ================ =========== ============
    chrome.exe                    1234 Console                    1    345,678 K

With `/svc` and `/m` there are three columns. A long list of services or modules goes on in the next lines, which are
blank up to that column.

Widths are places on the screen, of which a Chinese or Japanese character takes two. Columns are known by their position
(`windows`). The csv form is read in `csv`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from sluice.readers.processes.row import Process
from sluice.readers.processes.windows import TASKLIST_COLUMNS, process_of_tasklist
from sluice.readers.shared.records import NotARecord


@dataclass(frozen=True)
class TasklistLayout:
    """Where each column begins and ends, in places on the screen."""

    spans: tuple[tuple[int, int], ...]

    @property
    def unknown(self) -> tuple[str, ...]:
        return ("services or modules",) if len(self.spans) == 3 else ()

    def record(self, lines: Sequence[str], at: int) -> tuple[Process | None, int]:
        """The process of a line (None: it is blank) and the line after it. Raises NotARecord for any other line."""
        if not lines[at].strip():
            return None, at + 1
        places = _screen_places(lines[at].rstrip())
        if len(places) <= self.spans[min(4, len(self.spans) - 1)][0]:
            raise NotARecord("the line is cut short")
        if any(places[end] != " " for _, end in self.spans[:-1] if end < len(places)):
            raise NotARecord("the line does not fit the columns of the line of =")
        ends = [*(end for _, end in self.spans[:-1]), len(places)]
        cells = ["".join(places[begin:end]) for (begin, _), end in zip(self.spans, ends, strict=True)]
        process, after = process_of_tasklist(cells), at + 1
        while len(self.spans) == 3 and after < len(lines) and self._goes_on(lines[after]):
            after += 1
        return process, after

    def _goes_on(self, line: str) -> bool:
        """Whether a line holds more services or modules of the process before it."""
        return bool(line.strip()) and not line[: self.spans[2][0]].strip()


def header(lines: Sequence[str], at: int) -> tuple[TasklistLayout, int] | None:
    """The layout of a header and the line of `=` below it, and the line after both; None for any other line."""
    if at + 1 == len(lines) or not lines[at].strip() or not re.fullmatch(r"=+( =+)+\s*", lines[at + 1]):
        return None
    spans = tuple(match.span() for match in re.finditer("=+", lines[at + 1]))
    if len(spans) not in TASKLIST_COLUMNS or (len(spans) == 3 and "PID" not in lines[at].split()):
        return None
    return TasklistLayout(spans), at + 2


def lacks_header(line: str) -> bool:
    """Whether a line looks like one of `tasklist /nh`, as a table or as CSV."""
    return re.match(r'[^",]+ +\d+ \S.* +\d+ +[\d.,\s]+ \w{1,3} *$|"[^"]+","\d+","[^"]*","\d+","', line) is not None


def _screen_places(line: str) -> list[str]:
    """The line by places on the screen: a wide character, then an empty text for its second place."""
    wide = ("W", "F")
    return [part for c in line for part in ((c, "") if unicodedata.east_asian_width(c) in wide else (c,))]
