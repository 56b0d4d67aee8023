"""Lines on standard error, as text or JSON objects.

./spark-submit.sh runs this module as a filter of all lines: `python -m sluice.runtime.log_lines JOB`.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

Level = Literal["info", "warning", "error"]  # what happens, what someone has to look at, why the run failed

_END = b"\x04"  # ends the line that the wrapper sends last
_ERROR = b"\x03"  # begins a line by which the wrapper says why the run failed
_FIRST = ("time", "level")  # in an object
_SHORT = 300  # characters
_NOISE = b"Using incubator modules"  # the JVM's, at each start of Spark


def printable(text: str) -> str:
    """Text that UTF-8 holds: bytes of a file's name that are none (half surrogates in Python) as `\\udcff`."""
    return text.encode(errors="backslashreplace").decode()


@dataclass(frozen=True)
class LogStyle:
    """How the lines of a run are written, and what those in JSON say of it: the table and step that it is at."""

    log_format: str = "text"
    run_id: str = ""
    job: str = ""
    table: str | None = None
    step: str | None = None

    @property
    def json(self) -> bool:
        return self.log_format == "json"

    def line(self, message: str, level: Level = "info", **fields: Any) -> str:
        message = printable(message)
        if not self.json:
            return f"warning: {message}" if level == "warning" else message
        return self._object({"time": datetime.now(UTC).isoformat(), "level": level, **fields, "message": message})

    def short(self, message: str) -> str:
        """How the run ended, as text short enough for a mail's subject.

        A longer one is cut in the middle: it begins with what it is about, and ends with what to do.
        """
        if self.json or len(message) <= _SHORT:
            return message
        return f"{message[: _SHORT // 2 - 1]}…{message[-_SHORT // 2 :]}"

    def timed_line(self, message: str, level: Level = "info") -> str:
        """A line with its time."""
        line = self.line(message, level)
        return line if self.json else f"{datetime.now(UTC):%H:%M:%S} {line}"

    def passed(self, line: bytes) -> bytes:
        """A line of any origin, with its line end; in JSON it becomes an object with all that the job's own have."""
        if _NOISE in line or (self.json and not line.strip()):
            return b""
        level: Level = "error" if line.startswith(_ERROR) else "info"
        line = line.removeprefix(_ERROR)
        if not self.json:
            return line
        entry = _entry(line)
        if entry is None:
            text = line.decode(errors="backslashreplace").rstrip()
            return self.line(text, level).encode() + b"\n"
        return line if "run_id" in entry else self._object(entry).encode() + b"\n"

    def _object(self, entry: dict[str, Any]) -> str:
        """A line in JSON: time and level, then what it is of, then what it says."""
        of_run = {"run_id": self.run_id, "job": self.job, "table": self.table, "step": self.step}
        return json.dumps({**{name: entry.pop(name) for name in _FIRST}, **of_run, **entry}, ensure_ascii=False)


def _entry(line: bytes) -> dict[str, Any] | None:
    """A line in JSON by the job or by Spark; None for any other."""
    with suppress(ValueError):
        entry = json.loads(line)
        return entry if isinstance(entry, dict) and {*_FIRST, "message"} <= entry.keys() else None
    return None


class Filter:
    """Takes what comes through the wrapper's pipe, in pieces, and gives what to show."""

    def __init__(self, introduced: Path, job: str) -> None:
        self._introduced, self._job = introduced, job
        self._lines: LogStyle | None = None
        self._held = b""
        self.ended = False

    def take(self, data: bytes) -> bytes:
        """What can be shown by now: complete lines, and in text also a line that is still being drawn."""
        self._held += data
        if self._lines is None or self._lines.json:
            self._lines = self._known() or self._lines  # the table and the step of now
        *complete, rest = self._held.split(b"\n")
        self.ended = any(line.endswith(_END) for line in complete)
        if self._lines is None and not self.ended:
            return b""  # the job says at its start how to write
        lines = self._lines or LogStyle(
            os.environ.get("SLUICE_LOG_FORMAT", "text"), os.environ.get("SLUICE_RUN_ID", ""), self._job
        )
        shown = b"".join(lines.passed(line.removesuffix(_END) + b"\n") for line in complete if line != _END)
        drawn = not lines.json and not rest.startswith(b"WARNING")  # such a line may turn out to be noise
        self._held = b"" if drawn else rest
        return shown + rest if drawn else shown

    def rest(self) -> bytes:
        """The rest, where the pipe ends before the wrapper ends it."""
        return self.take(_END + b"\n") if self._held else b""

    def _known(self) -> LogStyle | None:
        with suppress(OSError, ValueError, TypeError):  # a job of another version may write another file
            return LogStyle(**json.loads(self._introduced.read_text()))
        return None


def main() -> None:
    """Filters standard input; goes on where nobody reads the output, so that the job does not end for that."""
    through = Filter(Path(os.environ["SLUICE_WRAPPER"], "run"), sys.argv[1])
    while not through.ended and (data := os.read(0, 1 << 16)):
        _show(through.take(data))
    _show(through.rest())


def _show(data: bytes) -> None:
    with suppress(OSError):
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
