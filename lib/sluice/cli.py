"""What all jobs share at the command line: options, the report on standard output, errors and exit codes."""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click

from sluice import session, settings
from sluice.errors import SluiceError, Terminated, UsageError
from sluice.lake import Lake
from sluice.progress import Progress
from sluice.report import Report, summary, text_table
from sluice.settings import Settings

_ENDING = (signal.SIGTERM, signal.SIGINT)


def _answered(
    name: str,
    main: Callable[..., Any],
    args: Any,
    extra: dict[str, Any],
    defaults: Callable[[dict[str, Any]], dict[str, Any]] = dict,
) -> NoReturn:
    """Runs a Click command so that wrong usage too ends in a report."""
    try:
        extra["default_map"] = defaults(settings.defaults())
        extra.update(standalone_mode=False)
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
        _answered(
            _job_name(self, prog_name), super().main, args, extra, lambda values: dict.fromkeys(self.commands, values)
        )


def _job_name(command: click.Command, prog_name: str | None) -> str:
    return Path(command.callback.__code__.co_filename if command.callback else prog_name or sys.argv[0]).stem


class Job:
    """A job at work: its settings, its report and what it tells. A part of a job shares its Spark session."""

    def __init__(self, name: str, chosen: Settings, whole: Job | None = None) -> None:
        self.settings = chosen
        self.report = Report(name, chosen.run_id)
        self.progress: Progress = (
            whole.progress if whole else Progress(chosen.progress, chosen.log_format, _on_terminal())
        )
        self._whole = whole or self
        self._session: AbstractContextManager[Any] | None = None

    @property
    def spark(self) -> Any:
        """The Spark session, started where it is needed first."""
        whole = self._whole
        if whole._session is None:
            session.require()
            with whole.step("start"):
                whole._session = session.opened(whole.report.job)
                whole.progress.spark = whole._session.__enter__()
            whole.listen()  # Spark has put a handler of its own for SIGINT
        return whole.progress.spark

    @property
    def lake(self) -> Lake:
        return Lake(self.spark, self.settings.lake, self.settings.run_id, self.report.job)

    def close(self, failure: BaseException | None) -> None:
        """Ends the session; the jobs of a failed run are cancelled."""
        if self._session is not None:
            if failure is not None:
                self.progress.spark.sparkContext.cancelAllJobs()
            self.progress.spark = None
            self._session.__exit__(None, None, None)

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

    @contextmanager
    def part(self, name: str) -> Iterator[Job]:
        """A part of this job, with a report of its own among this one's `steps`."""
        part = Job(name, self.settings, self._whole)
        self.report.steps = [*(self.report.steps or []), part.report]
        try:
            yield part
        except BaseException as failure:
            note_failure(part.report, failure)
            raise

    def each(self, items: Sequence[Any], work: Callable[[Job, Any], None]) -> None:
        """Does the work for one item after another: in this job's report for one, else each in a part's."""
        if len(items) == 1:
            work(self, items[0])
            return
        for item in items:
            with self.part(self.report.job) as part:
                work(part, item)
        self.sum_up()

    def sum_up(self) -> None:
        """The status of a job from those of its parts."""
        done = {step.status for step in self.report.steps or []}
        self.report.status = "failed" if "failed" in done else "succeeded" if "succeeded" in done else "nothing_new"

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
        try:
            yield running
        except BaseException as error:
            failure = error
            raise
        finally:
            running.close(failure)
    except session.SparkNeeded:
        sys.exit(session.SparkNeeded.exit_code)
    except (Exception, Terminated):
        pass  # told below
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
        try:
            if path:
                Path(path).write_text(text + "\n")
        except OSError as error:
            print(f"{path}: the report could not be written here ({error.strerror})", file=sys.stderr, flush=True)
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
