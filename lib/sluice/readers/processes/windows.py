"""Values of Windows' listings: columns by name (`wmic`, Get-CimInstance, Get-Process), tasklist's cells by position.

Win32_Process (learn.microsoft.com/windows/win32/cimwin32prov/win32-process): WorkingSetSize and VirtualSize are bytes,
KernelModeTime and UserModeTime 100 nanoseconds. System.Diagnostics.Process: WS and VM are bytes, CPU is seconds.
tasklist (learn.microsoft.com/windows-server/administration/windows-commands/tasklist): memory is KiB, CPU time
`h:mm:ss`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence

from sluice.readers.processes.row import (
    Process,
    decimal_number,
    not_blank,
    process_id,
    thread_count,
    whole_number,
)
from sluice.readers.shared.records import NotARecord

TASKLIST_COLUMNS = (3, 5, 9)  # with /svc or /m, without an option, with /v
_PIDS = ("processid", "id", "handle")
_KNOWN = {
    *_PIDS,
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
_OF_PROCESSES_ALONE = _KNOWN - {"id", "handle", "name", "caption", "username", "starttime"}


def name_processes(names: Collection[str]) -> bool:
    """Whether columns of these names, in small letters, list processes and not other things with an id."""
    if not all(re.fullmatch(r"\w+", name) for name in names):  # a command line may hold anything after its first comma
        return False
    return any(name in names for name in _PIDS[:2]) and bool(
        _OF_PROCESSES_ALONE & {*names} - {"processid"} or ("processid" in names and len(_KNOWN & {*names}) > 1)
    )


def unknown_names(names: Sequence[str]) -> tuple[str, ...]:
    """The columns' names that no column of the table comes from; `node`, which wmic adds, is the host."""
    return tuple(name for name in names if name not in _KNOWN and name != "node")


def process_of_columns(cells: Mapping[str, str]) -> Process:
    """The process of a row of cells, given by their columns' names in small letters. Raises NotARecord."""

    def first(*names: str) -> str | None:
        return next((cells[name].strip() for name in names if cells.get(name, "").strip()), None)

    def size(*names: str) -> int | None:
        text = first(*names)
        return None if text is None else whole_number(text, names[0])

    pid = first(*_PIDS)
    if pid is None:
        raise NotARecord("the process id is missing")
    threads = first("threadcount")
    parent = first("parentprocessid")
    return Process(
        os_type="windows",
        pid=process_id(pid),
        parent_pid=None if parent is None else process_id(parent),
        name=first("name", "processname", "caption"),
        command=first("commandline"),
        user=first("username"),
        state=first("executionstate"),
        resident_bytes=size("workingsetsize", "workingset64", "ws", "workingset"),
        virtual_bytes=size("virtualsize", "virtualmemorysize64", "vm", "virtualmemorysize"),
        cpu_seconds=_cpu_seconds(first),
        started=first("creationdate", "starttime"),
        threads=None if threads is None else thread_count(threads),
    )


def _cpu_seconds(first: Callable[..., str | None]) -> float | None:
    kernel, user = first("kernelmodetime"), first("usermodetime")
    if kernel and user:
        return sum(whole_number(text, "the CPU time") for text in (kernel, user)) / 10_000_000
    if seconds := first("cpu"):
        return decimal_number(seconds, "the CPU time")
    if text := first("totalprocessortime"):
        return _time_span(text)
    return None


def _time_span(text: str) -> float:
    """Seconds of .NET's `[days.]hours:minutes:seconds[.fraction]`."""
    match = re.fullmatch(r"(?:(\d+)\.)?(\d+):(\d\d):(\d\d(?:[.,]\d+)?)", text)
    if not match:
        raise NotARecord(f"the CPU time {text[:40]!r} is not a time")
    days, hours, minutes, seconds = match.groups()
    return int(days or 0) * 86_400 + int(hours) * 3600 + int(minutes) * 60 + float(seconds.replace(",", "."))


def _memory(text: str) -> int | None:
    """Bytes of tasklist's memory, always KiB: `12,345 K`, `12 345 Ko`; null for N/A in any language."""
    digits = re.fullmatch(r"([0-9][0-9\s.,'\u2019]*?)\s*[^\W\d]{0,3}\.?", text.strip())
    if digits:
        return whole_number(re.sub(r"[\s.,'\u2019]", "", digits[1]), "the memory") * 1024
    if re.search(r"\d", text):
        raise NotARecord(f"the memory {text[:40]!r} is not a size")
    return None


def process_of_tasklist(cells: list[str]) -> Process:
    """The process of tasklist's five cells, the nine of `/v` or the three of `/svc` and `/m`, by their position.

    Raises NotARecord.
    """
    image, pid, session = (cell.strip() for cell in cells[:3])
    if not image:
        raise NotARecord("the image name is missing")
    if len(cells) == 3:  # services or modules, which no column of processes takes
        return Process(os_type="windows", pid=process_id(pid), name=image)
    number, used = (cell.strip() for cell in cells[3:5])
    whole_number(number, "the session's number")
    verbose = [cell.strip() for cell in cells[5:]]
    user = verbose[1] if verbose and "\\" in verbose[1] else None
    clock = verbose[2] if verbose and re.search(r"\d", verbose[2]) else None
    return Process(
        os_type="windows",
        pid=process_id(pid),
        name=image,
        user=user,
        state=not_blank(verbose[0]) if verbose else None,
        resident_bytes=_memory(used),
        cpu_seconds=None if clock is None else _time_span(clock),
        terminal=not_blank(session),
    )
