"""What a job is doing, on standard error: on a terminal one live line a step, elsewhere plain lines."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from sluice.runtime import wrapper
from sluice.runtime.log_lines import Level, LogStyle
from sluice.runtime.report import Report
from sluice.runtime.spark_status import Figures, SparkStatus

_EVERY = 10.0  # seconds between plain lines of a step
_REFRESH = 0.5  # seconds between updates of a live line


class Progress:
    """`style` is auto, plain or none; `terminal`: whether a person watches standard error."""

    def __init__(self, style: str = "auto", lines: LogStyle | None = None, terminal: bool = False) -> None:
        self._style = lines or LogStyle()
        self.report: Report | None = None  # of the part of the job that runs
        self._step: str | None = None
        self._failed_step: str | None = None
        self._shown = style != "none"
        self._live = style == "auto" and terminal and not self._style.json
        self._screen: Any = None  # rich's console while a live line is drawn
        self.spark: Any = None

    @property
    def lines(self) -> LogStyle:
        """How a line is written now: of the table and the step that the job is at, or that it failed at."""
        table = self.report.table if self.report else None
        return replace(self._style, table=table, step=self._step or self._failed_step)

    @contextmanager
    def about(self, report: Report) -> Iterator[None]:
        """Lines within are about the table of this report; after a failure so are those that follow."""
        outer, self.report = self.report, report
        yield
        self.report, self._failed_step = outer, None
        self._tell()

    def log(self, message: str, level: Level = "info") -> None:
        """Prints one line, whatever the style: what a user must know. `warning`: something that has to be looked at."""
        line = self.lines.timed_line(message, level)
        if self._screen is None:
            print(line, file=sys.stderr, flush=True)
        else:
            self._screen.print(line, markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def step(self, name: str, files: int = 0) -> Iterator[None]:
        """Shows how far the step has come; `files`: how many it works on, 0 if it is not about files."""
        outer, self._step, self._failed_step = self._step, name, None
        self._tell()
        try:
            with self._showing(name, files):
                yield
        except BaseException:
            self._failed_step = self._failed_step or name
            raise
        finally:
            self._step = outer
            self._tell()

    def _tell(self) -> None:
        """Tells the wrapper where the job is, for lines in JSON that others write."""
        if self._style.json:
            with suppress(OSError):  # a full disk: the job goes on
                wrapper.introduce(self.lines)

    @contextmanager
    def _showing(self, name: str, files: int) -> Iterator[None]:
        if not self._shown:
            yield
        elif self._live and self._screen is None:
            with self._drawn(_Step(name, files, self)):
                yield
        else:
            self.log(f"{name} …")
            with _every(_EVERY, _Step(name, files, self), self.log):
                yield

    @contextmanager
    def _drawn(self, step: _Step) -> Iterator[None]:
        """A live line, which a line with the total replaces at the end; a step that failed leaves none."""
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        def text(line: str) -> Text:
            return Text(line, style="cyan", no_wrap=True, overflow="ellipsis")

        console = Console(file=sys.stderr, force_terminal=True)
        live = Live(text(f"{step.name} …"), console=console, auto_refresh=False, transient=True, redirect_stderr=False)
        with live:
            self._screen = console
            try:
                with _every(_REFRESH, step, lambda line: live.update(text(line), refresh=True)):
                    yield
            finally:
                self._screen = None
        self.log(step.finished())


class _Step:
    """A running step and its figures."""

    def __init__(self, name: str, files: int, progress: Progress) -> None:
        self.name, self._files, self._began = name, files, time.monotonic()
        self._status: SparkStatus | None = None
        with suppress(Exception):  # figures are never worth a failure
            self._status = SparkStatus(progress.spark) if progress.spark else None

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._began

    def now(self) -> str:
        figures = Figures()
        with suppress(Exception):
            figures = self._status.now() if self._status else figures
        return f"{self.name}: " + ", ".join(_parts(figures, self._files, self._seconds))

    def finished(self) -> str:
        seconds, rows = self._seconds, None
        with suppress(Exception):
            rows = self._status.rows_in_all() if self._status else None
        return f"{self.name}: {seconds:.1f} s" + (f", {rows:,} rows" if rows else "")


def _parts(figures: Figures, files: int, seconds: float) -> Iterator[str]:
    yield f"{seconds:.0f} s"
    if figures.rows:
        yield f"{figures.rows:,} rows"
    if files:
        yield f"{files:,} file{'s' if files > 1 else ''}"
    if figures.tasks:
        yield f"{100 * figures.tasks_done // figures.tasks}%"
    if figures.rows and seconds >= 1:
        yield f"{figures.rows / seconds:,.0f} rows a second"
    if figures.left is not None:
        yield f"{figures.left:.0f} s left"


@contextmanager
def _every(seconds: float, step: _Step, show: Any) -> Iterator[None]:
    """Shows a step's line again and again while it runs."""
    done = threading.Event()

    def tick() -> None:
        while not done.wait(seconds):
            line = step.now()
            if not done.is_set():
                show(line)

    ticker = threading.Thread(target=tick, daemon=True)
    ticker.start()
    try:
        yield
    finally:
        done.set()
        ticker.join(timeout=1)
