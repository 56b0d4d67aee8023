"""What all jobs share at the command line: options, the report on standard output, errors and exit codes."""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click

from sluice import session, settings
from sluice.errors import SluiceError, Terminated, UsageError
from sluice.progress import Progress
from sluice.report import Report, summary, text_table
from sluice.settings import Settings

_ENDING = (signal.SIGTERM, signal.SIGINT)


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

    def main(self, args: Any = None, prog_name: str | None = None, **extra: Any) -> NoReturn:  # type: ignore[override]
        _answered(_job_name(self, prog_name), super().main, args, extra)


class JobGroup(click.Group):
    """A job of several commands, like `JobCommand`."""

    def main(self, args: Any = None, prog_name: str | None = None, **extra: Any) -> NoReturn:  # type: ignore[override]
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
        """The Spark session, once Spark is needed; its jobs are cancelled if the run fails or is ended."""
        session.require()
        with ExitStack() as stack:
            with self.step("start"):
                spark = stack.enter_context(session.opened(self.report.job))
            self.progress.spark = spark
            stack.callback(setattr, self.progress, "spark", None)
            self.listen()  # Spark has put a handler of its own for SIGINT
            try:
                yield spark
            except BaseException:
                spark.sparkContext.cancelAllJobs()
                raise

    def listen(self) -> None:
        """Lets SIGTERM and SIGINT end the run by an exception, so that locks are freed and the run is recorded."""
        for number in _ENDING:
            signal.signal(number, self._end)

    def _end(self, number: int, frame: Any) -> None:
        for each in _ENDING:
            signal.signal(each, signal.SIG_IGN)
        if self.progress.spark is not None:
            session.forget_interrupted_call(self.progress.spark)
        raise Terminated(f"ended by {signal.Signals(number).name}: run it again, it goes on where it was")

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
    before = [(number, signal.getsignal(number)) for number in _ENDING]
    running.listen()
    try:
        yield running
    except session.SparkNeeded:
        sys.exit(session.SparkNeeded.exit_code)
    except (Exception, Terminated) as error:
        failure = error
    finally:
        for number, handler in before:
            signal.signal(number, handler)
    _end(running.report, failure, running)


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
            traceback.print_tb(failure.__traceback__)
        print(f"{report.job}: {report.error}", file=sys.stderr, flush=True)
    elif running is not None:
        running.progress.tell(f"{report.job}: {summary(report)}")
    sys.exit(code)


def note_failure(report: Report, failure: BaseException | None) -> int:
    """Writes a failure into the report and gives the exit code."""
    if failure is None:
        return 0
    code: int = getattr(failure, "exit_code", 1)
    report.status = "refused" if code == 4 else "failed"
    java: Any = getattr(failure, "java_exception", None)  # py4j's own text is the JVM's whole stack
    lines = str(java.toString() if java else failure).strip().splitlines() or [type(failure).__name__]
    report.error = lines[0] if code != 1 else f"unexpected {type(failure).__name__}: {lines[0]}"
    return code
