"""When each step of a run began and ended, and by what Spark knows whose its jobs are."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sluice.runtime.report import Report

PROPERTY = "sluice.step"  # local property of Spark's jobs and stages: the number of the step that started them


@dataclass
class Step:
    """A step of the part of a job whose report this is; times are seconds since 1970, `ended` is None while it runs."""

    report: Report
    name: str
    began: float
    ended: float | None = None


class Timeline:
    """The steps of a run in the order in which they began; a step may hold others."""

    def __init__(self) -> None:
        self.began = time.time()
        self.steps: list[Step] = []
        self.context: Any = None  # Spark's, if it is to note the steps
        self._open: list[int] = []

    @contextmanager
    def step(self, report: Report, name: str) -> Iterator[None]:
        """Notes a step, and lets Spark note it with each job that it starts meanwhile."""
        step = Step(report, name, time.time())
        self.steps.append(step)
        self._open.append(len(self.steps) - 1)
        self._mark()
        try:
            yield
        finally:
            step.ended = time.time()
            self._open.pop()
        self._mark()  # not after a failure: the JVM may not answer

    def _mark(self) -> None:
        if self.context is not None:
            self.context.setLocalProperty(PROPERTY, str(self._open[-1]) if self._open else None)
