"""Listings of `ps` on Unix: Linux (procps, busybox), macOS, FreeBSD, Solaris, AIX.

The header decides: it becomes a pattern with a group for each column that is kept. Columns are recognised by the form
of their texts, not by their width, since `ps` shifts a line whose text is too long. What is known of each column:
`_COLUMNS` (its meaning), `_PATTERNS` (the form of its texts). Where they stand under the header decides only what forms
leave open: whether WCHAN is blank, as on AIX and illumos, and where a name ends that other columns follow (`comm`
may hold blanks). Solaris and AIX leave columns of a process that has ended blank, so its line is matched by a second
pattern in which those may be missing.

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

from sluice.errors import InputError
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
    "COMD": _COMMAND,  # HP-UX, System V
    "CMDLINE": _COMMAND,  # toybox, as NAME
    "NAME": "name",
    "COMM": "name",
    "UCMD": "name",
    "UCOMM": "name",
}
_THREAD = ("LWP", "SPID", "TID")
_USER_COLUMNS = ("USER", "EUSER", "RUSER", "LOGIN", "UNAME", "UID")  # the first that a listing has is kept
_DAY = r"(?:[^\W\d]{2,4}\.? +)?"
_DATE = rf"{_DAY}[^\W\d]{{3,4}}\.? +\d{{1,2}}(?: \d\d:\d\d(?::\d\d)?(?: \d{{4}})?)?"
_LSTART = r"(?:\S+ +){1,4}\d\d:\d\d:\d\d \d{4}"  # of any locale: `Mi  2 Okt 10:00:00 2024`, `월 12/29 11:42:40 2025`
_PATTERNS = {
    _PID: r"\d+",
    "parent_pid": r"\d+",
    "cpu_percent": r"[\d.,]+|-",
    "memory_percent": r"[\d.,]+|-",
    "resident_bytes": r"[\d.]+[kmgtKMGT]?|-",
    "virtual_bytes": r"[\d.]+[kmgtKMGT]?|-",
    "cpu_seconds": r"(?:\d+-)?\d+:\d\d(?::\d\d)?(?:[.,]\d+)?|\d+[hd]\d\d|\d+|-",
    "threads": r"\d+|-",
    "state": r"[A-Za-z] [<N]|\S+",  # busybox: `S <`
    "started": rf"{_LSTART}|{_DATE}|\d{{4}}-\d\d-\d\d(?: \d\d:\d\d:\d\d)?|\S+",
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
    wait_channel: WaitChannel | None = None
    inner_name: InnerName | None = None
    main_threads: dict[int, Process] = field(default_factory=dict)

    @property
    def unknown(self) -> tuple[str, ...]:
        return tuple(name for name in self.columns if name not in _COLUMNS and name not in _THREAD)

    def record(self, lines: Sequence[str], at: int) -> tuple[Process | None, int]:
        """The process of a line (None: it is blank) and the line after it. Raises NotARecord for any other line."""
        line = lines[at].rstrip()
        if not line.strip():
            return None, at + 1
        found = self._texts(line)
        if found is None:
            raise NotARecord(f"the line does not fit the columns {' '.join(self.columns)}"[:200])
        texts = {name: text for name, text in found.items() if text not in (None, "-", "?", "??")}
        process = _process(texts)
        if not self.threads:
            return process, at + 1
        if texts.get("lwp") in (None, texts.get(_PID)):
            self.main_threads[process.pid] = process
        return self.main_threads.setdefault(process.pid, process), at + 1

    def _texts(self, line: str) -> dict[str, str | Any] | None:
        """The texts of a line by the meanings of their columns; None if it does not fit."""
        if self.wait_channel and self.wait_channel.is_blank(line):
            match = self.wait_channel.pattern_without.fullmatch(line)
        elif self.inner_name:
            return self.inner_name.texts(line)
        else:
            match = self.pattern.fullmatch(line)
        if self.wait_channel and match and re.fullmatch(r"\d{1,2}", match.groupdict().get("started") or ""):
            match = self.wait_channel.pattern_without.fullmatch(line)  # `Dec 24` in a line that is shifted
        if not match and line.endswith(("<defunct>", "<exiting>")):
            match = self.pattern_of_ended.fullmatch(line)
        return match.groupdict() if match else None


@dataclass(frozen=True)
class WaitChannel:
    """Where WCHAN stands in the header; and the pattern of lines in which it is blank."""

    begin: int
    end: int
    pattern_without: re.Pattern[str]

    def is_blank(self, line: str) -> bool:
        return not line[self.begin : self.end].strip()


@dataclass(frozen=True)
class InnerName:
    """A name, which may hold blanks, with other columns behind it.

    In the header the next of them is at `begin`…`end`: its text begins or ends there too.
    """

    begin: int
    end: int
    before: re.Pattern[str]  # up to the name
    behind: re.Pattern[str]

    def texts(self, line: str) -> dict[str, str | Any] | None:
        """The texts of a line, None if it does not fit. Raises NotARecord where the name's end cannot be told."""
        places = [match.start() + 1 for match in re.finditer(r"\s(?=\S)", line)]
        splits = {place: texts for place in places if (texts := self._split(line, place))}
        if len(splits) < 2:
            return next(iter(splits.values()), None)
        if self.begin in splits:
            return splits[self.begin]
        right_aligned = [place for place in splits if place + len(line[place:].split()[0]) == self.end]
        if len(right_aligned) != 1:
            raise NotARecord("where the name of the process ends cannot be told")
        return splits[right_aligned[0]]

    def _split(self, line: str, place: int) -> dict[str, str | Any] | None:
        before, behind = self.before.fullmatch(line[:place].rstrip()), self.behind.fullmatch(line[place:])
        return before.groupdict() | behind.groupdict() if before and behind else None


def _without_tree(text: str | None) -> str | None:
    """A command without the branches that `ps f`, `axjf` and FreeBSD's `-d` draw before it."""
    return re.sub(r"^[| ]*(?:\\_|[|`]--?) ", "", text) if text else text


def _process(texts: dict[str, str]) -> Process:
    def value(name: str, convert: Callable[[str], Any]) -> Any:
        return convert(texts[name]) if name in texts else None

    command, name = not_blank(_without_tree(texts.get(_COMMAND))), not_blank(_without_tree(texts.get("name")))
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
    if not {"name", _COMMAND} & {*columns}:
        raise InputError(
            f"no column of its header {' '.join(names)[:100]!r} names the processes: list one of them too (comm, args)"
        )
    spans = [word.span() for word in re.finditer(r"\S+", lines[at])]
    return (
        PsLayout(
            tuple(names),
            _pattern(columns, names),
            _pattern_of_ended(columns, names),
            any(name in _THREAD for name in names),
            _wait_channel(columns, names, spans),
            _inner_name(columns, names, spans),
        ),
        at + 1,
    )


def _wait_channel(columns: Sequence[str], names: Sequence[str], spans: Sequence[tuple[int, int]]) -> WaitChannel | None:
    if "WCHAN" not in names:
        return None
    place = names.index("WCHAN")
    others = [number for number in range(len(names)) if number != place]
    return WaitChannel(*spans[place], _pattern([columns[i] for i in others], [names[i] for i in others]))


def _inner_name(columns: Sequence[str], names: Sequence[str], spans: Sequence[tuple[int, int]]) -> InnerName | None:
    if "name" not in columns[:-1]:
        return None
    place = columns.index("name") + 1
    texts = [text for _, text in _parts(columns, names)]
    before = re.compile(r"\s*" + r"\s+".join(texts[:place]))
    return InnerName(*spans[place], before, re.compile(r"\s+".join(texts[place:])))


def _meanings(names: Sequence[str]) -> list[str]:
    """What each column is: a field of `Process`, `command`, `lwp` (a thread), or "" for one that is not kept.

    Of columns with the same meaning the first is kept.
    """
    user = next((name for name in _USER_COLUMNS if name in names), "")
    meanings: list[str] = []
    for name in names:
        meaning = _COLUMNS.get(name, "")
        if name == "STIME" and "UTIME" in names:
            meaning = ""  # macOS' `ps -M`: time of the system
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
    """Each column's name and the pattern of its text. Blanks are allowed in names and commands, and in a last column
    that is not kept."""
    parts = []
    for at, (column, name) in enumerate(zip(columns, names, strict=True)):
        last = at == len(columns) - 1
        is_free = column in (_COMMAND, "name")
        text = _PATTERNS.get(column) or (r".*" if last and is_free else r".+?" if is_free else r"\S+")
        if last and not column:
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
