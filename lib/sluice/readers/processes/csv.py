"""Process listings as CSV, of Windows' tools: PowerShell's Export-Csv, `tasklist /fo csv` and `wmic … /format:csv`.

PowerShell (Get-Process, Get-CimInstance Win32_Process) and tasklist quote every cell; PowerShell's may have newlines in
them. wmic quotes none, though a command line and a path may have commas in them: the other columns are counted from
both ends, and from CreationDate between the two, which has a form of its own
(https://learn.microsoft.com/windows/win32/wmisdk/cim-datetime).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

from sluice.readers.processes.row import Process
from sluice.readers.processes.windows import (
    TASKLIST_COLUMNS,
    name_processes,
    process_of_columns,
    process_of_tasklist,
    unknown_names,
)
from sluice.readers.shared.records import NotARecord

_MAX_LINES = 10_000  # of one cell; more is a quote that was never closed


@dataclass(frozen=True)
class QuotedCsvLayout:
    """Columns of quoted cells: by their names in small letters, or tasklist's by position (`names` empty)."""

    names: tuple[str, ...]
    count: int
    delimiter: str

    @property
    def unknown(self) -> tuple[str, ...]:
        return unknown_names(self.names)

    def record(self, lines: Sequence[str], at: int) -> tuple[Process | None, int]:
        """The process of a record (None: a blank line), and the line after it. Raises NotARecord for any other."""
        if not lines[at].strip():
            return None, at + 1
        end = _record_end(lines, at)
        cells = _cells("\n".join(lines[at:end]), self.delimiter)
        if len(cells) != self.count:
            raise NotARecord(f"{len(cells)} cells instead of {self.count}")
        if not self.names:
            return process_of_tasklist(cells), end
        return process_of_columns(dict(zip(self.names, cells, strict=True))), end


@dataclass(frozen=True)
class UnquotedCsvLayout:
    """wmic's columns, in the order of their names; only the command line and the executable's path have commas."""

    names: tuple[str, ...]

    @property
    def unknown(self) -> tuple[str, ...]:
        return unknown_names(self.names)

    def record(self, lines: Sequence[str], at: int) -> tuple[Process | None, int]:
        """The process of a line (None: it is blank) and the line after it. Raises NotARecord for any other line."""
        if not lines[at].strip():
            return None, at + 1
        cells = self._joined(lines[at].split(","))
        if len(cells) != len(self.names):
            raise NotARecord(f"{len(cells)} cells instead of {len(self.names)}")
        return process_of_columns(dict(zip(self.names, cells, strict=True))), at + 1

    def _joined(self, cells: list[str]) -> list[str]:
        """The cells with those put together again that a comma within a column has made of one."""
        extra = len(cells) - len(self.names)
        if extra <= 0:
            return cells
        if "creationdate" in self.names and "executablepath" in self.names:
            place = self.names.index("creationdate")
            moved = [i - place for i in range(place, place + extra + 1) if _CREATED.fullmatch(cells[i])]
            if len(moved) != 1:
                raise NotARecord("commas within columns: where CreationDate is cannot be told")
            return _put_together(
                _put_together(cells, self.names, "executablepath", extra - moved[0], moved[0]),
                self.names,
                "commandline",
                moved[0],
            )
        if {"commandline", "executablepath"} <= {*self.names}:
            raise NotARecord("commas within columns: which of them has them cannot be told")
        return _put_together(cells, self.names, "commandline", extra)


_CREATED = re.compile(r"\d{14}\.\d{6}[+-]\d{3}")


def _put_together(cells: list[str], names: Sequence[str], name: str, extra: int, moved: int = 0) -> list[str]:
    """The cells, with `extra` + 1 of them joined as the column `name`, which begins `moved` cells behind its place."""
    if not extra or name not in names:
        return cells
    place = names.index(name) + moved
    return [*cells[:place], ",".join(cells[place : place + extra + 1]), *cells[place + extra + 1 :]]


def _record_end(lines: Sequence[str], at: int) -> int:
    """The line after a record of quoted cells that begins at a line. Raises NotARecord if a quote is not closed."""
    quotes = 0
    for end in range(at, min(len(lines), at + _MAX_LINES)):
        quotes += lines[end].count('"')
        if quotes % 2 == 0:
            return end + 1
    raise NotARecord("a quote is not closed")


def _cells(text: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        raise NotARecord(f"not valid CSV: {error}") from None


def header(lines: Sequence[str], at: int) -> tuple[QuotedCsvLayout | UnquotedCsvLayout, int] | None:
    """The layout that a line is the header of, and the line after it; None for any other line."""
    line = lines[at]
    if line.startswith("Node,"):
        names = tuple(name.lower() for name in line.split(","))
        return (UnquotedCsvLayout(names), at + 1) if "processid" in names and len(set(names)) == len(names) else None
    delimiter = next((mark for mark in ",;\t|:" if mark in line), None)
    if delimiter is None or line.count('"') % 2:
        return None
    try:
        cells = _cells(line, delimiter)
    except NotARecord:
        return None
    names = tuple(cell.strip().lower() for cell in cells)
    if name_processes(names):
        return QuotedCsvLayout(names, len(names), delimiter), at + 1
    if len(cells) in TASKLIST_COLUMNS and line.startswith('"') and _is_tasklist(lines, at, delimiter, len(cells)):
        return QuotedCsvLayout((), len(cells), delimiter), at + 1
    return None


def _is_tasklist(lines: Sequence[str], at: int, delimiter: str, count: int) -> bool:
    """Whether a line of so many cells is tasklist's header: it names the PID, or a process of that form follows it."""
    cells = _cells(lines[at], delimiter)
    if re.fullmatch(r"\d*", cells[1].strip()):
        return False
    names_pid = cells[1].strip().upper() == "PID"
    if names_pid or count == 3:  # a row of three cells has too little that only a process has
        return names_pid
    following = next((line for line in lines[at + 1 : at + 3] if line.strip()), "")
    try:
        below = _cells(following, delimiter)
        return len(below) == count and bool(process_of_tasklist(below))
    except NotARecord:
        return False
