"""Tables of Windows' `tasklist`, with or without `/v`; a line of `=` tells the columns, whatever the language.

Its csv form is read with the others in `process_csv`. Memory is in KiB, CPU time `h:mm:ss`
(learn.microsoft.com/windows-server/administration/windows-commands/tasklist).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from sluice.readers.processes import windows as windows_values
from sluice.readers.processes.row import Process, Unfit


@dataclass(frozen=True)
class Layout:
    """Where the columns begin and end, in places on the screen."""

    spans: tuple[tuple[int, int], ...]

    def record(self, lines: Sequence[str], at: int) -> tuple[Process | None, int]:
        """The process of a line, none of a blank one, and the line after it. Raises Unfit for a line that is none."""
        if not lines[at].strip():
            return None, at + 1
        places = _places(lines[at].rstrip())
        if len(places) <= self.spans[4][0]:
            raise Unfit("the line is cut short")
        if any(places[end] != " " for _, end in self.spans[:-1] if end < len(places)):
            raise Unfit("no line of the columns that the line of = tells")
        ends = [*(end for _, end in self.spans[:-1]), len(places)]
        cells = ["".join(places[begin:end]) for (begin, _), end in zip(self.spans, ends, strict=True)]
        return windows_values.tasklist(cells), at + 1


def header(lines: Sequence[str], at: int) -> tuple[Layout, int] | None:
    """The layout of a header and the line of `=` below it, and the line after both; None for any other line."""
    if at + 1 == len(lines) or not lines[at].strip() or not re.fullmatch(r"=+( =+)+\s*", lines[at + 1]):
        return None
    spans = tuple(found.span() for found in re.finditer("=+", lines[at + 1]))
    return (Layout(spans), at + 2) if len(spans) in (5, 9) else None


def _places(line: str) -> list[str]:
    """The line by places on the screen: a wide character takes two of them."""
    wide = ("W", "F")
    return [part for c in line for part in ((c, "") if unicodedata.east_asian_width(c) in wide else (c,))]
