"""Process listings as CSV, of Windows' tools: PowerShell's Export-Csv, `tasklist /fo csv` and `wmic … /format:csv`.

PowerShell (Get-Process, Get-CimInstance Win32_Process) and tasklist quote every cell; PowerShell's may have newlines in
them. wmic quotes none, though a command line may have commas in it: the other columns are counted from both ends.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

from sluice.readers.processes.row import Process
from sluice.readers.processes.windows import name_processes, process_of_columns, process_of_tasklist
from sluice.readers.shared.records import NotARecord

_MAX_LINES = 10_000  # of one cell; more is a quote that was never closed


@dataclass(frozen=True)
class QuotedCsvLayout:
    """Columns of quoted cells: by their names in small letters, or tasklist's by position (`names` empty)."""

    names: tuple[str, ...]
    count: int
    delimiter: str

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
    """wmic's columns; of these only the command line may have commas in it."""

    names: tuple[str, ...]

    def record(self, lines: Sequence[str], at: int) -> tuple[Process | None, int]:
        """The process of a line (None: it is blank) and the line after it. Raises NotARecord for any other line."""
        if not lines[at].strip():
            return None, at + 1
        cells = lines[at].split(",")
        extra = len(cells) - len(self.names)  # commas in the command line
        if extra < 0 or (extra and "commandline" not in self.names):
            raise NotARecord(f"{len(cells)} cells instead of {len(self.names)}")
        if extra:
            place = self.names.index("commandline")
            cells[place : place + extra + 1] = [",".join(cells[place : place + extra + 1])]
        return process_of_columns(dict(zip(self.names, cells, strict=True))), at + 1


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
    delimiter = next((mark for mark in ",;\t" if mark in line), None)
    if delimiter is None or line.count('"') % 2:
        return None
    try:
        cells = _cells(line, delimiter)
    except NotARecord:
        return None
    names = tuple(cell.strip().lower() for cell in cells)
    if name_processes(names):
        return QuotedCsvLayout(names, len(names), delimiter), at + 1
    if len(cells) in (5, 9) and line.startswith('"') and _is_tasklist(lines, at, delimiter, len(cells)):
        return QuotedCsvLayout((), len(cells), delimiter), at + 1
    return None


def _is_tasklist(lines: Sequence[str], at: int, delimiter: str, count: int) -> bool:
    """Whether a line of so many cells is tasklist's header: it names the PID, or a process of that form follows it."""
    cells = _cells(lines[at], delimiter)
    if re.fullmatch(r"\d*", cells[1].strip()):
        return False
    if cells[1].strip().upper() == "PID":
        return True
    following = next((line for line in lines[at + 1 : at + 3] if line.strip()), "")
    try:
        below = _cells(following, delimiter)
        return len(below) == count and bool(process_of_tasklist(below))
    except NotARecord:
        return False
