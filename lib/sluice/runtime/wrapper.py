"""How a job and ./spark-submit.sh talk: by files in the folder `$SLUICE_WRAPPER`, if there is one."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from sluice.files.output_file import output_file


def _folder() -> Path | None:
    folder = os.environ.get("SLUICE_WRAPPER")
    return Path(folder) if folder else None


def arguments() -> list[str]:
    """The job's arguments: those that the wrapper left, where one started it, else the process's own."""
    folder = _folder()
    if folder is None:
        return sys.argv[1:]
    with suppress(FileNotFoundError):
        return [os.fsdecode(argument) for argument in (folder / "arguments").read_bytes().split(b"\0")[:-1]]
    return []


def attach() -> None:
    """Sends this process's output straight to the wrapper: output through the JVM is lost when the JVM dies."""
    folder = _folder()
    if folder is None or os.environ.get("SLUICE_WITHOUT_SPARK"):
        return
    with suppress(OSError):
        pipe = os.open(folder / "lines", os.O_WRONLY | os.O_NONBLOCK)  # without waiting for a reader that is gone
        os.set_blocking(pipe, True)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
            os.dup2(pipe, stream.fileno())
        os.close(pipe)


def introduce(log_format: str, run_id: str) -> None:
    """Says how lines are written: for lines that others than the job write, and for the job's second start."""
    if folder := _folder():
        with output_file(folder / "run") as file:
            file.write(f"{log_format}\n{run_id}\n".encode())


def begin() -> signal.Signals | None:
    """Says which process to signal; gives a signal that arrived before."""
    folder = _folder()
    if folder is None:
        return None
    (folder / "pid").write_text(str(os.getpid()))
    with suppress(OSError):
        return signal.Signals[f"SIG{(folder / 'signal').read_text().strip()}"]
    return None


def end(report: str, last_line: str, code: int) -> bool:
    """Leaves it to the wrapper to print the report and, after the JVM's own last lines, the last line."""
    folder = _folder()
    if folder is None:
        return False
    for name, text in (("result", report), ("last", last_line), ("code", str(code))):
        (folder / name).write_text(f"{text}\n", encoding="utf-8")
    return True
