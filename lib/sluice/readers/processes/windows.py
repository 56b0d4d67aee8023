"""Columns of Windows' process objects, as `wmic`, Get-CimInstance and Get-Process name them.

Win32_Process (learn.microsoft.com/windows/win32/cimwin32prov/win32-process): WorkingSetSize and VirtualSize are bytes,
KernelModeTime and UserModeTime 100 nanoseconds. System.Diagnostics.Process: WS and VM are bytes, CPU is seconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping

from sluice.readers.processes import row as process_row
from sluice.readers.processes.row import Process, Unfit, present

PIDS = ("processid", "id", "handle")
KNOWN = {
    *PIDS,
    "parentprocessid",
    "name",
    "caption",
    "processname",
    "commandline",
    "username",
    "workingsetsize",
    "workingset64",
    "workingset",
    "ws",
    "virtualsize",
    "virtualmemorysize64",
    "virtualmemorysize",
    "vm",
    "kernelmodetime",
    "usermodetime",
    "cpu",
    "totalprocessortime",
    "creationdate",
    "starttime",
    "threadcount",
    "executionstate",
}
_OF_PROCESSES = KNOWN - {"id", "handle", "name", "caption", "username", "starttime"}


def are_columns(names: Collection[str]) -> bool:
    """Whether names, in small letters, are those of processes, and not of any other things with an id."""
    if not all(re.fullmatch(r"\w+", name) for name in names):  # a command line may hold anything after its first comma
        return False
    return any(name in names for name in PIDS[:2]) and bool(
        _OF_PROCESSES & {*names} - {"processid"} or ("processid" in names and len(KNOWN & {*names}) > 1)
    )


def process(cells: Mapping[str, str]) -> Process:
    """The process of a row of cells by the names, in small letters, of their columns. Raises Unfit."""

    def first(*names: str) -> str | None:
        return next((cells[name].strip() for name in names if cells.get(name, "").strip()), None)

    def size(*names: str) -> int | None:
        text = first(*names)
        return None if text is None else process_row.whole(text, names[0])

    pid = first(*PIDS)
    if pid is None:
        raise Unfit("no process id")
    threads = first("threadcount")
    parent = first("parentprocessid")
    return Process(
        os_type="windows",
        pid=process_row.pid(pid),
        parent_pid=None if parent is None else process_row.pid(parent),
        name=first("name", "processname", "caption"),
        command=first("commandline"),
        user=first("username"),
        state=first("executionstate"),
        resident_bytes=size("workingsetsize", "workingset64", "ws", "workingset"),
        virtual_bytes=size("virtualsize", "virtualmemorysize64", "vm", "virtualmemorysize"),
        cpu_seconds=_cpu_seconds(first),
        started=first("creationdate", "starttime"),
        threads=None if threads is None else process_row.whole(threads, "the number of threads", 2**31 - 1),
    )


def _cpu_seconds(first: Callable[..., str | None]) -> float | None:
    kernel, user = first("kernelmodetime"), first("usermodetime")
    if kernel and user:
        return sum(process_row.whole(text, "the CPU time") for text in (kernel, user)) / 10_000_000
    if seconds := first("cpu"):
        return process_row.decimal(seconds, "the CPU time")
    if span := first("totalprocessortime"):
        return time_span(span)
    return None


def time_span(text: str) -> float:
    """Seconds of .NET's `[days.]hours:minutes:seconds[.fraction]`. Raises Unfit."""
    found = re.fullmatch(r"(?:(\d+)\.)?(\d+):(\d\d):(\d\d(?:[.,]\d+)?)", text)
    if not found:
        raise Unfit(f"the CPU time {text[:40]!r} is no time")
    days, hours, minutes, seconds = found.groups()
    return int(days or 0) * 86_400 + int(hours) * 3600 + int(minutes) * 60 + float(seconds.replace(",", "."))


def memory(text: str) -> int | None:
    """Bytes of tasklist's memory, always KiB: `12,345 K`, `12 345 Ko`; null for N/A in any language."""
    digits = re.fullmatch(r"([0-9][0-9\s.,'\u2019]*?)\s*[^\W\d]{0,3}\.?", text.strip())
    if digits:
        return process_row.whole(re.sub(r"[\s.,'\u2019]", "", digits[1]), "the memory") * 1024
    if re.search(r"\d", text):
        raise Unfit(f"the memory {text[:40]!r} is no size")
    return None


def tasklist(cells: list[str]) -> Process:
    """The process of tasklist's five cells, or of the nine of `/v`, told by their position. Raises Unfit."""
    image, pid, session, number, used = (cell.strip() for cell in cells[:5])
    if not image:
        raise Unfit("no image name")
    process_row.whole(number, "the session's number")
    verbose = [cell.strip() for cell in cells[5:]]
    user = verbose[1] if verbose and "\\" in verbose[1] else None
    clock = verbose[2] if verbose and re.search(r"\d", verbose[2]) else None
    return Process(
        os_type="windows",
        pid=process_row.pid(pid),
        name=image,
        user=user,
        state=present(verbose[0]) if verbose else None,
        resident_bytes=memory(used),
        cpu_seconds=None if clock is None else time_span(clock),
        terminal=present(session),
    )
