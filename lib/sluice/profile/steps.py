"""A run's steps with what Spark did in each: its timeline joined with Spark's event log."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sluice.profile import plan
from sluice.profile.event_log import EventLog, Execution, Stage
from sluice.profile.plan import Source
from sluice.runtime.report import Report
from sluice.runtime.timeline import Step, Timeline

_RUN_PYTHON = "time to run Python workers"
_EXECUTE_PYTHON = "time to execute Python code"
Interval = tuple[float, float]


@dataclass(frozen=True)
class StepProfile:
    """A step: its own seconds, without those of steps in it; `in_spark`: those in which a job of Spark ran.

    The rest of them are the driver's. `report` is that of the part of the job, None between the steps.
    """

    title: str
    report: Report | None
    seconds: float
    in_spark: float
    stages: list[Stage]
    executions: list[Execution]

    @property
    def driver(self) -> float:
        return max(0.0, self.seconds - self.in_spark)

    @property
    def task_seconds(self) -> float:
        return sum(sum(stage.run_times) for stage in self.stages) / 1e3

    @property
    def rows(self) -> int:
        return max(map(rows, self.stages), default=0)

    @property
    def sources(self) -> list[Source]:
        """What was read: tables by Spark, each once, and input files by Sluice's readers in Python."""
        found: dict[str, Source] = {}
        for source in (source for execution in self.executions for source in plan.sources(execution)):
            before = found.get(source.location, Source(source.location, 0, 0, 0))
            counts = (before.rows + source.rows, before.files + source.files, before.size + source.size)
            found[source.location] = Source(source.location, *counts)
        return list(found.values())


def steps(timeline: Timeline, log: EventLog, ended: float) -> list[StepProfile]:
    """The steps of a run that ended then, in order, and what lies between them, if Spark did something there."""
    found = [_step(number, step, timeline, log, ended) for number, step in enumerate(timeline.steps)]
    rest = ended - timeline.began - sum(step.seconds for step in found)
    return [*found, _profile("between the steps", None, rest, log, None)]


def _step(number: int, step: Step, timeline: Timeline, log: EventLog, ended: float) -> StepProfile:
    until = step.ended or ended
    inner = [(s.began, s.ended or ended) for s in timeline.steps[number + 1 :] if s.began < until]
    seconds = until - step.began - _covered(inner)
    report = step.report
    part = " ".join(filter(None, (report.job, report.table)))
    return _profile(f"{part}: {step.name}", report, seconds, log, number)


def _profile(title: str, report: Report | None, seconds: float, log: EventLog, number: int | None) -> StepProfile:
    stages = [stage for stage in log.stages.values() if stage.step == number]
    used = dict.fromkeys(stage.execution for stage in stages if stage.execution in log.executions)
    jobs = ((began / 1e3, (done or began) / 1e3) for step, began, done in log.jobs.values() if step == number)
    executions = [log.executions[execution] for execution in used if execution is not None]
    return StepProfile(title, report, seconds, _covered(jobs), stages, executions)


def _covered(intervals: Iterable[Interval]) -> float:
    """How long at least one of the intervals lasts."""
    return sum(end - begin for begin, end in _merged(sorted(intervals)))


def _merged(intervals: list[Interval]) -> Iterator[Interval]:
    reached = float("-inf")
    for begin, end in intervals:
        if end > reached:
            yield max(begin, reached), end
            reached = end


def seconds(stage: Stage) -> float:
    return ((stage.ended or stage.began) - stage.began) / 1e3


def rows(stage: Stage) -> int:
    return max(stage.records.values(), default=0)


def python_seconds(stages: Iterable[Stage]) -> float:
    """How long tasks had Python at work, its start and its waiting for Spark included: Spark's `PythonSQLMetrics`."""
    return sum(stage.python.get(_RUN_PYTHON, 0) for stage in stages) / 1e3


def python_start_seconds(stages: Iterable[Stage]) -> float:
    """How long of it Python's processes started and loaded what they run.

    Not Spark's "time to start" and "to initialize": of a process that is used again the latter has its idle time too.
    """
    return sum(stage.python.get(_RUN_PYTHON, 0) - stage.python.get(_EXECUTE_PYTHON, 0) for stage in stages) / 1e3


def slowest_and_median(stage: Stage) -> tuple[float, float]:
    """Seconds of a stage's slowest task and of its median one, as dataflint's `calculatePartitionSkew` takes them."""
    return max(stage.run_times, default=0) / 1e3, statistics.median(stage.run_times or [0]) / 1e3


def gc_share(stages: Iterable[Stage]) -> float:
    """Time of garbage collection ÷ run time of tasks, as Dr. Elephant's `ExecutorGcHeuristic` takes it."""
    stages = list(stages)
    return sum(stage.gc for stage in stages) / (sum(sum(stage.run_times) for stage in stages) or 1)
