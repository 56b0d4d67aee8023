"""What all jobs share at the command line: options, the report on standard output, errors and exit codes."""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click

from sluice import session, settings
from sluice.errors import SluiceError, Terminated, UsageError
from sluice.limit import LimitType
from sluice.progress import Progress
from sluice.report import Report, summary, text_table
from sluice.settings import Settings

Decorator = Callable[[Callable], Callable]


def _together(*options: Decorator) -> Decorator:
    def decorate(function: Callable) -> Callable:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


common_options = _together(
    click.option("--lake", envvar="SLUICE_LAKE", default="lake", show_default=True, help="Folder of all tables."),
    click.option("--run-id", envvar="SLUICE_RUN_ID", help="Marks everything this run writes.  [default: generated]"),
    click.option("--result-file", envvar="SLUICE_RESULT_FILE", help="Write the report here too."),
    click.option(
        "--log-format", envvar="SLUICE_LOG_FORMAT", type=click.Choice(["text", "json"]), default="text", help="Of lines."
    ),
    click.option(
        "--progress",
        envvar="SLUICE_PROGRESS",
        type=click.Choice(["auto", "plain", "none"]),
        default="auto",
        help="auto: a live line on a terminal.",
    ),
)

writer_options = _together(
    click.option("--dry-run", envvar="SLUICE_DRY_RUN", is_flag=True, help="Count everything, commit nothing."),
    click.option(
        "--lock-timeout",
        envvar="SLUICE_LOCK_TIMEOUT",
        type=click.FloatRange(min=0),
        default=600,
        show_default=True,
        help="Seconds to wait for another run.",
    ),
)


ingest_options = _together(
    click.option("--reprocess", envvar="SLUICE_REPROCESS", is_flag=True, help="Ingest files as if they were new."),
    click.option(
        "--max-rejects",
        "limit",
        envvar="SLUICE_MAX_REJECTS",
        type=LimitType(),
        default="1%",
        show_default=True,
        help="Of each file; more merge nothing.",
    ),
    click.option(
        "--max-record-bytes",
        envvar="SLUICE_MAX_RECORD_BYTES",
        type=click.IntRange(1, 256 << 20),
        default=1 << 20,
        show_default=True,
        help="A longer record is a reject.",
    ),
    click.option(
        "--min-age",
        envvar="SLUICE_MIN_AGE",
        type=click.FloatRange(min=0),
        default=0,
        help="Leave files written less than so many seconds ago.",
    ),
)

csv_options = _together(
    click.option("--delimiter", envvar="SLUICE_DELIMITER", default=",", show_default=True),
    click.option("--quote", envvar="SLUICE_QUOTE", default='"', show_default=True, help="Empty: no quoting."),
    click.option("--escape", envvar="SLUICE_ESCAPE", default="", help="Makes the next character text.  [default: none]"),
    click.option("--encoding", envvar="SLUICE_ENCODING", default="utf-8", show_default=True),
    click.option("--skip-lines", envvar="SLUICE_SKIP_LINES", type=click.IntRange(min=0), default=0, help="Before all."),
    click.option("--header/--no-header", envvar="SLUICE_HEADER", default=True, help="Without: the table's order."),
)


def _answered(name: str, main: Callable[..., Any], args: Any, extra: dict[str, Any]) -> NoReturn:
    """Runs a Click command so that wrong usage too ends in a report."""
    try:
        extra.update(standalone_mode=False, default_map=settings.defaults())
        main(args=args, prog_name=f"./spark-submit.sh {name}", **extra)
    except click.UsageError as error:
        hint = f" (see ./spark-submit.sh {name} --help)"
        _end(Report(name, ""), UsageError(f"{error.format_message()}{hint}"), None)
    except click.exceptions.Abort:
        sys.exit(Terminated.exit_code)
    except SluiceError as error:
        _end(Report(name, ""), error, None)
    sys.exit(0)


class JobCommand(click.Command):
    """A command whose outcome is always one JSON document on standard output and one of the exit codes."""

    def main(self, args: Any = None, prog_name: str | None = None, **extra: Any) -> NoReturn:
        _answered(_job_name(self, prog_name), super().main, args, extra)


class JobGroup(click.Group):
    """A job of several commands, like `JobCommand`."""

    def main(self, args: Any = None, prog_name: str | None = None, **extra: Any) -> NoReturn:
        _answered(_job_name(self, prog_name), super().main, args, extra)


def _job_name(command: click.Command, prog_name: str | None) -> str:
    return Path(command.callback.__code__.co_filename if command.callback else prog_name or sys.argv[0]).stem


class Job:
    """A job at work: its settings, its report and what it tells."""

    def __init__(self, name: str, chosen: Settings) -> None:
        self.settings = chosen
        self.report = Report(name, chosen.run_id)
        self.progress = Progress(chosen.progress, chosen.log_format, _on_terminal())

    @contextmanager
    def session(self) -> Iterator[Any]:
        """The Spark session, once Spark is needed; its jobs are cancelled if the run is ended from outside."""
        session.require()
        manager = session.opened(self.report.job)
        with self.step("start"):
            spark = manager.__enter__()
        self.progress.spark = spark
        try:
            yield spark
        finally:
            self.progress.spark = None
            manager.__exit__(None, None, None)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        with self.progress.step(name), self.report.timed(name):
            yield

    def each(self, items: Sequence[Any], work: Callable[[Job, Any], None]) -> None:
        """Does the work for one item after another: in this job's report for one, else each in a step's of its own."""
        if len(items) == 1:
            work(self, items[0])
            return
        self.report.steps = []
        for item in items:
            part = Job(self.report.job, self.settings)
            part.progress = self.progress
            self.report.steps.append(part.report)
            try:
                work(part, item)
            except BaseException as failure:
                note_failure(part.report, failure)
                raise
        self.report.status = "succeeded"

    def show(self, rows: list[dict[str, Any]]) -> None:
        """Puts rows into the report and, as a readable table, on standard error."""
        self.report.rows = rows
        self.report.status = "succeeded"
        print(text_table(rows), file=sys.stderr)


def _on_terminal() -> bool:
    """The wrapper knows: spark-submit puts a pipe between a job and the terminal."""
    return os.environ.get("SLUICE_TERMINAL", "1" if sys.stderr.isatty() else "") == "1"


@contextmanager
def job(name: str, options: dict[str, Any]) -> Iterator[Job]:
    """Runs a job: prints its report, turns failures into exit codes, and SIGTERM into a clean end."""
    if pid_file := os.environ.get("SLUICE_WRAPPER_PID"):
        Path(pid_file).write_text(str(os.getpid()))
    running = Job(name, Settings.of(options))
    failure: BaseException | None = None
    with _terminated_by_signals():
        try:
            yield running
        except session.SparkNeeded:
            sys.exit(session.SparkNeeded.exit_code)
        except (Exception, Terminated, KeyboardInterrupt) as error:
            failure = error
    _end(running.report, failure, running)


@contextmanager
def _terminated_by_signals() -> Iterator[None]:
    def end(number: int, frame: Any) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise Terminated(f"ended by {signal.Signals(number).name}: run it again, it goes on where it was")

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _end(report: Report, failure: BaseException | None, running: Job | None) -> NoReturn:
    code = note_failure(report, failure)
    text = json.dumps(report.document(), default=str, ensure_ascii=False)
    wrapper = os.environ.get("SLUICE_WRAPPER_RESULT")  # printed by it: spark-submit mixes the two outputs
    if not wrapper:
        print(text, flush=True)
    for path in (wrapper, running and running.settings.result_file):
        if path:
            Path(path).write_text(text + "\n")
    if failure is not None:
        if code == 1:
            traceback.print_exception(failure)
        print(f"{report.job}: {report.error}", file=sys.stderr, flush=True)
    elif running is not None:
        running.progress.tell(f"{report.job}: {summary(report)}")
    sys.exit(code)


def note_failure(report: Report, failure: BaseException | None) -> int:
    """Writes a failure into the report and gives the exit code."""
    if failure is None:
        return 0
    code: int = getattr(failure, "exit_code", Terminated.exit_code if isinstance(failure, KeyboardInterrupt) else 1)
    report.status = "refused" if code == 4 else "failed"
    lines = str(failure).strip().splitlines() or [type(failure).__name__]
    report.error = lines[0] if code != 1 else f"unexpected {type(failure).__name__}: {lines[0]}"
    return code
