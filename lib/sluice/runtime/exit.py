"""How a job ends: its report on standard output, the outcome as the last line of standard error, the exit code."""

from __future__ import annotations

import json
import signal
import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from sluice.errors import SluiceError, Terminated
from sluice.files.s3.client import failure_in_spark
from sluice.lake.storage_failure import storage_failure
from sluice.runtime import java, wrapper
from sluice.runtime.executors import executor_failure
from sluice.runtime.log_lines import LogStyle, printable
from sluice.runtime.report import Report, summary
from sluice.runtime.warm import stay


class Listener(NamedTuple):
    """Who gets the report of a run that has ended, and what ended it (None: nothing did); `name` is for users."""

    name: str
    hear: Callable[[Report, BaseException | None], None]


def tell(
    listeners: Iterable[Listener], report: Report, failure: BaseException | None, lines: LogStyle, lake: str = ""
) -> None:
    """Lets the listeners have the report of a run on `lake` as it will be printed, its outcome included.

    Whatever fails in one of them is a line on standard error, and never the run's failure.
    """
    note_failure(report, failure, lake)
    for listener in listeners:
        try:
            listener.hear(report, failure)
        except BaseException as error:  # delta-rs's panics too; a signal ends this listener alone
            cause = (error.strerror if isinstance(error, OSError) else None) or explained(error, lake)
            line = " ".join(str(cause).split()) or type(error).__name__
            _print(lines.line(f"{listener.name}: failed: {line} (the run itself ended as its report says)", "warning"))


def end(
    report: Report, failure: BaseException | None, lines: LogStyle, result_file: str | None = None, lake: str = ""
) -> NoReturn:
    """Prints the outcome of a run on `lake`, through the wrapper if there is one, and exits."""
    failure = explained(failure, lake) if failure else None
    code = note_failure(report, failure, lake)
    document = printable(json.dumps(report.document(), default=str, ensure_ascii=False))
    try:
        if result_file:
            Path(result_file).write_text(document + "\n", encoding="utf-8")
    except OSError as error:
        _print(lines.line(f"{result_file}: the report could not be written here ({error.strerror})", "warning"))
    last_line = _last_line(report, failure, lines)
    printed = document if failure or report.answer is None else report.answer
    if not wrapper.end(printed, last_line):
        print(printed, flush=True)
        _print(last_line)
    if not stay.is_server:
        java.end(60 if failure is None else 3)  # not before: a failure of Java's is asked for its text
    sys.exit(code)


def _last_line(report: Report, failure: BaseException | None, lines: LogStyle) -> str:
    """What the run did, or the one error of it. An unexpected failure comes with its traceback: as text before it."""
    if failure is None:
        return lines.timed_line(lines.short(f"{report.job}: {summary(report, report.seconds_in_all)}"))
    details = {}
    if not isinstance(failure, SluiceError | Terminated):
        details["traceback"] = printable("".join(traceback.format_tb(failure.__traceback__)).rstrip())
        if not lines.json:
            _print(details["traceback"])
    return lines.line(lines.short(f"{report.job}: {report.error}"), "error", **details)


def _print(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def explained(failure: BaseException, lake: str) -> BaseException:
    """A failure as its user should read it: what ended the run, in Sluice's words where it has some."""
    failure = _cause(failure)
    if isinstance(failure, SluiceError | Terminated):
        return failure
    text = str(failure)
    known = java.died() or failure_in_spark(text) or executor_failure(text) or storage_failure(text, lake)
    return known or failure


def _cause(failure: BaseException) -> BaseException:
    """The signal that ended the run, whatever failed while it ended; else the failure itself."""
    earlier: BaseException | None = failure
    while earlier is not None:
        if isinstance(earlier, Terminated):
            return earlier
        earlier = earlier.__context__
    # from Spark's own handler of SIGINT, which is installed for a moment while Spark starts
    return Terminated(signal.SIGINT) if isinstance(failure, KeyboardInterrupt) else failure


def note_failure(report: Report, failure: BaseException | None, lake: str = "") -> int:
    """Writes a failure (None: there was none) of a run on `lake` into the report and gives the exit code."""
    if failure is None:
        return 0
    failure = explained(failure, lake)
    code: int = getattr(failure, "exit_code", 1)
    report.status = "refused" if code == 4 else "failed"
    java: Any = getattr(failure, "java_exception", None)  # py4j's own text is the JVM's whole stack
    lines = str(java.toString() if java else failure).strip().splitlines() or [type(failure).__name__]
    cause = " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]  # a colon alone says nothing
    expected = isinstance(failure, SluiceError | Terminated)
    report.error = cause if expected else f"unexpected {type(failure).__name__}: {cause}"
    return code
