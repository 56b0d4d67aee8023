"""A process as listings tell of it, and how their texts become numbers; plain Python, no Spark."""

from __future__ import annotations

import re
from typing import NamedTuple


class Unfit(Exception):
    """Why a line or cell is no process."""


class Process(NamedTuple):
    """One process of one listing: sizes in bytes, CPU time in seconds, null for what the listing does not tell."""

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


MAX_PID = 2**32 - 1
_MAX_BIGINT = 2**63 - 1


def whole(text: str, what: str, most: int = _MAX_BIGINT) -> int:
    """A number of digits alone. Raises Unfit."""
    if not re.fullmatch(r"[0-9]{1,19}", text) or int(text) > most:
        raise Unfit(f"{what} {text[:40]!r} is no whole number")
    return int(text)


def pid(text: str) -> int:
    """Raises Unfit."""
    return whole(text, "the process id", MAX_PID)


def decimal(text: str, what: str) -> float:
    """A number with a point or a comma, as the locale of the tool has it. Raises Unfit."""
    if not re.fullmatch(r"[0-9]{1,15}([.,][0-9]{1,9})?|[.,][0-9]{1,9}", text):
        raise Unfit(f"{what} {text[:40]!r} is no number")
    return float(text.replace(",", "."))


_CLOCK = re.compile(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d\d(?:[.,]\d+)?)")
_BUSYBOX_CLOCK = re.compile(r"(\d+)([hd])(\d\d)")


def clock(text: str) -> float:
    """Seconds of `[[days-]hours:]minutes:seconds[.hundredths]`, of busybox's `12h34` and `2d05`, or a number of them.

    Raises Unfit.
    """
    if re.fullmatch(r"\d{1,12}", text):
        return float(text)
    if found := _BUSYBOX_CLOCK.fullmatch(text):
        great, unit, small = int(found[1]), found[2], int(found[3])
        return float(great * 3600 + small * 60 if unit == "h" else great * 86_400 + small * 3600)
    found = _CLOCK.fullmatch(text)
    if not found:
        raise Unfit(f"the CPU time {text[:40]!r} is no time")
    days, hours, minutes, seconds = found.groups()
    whole_seconds = int(days or 0) * 86_400 + int(hours or 0) * 3600 + int(minutes) * 60
    return float(f"{whole_seconds + int(seconds[:2])}{seconds[2:].replace(',', '.')}")


def kibibytes(text: str) -> int:
    """Bytes of a number of KiB, or of one with a unit as busybox has for large ones: `12m`, `1.2g`. Raises Unfit."""
    found = re.fullmatch(r"([0-9]{1,16}(?:\.[0-9]+)?)([kmgt]?)", text, re.IGNORECASE)
    if not found or ("." in found[1] and not found[2]):
        raise Unfit(f"the size {text[:40]!r} is no size")
    return int(float(found[1]) * 1024 ** " kmgt".index(found[2].lower())) if found[2] else int(found[1]) * 1024


def present(text: str | None) -> str | None:
    """Text without blanks around it; null if nothing is left."""
    return (text or "").strip() or None


def base_name(command: str) -> str | None:
    """The program's name in a command line: its file without folders, `[kthreadd]` and `-bash` without their marks."""
    if found := re.match(r"\[(.+?)\]", command):
        return found[1]
    if found := re.match(r"/.*?\.app/Contents/MacOS/([^/]+?)(?= -|$)", command):
        return found[1]
    first = command.split(" ", 1)[0]
    return present(re.sub(r"^-(?=[A-Za-z])|:$", "", file_name(first))) or present(first)


def file_name(path: str) -> str:
    """A path without its folders; any other text, such as a kernel thread's `kworker/0:1`, as it is."""
    return path.rsplit("/", 1)[-1] if re.match(r"(\.{1,2}|~)?/", path) else path
