"""What a listing shows of a process, and how its texts become numbers; plain Python, no Spark.

Every function that takes text raises NotARecord for one that it cannot read.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from sluice.readers.shared.records import NotARecord, storable


class Process(NamedTuple):
    """One process of one listing: sizes in bytes, CPU time in seconds; null for what the listing does not show."""

    os_type: str
    pid: int
    parent_pid: int | None = None
    name: str | None = None
    command: str | None = None
    user: str | None = None
    state: str | None = None
    cpu_percent: float | None = None
    memory_percent: float | None = None
    resident_bytes: int | None = None
    virtual_bytes: int | None = None
    cpu_seconds: float | None = None
    terminal: str | None = None
    started: str | None = None
    threads: int | None = None


# What no process has; up to these values sums over a year of snapshots fit into a bigint, micros of percent too.
_LARGEST = {
    "cpu_percent": 10_000_000,
    "memory_percent": 10_000_000,
    "resident_bytes": 2**50,
    "virtual_bytes": 2**57,  # the address space of the largest processors
    "cpu_seconds": 10**12,
}
_MAX_PID = 2**32 - 1
_MAX_INT = 2**31 - 1
_MAX_BIGINT = 2**63 - 1


def checked(process: Process) -> Process:
    """The process, if its numbers are possible and its texts can be stored. Raises NotARecord if not."""
    for name, value in process._asdict().items():
        if isinstance(value, str):
            storable(value, f"the {name}")
        elif value is not None and value > _LARGEST.get(name, _MAX_BIGINT):
            raise NotARecord(f"the {name} {value} is out of range")
    return process


def whole_number(text: str, what: str, largest: int = _MAX_BIGINT) -> int:
    """A number of digits alone; `what` it is, for the reason."""
    if not re.fullmatch(r"[0-9]{1,19}", text) or int(text) > largest:
        raise NotARecord(f"{what} {text[:40]!r} is not a whole number")
    return int(text)


def process_id(text: str) -> int:
    return whole_number(text, "the process id", _MAX_PID)


def thread_count(text: str) -> int:
    return whole_number(text, "the number of threads", _MAX_INT)


def decimal_number(text: str, what: str) -> float:
    """A number with a point or a comma, as the tool's locale writes it; `what` it is, for the reason."""
    if not re.fullmatch(r"[0-9]{1,15}([.,][0-9]{1,9})?|[.,][0-9]{1,9}", text):
        raise NotARecord(f"{what} {text[:40]!r} is not a number")
    return float(text.replace(",", "."))


_CLOCK = re.compile(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d\d(?:[.,]\d+)?)")
_BUSYBOX_CLOCK = re.compile(r"(\d+)([hd])(\d\d)")


def clock_seconds(text: str) -> float:
    """Seconds of `[[days-]hours:]minutes:seconds[.fraction]`, of busybox's `12h34` and `2d05`, or of a number."""
    if re.fullmatch(r"\d{1,12}", text):
        return float(text)
    if match := _BUSYBOX_CLOCK.fullmatch(text):
        large, unit, small = int(match[1]), match[2], int(match[3])
        return float(large * 3600 + small * 60 if unit == "h" else large * 86_400 + small * 3600)
    match = _CLOCK.fullmatch(text)
    if not match:
        raise NotARecord(f"the CPU time {text[:40]!r} is not a time")
    days, hours, minutes, seconds = match.groups()
    whole_seconds = int(days or 0) * 86_400 + int(hours or 0) * 3600 + int(minutes) * 60
    return float(f"{whole_seconds + int(seconds[:2])}{seconds[2:].replace(',', '.')}")


def kibibytes(text: str) -> int:
    """Bytes of a number of KiB, or of one with a unit as busybox writes large ones: `12m`, `1.2g`."""
    match = re.fullmatch(r"([0-9]{1,16}(?:\.[0-9]+)?)([kmgt]?)", text, re.IGNORECASE)
    if not match or ("." in match[1] and not match[2]):
        raise NotARecord(f"the size {text[:40]!r} is not a size")
    number, unit = match.groups()
    return int(float(number) * 1024 ** " kmgt".index(unit.lower())) if unit else int(number) * 1024


def not_blank(text: str | None) -> str | None:
    """Text without blanks around it; null if nothing is left."""
    return (text or "").strip() or None


def program_name(command: str) -> str | None:
    """The program's name in a command line: its file without folders, `[kthreadd]` and `-bash` without their marks."""
    if match := re.match(r"\[(.+?)\]", command):
        return match[1]
    if match := re.match(r"/.*?\.app/Contents/MacOS/([^/]+?)(?= -|$)", command):
        return match[1]
    first = command.split(" ", 1)[0]
    return not_blank(re.sub(r"^-(?=[A-Za-z])|:$", "", file_name(first))) or not_blank(first)


def file_name(path: str) -> str:
    """A path without its folders; any other text, such as a kernel thread's `kworker/0:1`, as it is."""
    return path.rsplit("/", 1)[-1] if re.match(r"(\.{1,2}|~)?/", path) else path
