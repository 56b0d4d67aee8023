"""Tables of Windows' `wmic process`: columns of fixed width that begin where their names do.

Values are those of Win32_Process (see `windows_values`); the csv form is read in `process_csv`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sluice.readers.processes import windows as windows_values
from sluice.readers.processes.row import Process, Unfit


@dataclass(frozen=True)
class Layout:
    """The columns' names in small letters, and where each begins."""

    names: tuple[str, ...]
    begins: tuple[int, ...]

    def record(self, lines: Sequence[str], at: int) -> tuple[Process | None, int]:
        """The process of a line, none of a blank one, and the line after it. Raises Unfit for a line that is none."""
        line = lines[at]
        if not line.strip():
            return None, at + 1
        if any(line[begin - 1 : begin].strip() for begin in self.begins[1:]):
            raise Unfit("no line of the columns that the header tells")
        if len(line) <= self.begins[-1]:
            raise Unfit("the line is cut short")
        ends = (*self.begins[1:], len(line))
        cells = {name: line[b:e] for name, b, e in zip(self.names, self.begins, ends, strict=True)}
        return windows_values.process(cells), at + 1


def header(lines: Sequence[str], at: int) -> tuple[Layout, int] | None:
    """The layout that a line is the header of, and the line after it; None for any other line."""
    line = lines[at]
    found = list(re.finditer(r"\S+", line))
    names = tuple(each[0].lower() for each in found)
    if "processid" not in names or "," in line or len(names) < 2:
        return None
    if any(not re.fullmatch(r"[a-z]+[0-9]*", name) for name in names) or len(set(names)) != len(names):
        return None
    return Layout(names, tuple(each.start() for each in found)), at + 1
