"""Listings of `ps` on Unix: Linux (procps, busybox), macOS, FreeBSD, Solaris, AIX. The header decides the columns.

Units, by the tools' manuals (procps ps(1), busybox procps/ps.c, macOS and FreeBSD ps(1), Solaris ps(1) and ps(1B), AIX
ps): RSS and VSZ are KiB everywhere (busybox adds `m` and `g`); SZ is pages, whose size no listing tells, but for
`ps aux` of Solaris and AIX, where it is KiB; TIME is minutes and seconds, with hours and days before them where there
are any, or a plain number of seconds (procps' `cputimes`). C is a percentage on Linux alone, and no header tells Linux
from Solaris and AIX: it is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sluice.readers.processes import row as process_row
from sluice.readers.processes.row import Process, Unfit, present

_PID, _COMMAND = "pid", "command"
_COLUMNS = {
    "PID": _PID,
    "PPID": "parent_pid",
    "USER": "user",
    "UID": "user",
    "RUSER": "user",
    "EUSER": "user",
    "LOGIN": "user",
    "UNAME": "user",
    "%CPU": "cpu_percent",
    "PCPU": "cpu_percent",
    "%MEM": "memory_percent",
    "PMEM": "memory_percent",
    "RSS": "resident_bytes",
    "RSZ": "resident_bytes",
    "RES": "resident_bytes",
    "VSZ": "virtual_bytes",
    "VSIZE": "virtual_bytes",
    "STAT": "state",
    "S": "state",
    "STATE": "state",
    "TTY": "terminal",
    "TT": "terminal",
    "TTNAME": "terminal",
    "START": "started",
    "STIME": "started",
    "STARTED": "started",
    "TIME": "cpu_seconds",
    "CPUTIME": "cpu_seconds",
    "TIME+": "cpu_seconds",
    "NLWP": "threads",
    "THCNT": "threads",
    "THREADS": "threads",
    "COMMAND": _COMMAND,
    "CMD": _COMMAND,
    "ARGS": _COMMAND,
    "COMM": "name",
    "UCMD": "name",
    "UCOMM": "name",
}
_THREAD = ("LWP", "SPID", "TID")
_NAMED = ("USER", "EUSER", "RUSER", "LOGIN", "UNAME", "UID")  # of several columns that tell the user, the first
_DAY = r"(?:[^\W\d]{2,4}\.? +)?"
_DATE = rf"{_DAY}[^\W\d]{{3,4}}\.? +\d{{1,2}}(?: \d\d:\d\d(?::\d\d)?(?: \d{{4}})?)?"
_PATTERNS = {
    _PID: r"\d+",
    "parent_pid": r"\d+",
    "cpu_percent": r"[\d.,]+|-",
    "memory_percent": r"[\d.,]+|-",
    "resident_bytes": r"[\d.]+[kmgtKMGT]?|-",
    "virtual_bytes": r"[\d.]+[kmgtKMGT]?|-",
    "cpu_seconds": r"(?:\d+-)?\d+:\d\d(?::\d\d)?(?:[.,]\d+)?|\d+[hd]\d\d|\d+|-",
    "threads": r"\d+|-",
    "started": rf"{_DATE}|\d{{4}}-\d\d-\d\d(?: \d\d:\d\d:\d\d)?|\S+",
}


@dataclass(frozen=True)
class Layout:
    """The columns of one listing; `mains` are its processes so far, by id, as their own line tells of them."""

    columns: tuple[str, ...]
    pattern: re.Pattern[str]
    of_the_dead: re.Pattern[str]
    threads: bool
    mains: dict[int, Process] = field(default_factory=dict)

    def record(self, lines: Sequence[str], at: int) -> tuple[Process | None, int]:
        """The process of a line, none of a blank one, and the line after it. Raises Unfit for a line that is none."""
        line = lines[at].rstrip()
        if not line.strip():
            return None, at + 1
        found = self.pattern.fullmatch(line)
        if not found and line.endswith(("<defunct>", "<exiting>")):
            found = self.of_the_dead.fullmatch(line)
        if not found:
            raise Unfit(f"no line of the columns {' '.join(self.columns)}"[:200])
        texts = {name: text for name, text in found.groupdict().items() if text not in (None, "-", "?", "??")}
        process = _process(texts)
        if not self.threads:
            return process, at + 1
        if texts.get("lwp") in (None, texts.get(_PID)):
            self.mains[process.pid] = process
        return self.mains.setdefault(process.pid, process), at + 1


def _process(texts: dict[str, str]) -> Process:
    def of(name: str, convert: Callable[[str], Any]) -> Any:
        return convert(texts[name]) if name in texts else None

    command, name = present(texts.get(_COMMAND)), present(texts.get("name"))
    return Process(
        os_type="unix",
        pid=process_row.pid(texts.get(_PID, "")),
        parent_pid=of("parent_pid", process_row.pid),
        name=process_row.file_name(name) if name else process_row.base_name(command) if command else None,
        command=command,
        user=texts.get("user"),
        state=texts.get("state"),
        cpu_percent=of("cpu_percent", lambda text: process_row.decimal(text, "%CPU")),
        memory_percent=of("memory_percent", lambda text: process_row.decimal(text, "%MEM")),
        resident_bytes=of("resident_bytes", process_row.kibibytes),
        virtual_bytes=of("virtual_bytes", process_row.kibibytes),
        cpu_seconds=of("cpu_seconds", process_row.clock),
        terminal=texts.get("terminal"),
        started=texts.get("started"),
        threads=of("threads", lambda text: process_row.whole(text, "the number of threads", 2**31 - 1)),
    )


def header(lines: Sequence[str], at: int) -> tuple[Layout, int] | None:
    """The layout that a line is the header of, and the line after it; None for any other line."""
    names = lines[at].split()
    known = [name for name in names if name in _COLUMNS]
    if "PID" not in names or len(known) < 2 or not all(re.fullmatch(r"[A-Z%+_:0-9-]{1,12}", name) for name in names):
        return None
    columns = _meanings(names)
    threads = any(name in _THREAD for name in names)
    return Layout(tuple(names), _joined(columns, names), _of_the_dead(columns, names), threads), at + 1


def _meanings(names: Sequence[str]) -> list[str]:
    """What each column is of a process, each but once; empty if it is nothing that is kept."""
    user = next((name for name in _NAMED if name in names), "")
    meanings: list[str] = []
    for name in names:
        meaning = _COLUMNS.get(name, "")
        if name == "SZ" and "%MEM" in names:
            meaning = "virtual_bytes"
        if name in _THREAD:
            meaning = "lwp"
        if meaning == "user" and name != user:
            meaning = ""
        if meaning == _COMMAND and len(meanings) + 1 < len(names):
            meaning = "name"  # `comm` is headed as `args` is, which is but the last
        meanings.append("" if meaning in meanings else meaning)
    return meanings


def _parts(columns: Sequence[str], names: Sequence[str]) -> list[tuple[str, str]]:
    """Each column's name and the pattern of its text: the last one may hold blanks, commands elsewhere too."""
    parts = []
    for at, (column, name) in enumerate(zip(columns, names, strict=True)):
        last = at == len(columns) - 1
        text = _PATTERNS.get(column) or (r".*" if last else r".+?" if column == "name" else r"\S+")
        if last and name not in _COLUMNS:
            text = r"\S.*"
        parts.append((name, rf"(?P<{column}>{text})" if column else f"(?:{text})"))
    return parts


def _joined(columns: Sequence[str], names: Sequence[str]) -> re.Pattern[str]:
    texts = [text for _, text in _parts(columns, names)]
    end = r"(?:\s+" + texts[-1] + r")?" if columns[-1] == _COMMAND else r"\s+" + texts[-1]
    return re.compile(r"\s*" + r"\s+".join(texts[:-1]) + end)


def _of_the_dead(columns: Sequence[str], names: Sequence[str]) -> re.Pattern[str]:
    parts = _parts(columns, names)
    texts = [rf"(?:{text}\s+)?" if _may_lack(name) else rf"{text}\s+" for name, text in parts[:-1]]
    return re.compile(r"\s*" + "".join(texts) + parts[-1][1])


def _may_lack(name: str) -> bool:
    """Whether Solaris and AIX leave the column blank for a process that has ended."""
    return name in ("STIME", "START", "TTY", "TT", "ADDR", "SZ", "WCHAN", "RSS", "%CPU", "%MEM")
