"""Lines on standard error, as text or JSON objects. ./spark-submit.sh runs this module as a filter of all lines."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_END = b"\x04"  # ends the line that the wrapper sends last
_NOISE = b"Using incubator modules"  # the JVM's, at each start of Spark


def printable(text: str) -> str:
    """Text that UTF-8 holds: bytes of a file's name that are none (half surrogates in Python) as `\\udcff`."""
    return text.encode(errors="backslashreplace").decode()


@dataclass(frozen=True)
class LogStyle:
    """How the lines of a run are written."""

    log_format: str = "text"
    run_id: str = ""

    @property
    def json(self) -> bool:
        return self.log_format == "json"

    def line(self, message: str, **fields: Any) -> str:
        message = printable(message)
        if not self.json:
            return message
        values = {"time": datetime.now(UTC).isoformat(), "run_id": self.run_id, "message": message, **fields}
        return json.dumps(values, ensure_ascii=False)

    def timed_line(self, message: str, **fields: Any) -> str:
        """A line with its time."""
        return self.line(message if self.json else f"{datetime.now(UTC):%H:%M:%S} {message}", **fields)

    def passed(self, line: bytes) -> bytes:
        """A line of any origin, with its line end; in JSON a line that is not an object becomes one."""
        if _NOISE in line or (self.json and not line.strip()):
            return b""
        if not self.json or _is_object(line):
            return line
        return self.line(line.decode(errors="backslashreplace").rstrip()).encode() + b"\n"


def _is_object(line: bytes) -> bool:
    with suppress(ValueError):
        entry = json.loads(line)
        return isinstance(entry, dict) and {"time", "run_id", "message"} <= entry.keys()
    return False


class Filter:
    """Takes what comes through the wrapper's pipe, in pieces, and gives what to show."""

    def __init__(self, introduced: Path) -> None:
        self._introduced = introduced
        self._lines: LogStyle | None = None
        self._held = b""
        self.ended = False

    def take(self, data: bytes) -> bytes:
        """What can be shown by now: complete lines, and in text also a line that is still being drawn."""
        self._held += data
        if self._lines is None:
            self._lines = self._known()
        *complete, rest = self._held.split(b"\n")
        self.ended = any(line.endswith(_END) for line in complete)
        if self._lines is None and not self.ended:
            return b""  # the job says at its start how to write
        lines = self._lines or LogStyle(
            os.environ.get("SLUICE_LOG_FORMAT", "text"), os.environ.get("SLUICE_RUN_ID", "")
        )
        shown = b"".join(lines.passed(line.removesuffix(_END) + b"\n") for line in complete if line != _END)
        drawn = not lines.json and not rest.startswith(b"WARNING")  # such a line may turn out to be noise
        self._held = b"" if drawn else rest
        return shown + rest if drawn else shown

    def rest(self) -> bytes:
        """The rest, where the pipe ends before the wrapper ends it."""
        return self.take(_END + b"\n") if self._held else b""

    def _known(self) -> LogStyle | None:
        with suppress(OSError):
            log_format, _, run_id = self._introduced.read_text().partition("\n")
            return LogStyle(log_format, run_id.rstrip("\n"))
        return None


def main() -> None:
    """Filters standard input; goes on where nobody reads the output, so that the job does not end for that."""
    through = Filter(Path(os.environ["SLUICE_WRAPPER"], "run"))
    while not through.ended and (data := os.read(0, 1 << 16)):
        _show(through.take(data))
    _show(through.rest())


def _show(data: bytes) -> None:
    with suppress(OSError):
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
