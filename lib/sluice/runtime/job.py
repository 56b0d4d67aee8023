"""A running job: its settings, report, progress and Spark session, and how a signal ends it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sluice.errors import Terminated, UsageError
from sluice.files.s3.client import is_on_s3, spark_options
from sluice.lake import log, opened
from sluice.lake.writer import Writer
from sluice.runtime import compiling, session, wrapper
from sluice.runtime.exit import note_failure
from sluice.runtime.log_lines import LogStyle, printable
from sluice.runtime.progress import Progress
from sluice.runtime.report import Report, text_table
from sluice.runtime.settings import Settings
from sluice.runtime.timeline import Timeline

if TYPE_CHECKING:
    from sluice.lake.lake import Lake

ENDING = (signal.SIGTERM, signal.SIGINT)  # what ends a run cleanly


class Job:
    """A running job: its settings, its report and what it logs. A part of a job shares its Spark session."""

    def __init__(self, name: str, chosen: Settings, parent: Job | None = None) -> None:
        self.settings = chosen
        self.report = Report(name, chosen.run_id, dry_run=chosen.dry_run)
        self.progress: Progress = (
            parent.progress
            if parent
            else Progress(chosen.progress, LogStyle(chosen.log_format, chosen.run_id, name), _on_terminal())
        )
        # what goes on around each run that is recorded, of this job or its parts, given the arguments that `runs` keeps
        self.watch: Callable[[Job, Mapping[str, Any]], AbstractContextManager[None]] = (
            parent.watch if parent else lambda *_: nullcontext()
        )
        self._root: Job = parent._root if parent else self
        self._session: AbstractContextManager[Any] | None = None
        self._size: int | None = None  # bytes that it reads, as far as it is known
        self.timeline: Timeline = parent.timeline if parent else Timeline()
        self.event_log: Path | None = None  # the folder for Spark's, if it is to be kept
        if parent is None:
            self.progress.report = self.report
            opened.forget()

    @property
    def spark(self) -> Any:
        """The Spark session, started when it is first needed."""
        root = self._root
        if root._session is None:
            with root.step("start"):
                options = spark_options() if is_on_s3(root.settings.lake) else {}
                lines, listen = root.progress.lines, root.listen
                root._session = session.opened(root.report.job, options, lines, listen, root._size, root.event_log)
                root.progress.spark = root._session.__enter__()
                if root.event_log:
                    root.timeline.context = root.progress.spark.sparkContext
            root.listen()  # Spark has installed a handler of its own for SIGINT
            root.require_shared(root.settings.lake)
        return root.progress.spark

    def expect(self, tables: Iterable[str] = (), size: int = 0) -> None:
        """Says, before Spark starts, that the job reads these tables and `size` bytes of text, beside what it said."""
        if self._root._session is not None:
            return
        stored = sum(log.size(self.settings.lake, name)[1] for name in tables)
        self._root._size = (self._root._size or 0) + stored * compiling.TEXT_OF_PARQUET + size

    def require_shared(self, path: str) -> None:
        """Raises UsageError for a path or URI that the machines of a cluster may not see as this one does."""
        master = self.spark.sparkContext.master
        if not (is_on_s3(path) or self.settings.shared_filesystem or master.startswith("local")):
            raise UsageError(
                f"{path}: the machines of {master} may not see this path: use S3, or add --shared-filesystem if all of "
                "them see it as this one does"
            )

    @property
    def writer(self) -> Writer:
        return Writer(self.settings.run_id, self.settings.lock_timeout, self.progress.log)

    @property
    def lake(self) -> Lake:
        from sluice.lake.lake import Lake  # loads pyspark, which not all jobs need

        return Lake(self.spark, self.settings.lake, self.report.job, self.writer)

    def close(self, failure: BaseException | None) -> None:
        """Ends the session; Spark's jobs of a failed run are cancelled."""
        spark, self.progress.spark = self.progress.spark, None
        if self._session is None or spark is None:
            return
        if failure is None:
            self._session.__exit__(None, None, None)
        else:
            session.end(spark, partial(self._session.__exit__, None, None, None))

    def listen(self) -> None:
        """Lets SIGTERM and SIGINT end the run by an exception, so that locks are freed and the run is recorded."""
        for number in ENDING:
            signal.signal(number, self._end)
        if (earlier := wrapper.begin()) is not None:
            self._end(earlier, None)

    def _end(self, number: int, frame: Any) -> None:
        for other in ENDING:
            signal.signal(other, signal.SIG_IGN)
        if self.progress.spark is not None:
            session.forget_interrupted_call(self.progress.spark)
        raise Terminated(number)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        shown = self.progress.step(name, self.report.files)
        with shown, self.report.timed(name), self.timeline.step(self.report, name):
            yield

    @contextmanager
    def part(self, name: str) -> Iterator[Job]:
        """A part of this job, whose own report is one of this report's `steps`."""
        part = Job(name, self.settings, self)
        self.report.steps = [*(self.report.steps or []), part.report]
        try:
            with self.progress.about(part.report):
                yield part
        except BaseException as failure:
            part.note(failure)
            raise

    def note(self, failure: BaseException) -> None:
        """Writes a failure into the report."""
        note_failure(self.report, failure, self.settings.lake)

    def each(self, items: Sequence[Any], work: Callable[[Job, Any], None]) -> None:
        """Does the work for one item after another: a single one in this job's report, several in a part each."""
        if len(items) == 1:
            work(self, items[0])
            return
        for item in items:
            with self.part(self.report.job) as part:
                work(part, item)
        self.sum_up()

    def sum_up(self) -> None:
        """Sets the status of a job from those of its parts."""
        statuses = {step.status for step in self.report.steps or []}
        self.report.status = next((s for s in ("failed", "succeeded") if s in statuses), "nothing_new")

    def show(self, rows: list[dict[str, Any]]) -> None:
        """Puts rows into the report, and prints them as a table on standard error for people."""
        self.report.rows = rows
        self.report.status = "succeeded"
        self.show_text(text_table(rows, widest=60))

    def show_text(self, text: str) -> None:
        """Prints what people read beside the report, on standard error."""
        if self.settings.log_format == "text":
            print(printable(text), file=sys.stderr)


def _on_terminal() -> bool:
    """Whether a person sees standard error. The wrapper knows: spark-submit puts a pipe in between."""
    return os.environ.get("SLUICE_TERMINAL", "1" if sys.stderr.isatty() else "") == "1"
