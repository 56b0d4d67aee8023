"""Tables of Windows' `wmic process`: columns of fixed width that begin where their names do.

Values are those of Win32_Process (`windows`); the csv form is read in `csv`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sluice.readers.processes.row import Process
from sluice.readers.processes.windows import process_of_columns, unknown_names
from sluice.readers.shared.records import NotARecord


@dataclass(frozen=True)
class WmicLayout:
    """The columns' names in small letters, and where each begins."""

    names: tuple[str, ...]
    begins: tuple[int, ...]

    @property
    def unknown(self) -> tuple[str, ...]:
        return unknown_names(self.names)

    def record(self, lines: Sequence[str], at: int) -> tuple[Process | None, int]:
        """The process of a line (None: it is blank) and the line after it. Raises NotARecord for any other line."""
        line = lines[at]
        if not line.strip():
            return None, at + 1
        if any(line[begin - 1 : begin].strip() for begin in self.begins[1:]):
            raise NotARecord("the line does not fit the columns of the header")
        if len(line) <= self.begins[-1]:
            raise NotARecord("the line is cut short")
        ends = (*self.begins[1:], len(line))
        cells = {name: line[begin:end] for name, begin, end in zip(self.names, self.begins, ends, strict=True)}
        return process_of_columns(cells), at + 1


def header(lines: Sequence[str], at: int) -> tuple[WmicLayout, int] | None:
    """The layout that a line is the header of, and the line after it; None for any other line."""
    line = lines[at]
    words = list(re.finditer(r"\S+", line))
    names = tuple(word[0].lower() for word in words)
    if "processid" not in names or "," in line or len(names) < 2:
        return None
    if any(not re.fullmatch(r"[a-z]+[0-9]*", name) for name in names) or len(set(names)) != len(names):
        return None
    return WmicLayout(names, tuple(word.start() for word in words)), at + 1
