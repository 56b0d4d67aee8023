"""What each process that stays is doing: it writes that into the file that it locks, beside its socket.

Nobody has to connect to it to know: a connection would take the place of a job, and let the process stay longer.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from sluice.runtime.warm import identity

SUFFIX = ".lock"


def note(file: TextIO, job: Sequence[str] = (), seconds_left: float | None = None) -> None:
    """Writes what this process does: it runs a `job` (its name and arguments), or ends if none comes in time."""
    ends_at = None if seconds_left is None else time.time() + seconds_left
    with suppress(OSError):  # on a full disk jobs go on
        file.seek(0)
        file.truncate()
        json.dump({"pid": os.getpid(), "job": list(job), "ends_at": ends_at}, file)
        file.flush()


def processes() -> list[dict[str, Any]]:
    """The user's processes that stay: `pid`, `job` (null if it is free) and `minutes_left` (null if it is busy)."""
    return sorted(_processes(), key=lambda process: process["pid"])


def _processes() -> Iterator[dict[str, Any]]:
    folder = Path(identity.folder_path())
    for path in folder.glob(f"*{SUFFIX}"):
        with suppress(OSError, ValueError, KeyError, TypeError):  # it has just ended, or is writing
            values = json.loads(path.read_text())
            if _is_server(values["pid"], str(path).removesuffix(SUFFIX)):
                ends_at = values["ends_at"]
                left = None if ends_at is None else round(max(0.0, ends_at - time.time()) / 60, 1)
                job = " ".join(values["job"]) or None
                yield {"pid": values["pid"], "job": job, "minutes_left": left}


def _is_server(pid: int, path: str) -> bool:
    """Whether a process is still the one that listens at a socket: another may have got the id of a killed one."""
    return os.fsencode(path) in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
