"""Listings of `ps` on Unix: Linux (procps, busybox), macOS, FreeBSD, Solaris, AIX.

The header decides: it becomes a pattern with a group for each column that is kept. Columns are recognised by the form
of their texts, not by their width, since `ps` shifts a line whose text is too long. What is known of each column:
`_COLUMNS` (its meaning), `_PATTERNS` (the form of its texts). Solaris and AIX leave columns of a process that has ended
blank, so its line is matched by a second pattern in which those may be missing.

Units, by the tools' manuals (procps ps(1), busybox procps/ps.c, macOS and FreeBSD ps(1), Solaris ps(1) and ps(1B), AIX
ps): RSS and VSZ are KiB everywhere (busybox adds `m` and `g`); SZ is pages, whose size no listing tells, but for
`ps aux` of Solaris and AIX, where it is KiB; TIME is minutes and seconds, with hours and days before them if needed,
or a plain number of seconds (procps' `cputimes`). C is a percentage on Linux alone, and no header tells Linux
from Solaris and AIX: it is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sluice.readers.processes.row import (
    Process,
    clock_seconds,
    decimal_number,
    file_name,
    kibibytes,
    not_blank,
    process_id,
    program_name,
    thread_count,
)
from sluice.readers.shared.records import NotARecord

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
_USER_COLUMNS = ("USER", "EUSER", "RUSER", "LOGIN", "UNAME", "UID")  # the first that a listing has is kept
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
class PsLayout:
    """The columns of one listing, and the patterns of its lines.

    In a listing of `threads` each thread has a line of its own. All lines of a process give the same one: as its main
    thread's line shows it, or the first line until that comes. `main_threads` are the processes so far, by id.
    """

    columns: tuple[str, ...]
    pattern: re.Pattern[str]
    pattern_of_ended: re.Pattern[str]
    threads: bool
    main_threads: dict[int, Process] = field(default_factory=dict)

    def record(self, lines: Sequence[str], at: int) -> tuple[Process | None, int]:
        """The process of a line (None: it is blank) and the line after it. Raises NotARecord for any other line."""
        line = lines[at].rstrip()
        if not line.strip():
            return None, at + 1
        match = self.pattern.fullmatch(line)
        if not match and line.endswith(("<defunct>", "<exiting>")):
            match = self.pattern_of_ended.fullmatch(line)
        if not match:
            raise NotARecord(f"the line does not fit the columns {' '.join(self.columns)}"[:200])
        texts = {name: text for name, text in match.groupdict().items() if text not in (None, "-", "?", "??")}
        process = _process(texts)
        if not self.threads:
            return process, at + 1
        if texts.get("lwp") in (None, texts.get(_PID)):
            self.main_threads[process.pid] = process
        return self.main_threads.setdefault(process.pid, process), at + 1


def _process(texts: dict[str, str]) -> Process:
    def value(name: str, convert: Callable[[str], Any]) -> Any:
        return convert(texts[name]) if name in texts else None

    command, name = not_blank(texts.get(_COMMAND)), not_blank(texts.get("name"))
    return Process(
        os_type="unix",
        pid=process_id(texts.get(_PID, "")),
        parent_pid=value("parent_pid", process_id),
        name=file_name(name) if name else program_name(command) if command else None,
        command=command,
        user=texts.get("user"),
        state=texts.get("state"),
        cpu_percent=value("cpu_percent", lambda text: decimal_number(text, "%CPU")),
        memory_percent=value("memory_percent", lambda text: decimal_number(text, "%MEM")),
        resident_bytes=value("resident_bytes", kibibytes),
        virtual_bytes=value("virtual_bytes", kibibytes),
        cpu_seconds=value("cpu_seconds", clock_seconds),
        terminal=texts.get("terminal"),
        started=texts.get("started"),
        threads=value("threads", thread_count),
    )


def header(lines: Sequence[str], at: int) -> tuple[PsLayout, int] | None:
    """The layout that a line is the header of, and the line after it; None for any other line."""
    names = lines[at].split()
    known = [name for name in names if name in _COLUMNS]
    if "PID" not in names or len(known) < 2 or not all(re.fullmatch(r"[A-Z%+_:0-9-]{1,12}", name) for name in names):
        return None
    columns = _meanings(names)
    threads = any(name in _THREAD for name in names)
    return PsLayout(tuple(names), _pattern(columns, names), _pattern_of_ended(columns, names), threads), at + 1


def _meanings(names: Sequence[str]) -> list[str]:
    """What each column is: a field of `Process`, `command`, `lwp` (a thread), or "" for one that is not kept.

    Of columns with the same meaning the first is kept.
    """
    user = next((name for name in _USER_COLUMNS if name in names), "")
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
            meaning = "name"  # `comm` has the same header as `args`, which is always last
        meanings.append("" if meaning in meanings else meaning)
    return meanings


def _parts(columns: Sequence[str], names: Sequence[str]) -> list[tuple[str, str]]:
    """Each column's name and the pattern of its text. Blanks are allowed in the last column, and in commands."""
    parts = []
    for at, (column, name) in enumerate(zip(columns, names, strict=True)):
        last = at == len(columns) - 1
        text = _PATTERNS.get(column) or (r".*" if last else r".+?" if column == "name" else r"\S+")
        if last and name not in _COLUMNS:
            text = r"\S.*"
        parts.append((name, rf"(?P<{column}>{text})" if column else f"(?:{text})"))
    return parts


def _pattern(columns: Sequence[str], names: Sequence[str]) -> re.Pattern[str]:
    texts = [text for _, text in _parts(columns, names)]
    end = r"(?:\s+" + texts[-1] + r")?" if columns[-1] == _COMMAND else r"\s+" + texts[-1]
    return re.compile(r"\s*" + r"\s+".join(texts[:-1]) + end)


def _pattern_of_ended(columns: Sequence[str], names: Sequence[str]) -> re.Pattern[str]:
    parts = _parts(columns, names)
    texts = [rf"(?:{text}\s+)?" if _may_be_blank(name) else rf"{text}\s+" for name, text in parts[:-1]]
    return re.compile(r"\s*" + "".join(texts) + parts[-1][1])


def _may_be_blank(name: str) -> bool:
    """Whether Solaris and AIX leave the column blank for a process that has ended."""
    return name in ("STIME", "START", "TTY", "TT", "ADDR", "SZ", "WCHAN", "RSS", "%CPU", "%MEM")
