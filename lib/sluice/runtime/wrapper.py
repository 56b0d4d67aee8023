"""How a job and ./spark-submit.sh talk: by files in the folder `$SLUICE_WRAPPER`, if there is one."""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from sluice.files.output_file import output_file
from sluice.runtime.log_lines import LogStyle


def _folder() -> Path | None:
    folder = os.environ.get("SLUICE_WRAPPER")
    return Path(folder) if folder else None


def spark_options() -> list[str] | None:
    """The options for the JVM that the wrapper left; None without a wrapper."""
    folder = _folder()
    if folder is None:
        return None
    return [os.fsdecode(option) for option in (folder / "options").read_bytes().split(b"\0")[:-1]]


def prints_to_terminal() -> bool:
    """Whether a person sees standard output; the wrapper knows, which prints it at the end."""
    return os.environ.get("SLUICE_STDOUT_TERMINAL") == "1" if _folder() else sys.stdout.isatty()


def introduce(lines: LogStyle) -> None:
    """Says how lines are written, and at which table and step the run is, for lines that others than the job write."""
    if folder := _folder():
        with output_file(folder / "run") as file:
            file.write(json.dumps(asdict(lines)).encode())


def begin() -> signal.Signals | None:
    """Says which process to signal; gives a signal that arrived before."""
    folder = _folder()
    if folder is None:
        return None
    (folder / "pid").write_text(str(os.getpid()))
    with suppress(OSError):
        return signal.Signals[f"SIG{(folder / 'signal').read_text().strip()}"]
    return None


def end(report: str, last_line: str) -> bool:
    """Leaves it to the wrapper to print the report and, after all others, the last line."""
    folder = _folder()
    if folder is None:
        return False
    for name, text in (("result", report), ("last", last_line)):
        (folder / name).write_text(f"{text}\n", encoding="utf-8")
    return True
