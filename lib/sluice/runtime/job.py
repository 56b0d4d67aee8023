"""A job at work: its settings, report and progress, its Spark session, and how signals end it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

from sluice.errors import Terminated
from sluice.lake.lake import Lake
from sluice.lake.lock import Writer
from sluice.runtime import session, wrapper
from sluice.runtime.exit import end, note_failure
from sluice.runtime.log_lines import LogStyle
from sluice.runtime.progress import Progress
from sluice.runtime.report import Report, text_table
from sluice.runtime.settings import Settings

_ENDING = (signal.SIGTERM, signal.SIGINT)


class Job:
    """A job at work: its settings, its report and what it tells. A part of a job shares its Spark session."""

    def __init__(self, name: str, chosen: Settings, parent: Job | None = None) -> None:
        self.settings = chosen
        self.report = Report(name, chosen.run_id)
        self.progress: Progress = (
            parent.progress
            if parent
            else Progress(chosen.progress, LogStyle(chosen.log_format, chosen.run_id), _on_terminal())
        )
        self._root: Job = parent._root if parent else self
        self._session: AbstractContextManager[Any] | None = None

    @property
    def spark(self) -> Any:
        """The Spark session, started where it is needed first."""
        root = self._root
        if root._session is None:
            session.require()
            with root.step("start"):
                root._session = session.opened(root.report.job)
                root.progress.spark = root._session.__enter__()
            root.listen()  # Spark has put a handler of its own for SIGINT
        return root.progress.spark

    @property
    def writer(self) -> Writer:
        return Writer(self.settings.run_id, self.settings.lock_timeout, self.progress.log)

    @property
    def lake(self) -> Lake:
        return Lake(self.spark, self.settings.lake, self.report.job, self.writer)

    def close(self, failure: BaseException | None) -> None:
        """Ends the session; the jobs of a failed run are cancelled."""
        spark, self.progress.spark = self.progress.spark, None
        if self._session is None or spark is None:
            return
        if failure is None:
            self._session.__exit__(None, None, None)
        else:
            session.end(spark, partial(self._session.__exit__, None, None, None))

    def listen(self) -> None:
        """Lets SIGTERM and SIGINT end the run by an exception, so that locks are freed and the run is recorded."""
        for number in _ENDING:
            signal.signal(number, self._end)

        if (earlier := wrapper.begin()) is not None:
            self._end(earlier, None)

    def _end(self, number: int, frame: Any) -> None:
        for each in _ENDING:
            signal.signal(each, signal.SIG_IGN)
        if self.progress.spark is not None:
            session.forget_interrupted_call(self.progress.spark)
        raise Terminated(number)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        with self.progress.step(name, self.report.files), self.report.timed(name):
            yield

    @contextmanager
    def part(self, name: str) -> Iterator[Job]:
        """A part of this job, with a report of its own among this one's `steps`."""
        part = Job(name, self.settings, self)
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
        """Puts rows into the report and, for people, as a readable table on standard error."""
        self.report.rows = rows
        self.report.status = "succeeded"
        if self.settings.log_format == "text":
            print(text_table(rows), file=sys.stderr)


def _on_terminal() -> bool:
    """The wrapper knows: spark-submit puts a pipe between a job and the terminal."""
    return os.environ.get("SLUICE_TERMINAL", "1" if sys.stderr.isatty() else "") == "1"


@contextmanager
def job(name: str, options: dict[str, Any]) -> Iterator[Job]:
    """Runs a job: prints its report, turns failures into exit codes, and SIGTERM into a clean end."""
    running = Job(name, Settings.of(options))
    failure: BaseException | None = None
    before = [(number, signal.getsignal(number)) for number in _ENDING]
    try:
        try:
            running.listen()
            yield running
        except BaseException as error:
            failure = error
            raise
        finally:
            running.close(failure)
    except session.SparkNeeded:
        sys.exit(session.SparkNeeded.exit_code)
    except (Exception, Terminated, KeyboardInterrupt):
        pass  # told below
    finally:
        for number, handler in before:
            signal.signal(number, handler)
    end(running.report, failure, running.progress.lines, running.settings.result_file)
