"""profile.md: what ran, where the time went, what to do about it, and each step's stages and sources."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from sluice.profile import plan
from sluice.profile.advice import advice
from sluice.profile.event_log import EventLog, Stage
from sluice.profile.steps import (
    StepProfile,
    gc_share,
    python_seconds,
    python_start_seconds,
    rows,
    seconds,
    slowest_and_median,
)
from sluice.runtime.job import Job
from sluice.status.words import moment, size

_SETTINGS = (
    "spark.master",
    "spark.driver.memory",
    "spark.executor.memory",
    "spark.executor.cores",
    "spark.executor.instances",
    "spark.sql.shuffle.partitions",
    "spark.sql.adaptive.enabled",
    "spark.sql.adaptive.advisoryPartitionSizeInBytes",
    "spark.sql.codegen.wholeStage",
    "spark.sql.files.maxPartitionBytes",
    "spark.databricks.delta.snapshotPartitions",
)
_STAGE = (
    "stage",
    "seconds",
    "tasks",
    "slowest / median",
    "rows",
    "read",
    "shuffle read",
    "shuffle written",
    "written",
    "spilled",
    "GC",
    "Python",
    "what it did",
)
_NOTES = """\
*In Spark*: a job of Spark ran; *driver*: the rest, in which Spark planned, Delta committed or PostgreSQL worked.
*Cores busy*: the tasks' time as part of that of all cores while Spark ran. *Rows*: the most that one operator
processed. *GC*: garbage collection, as part of the tasks' time. *Python*: the tasks' seconds in which Python
worked or waited for Spark to take what it gave, its start included."""


def markdown(job: Job, command: str, log: EventLog | None, steps: Sequence[StepProfile], ended: float) -> str:
    """The profile of a run that ended then; `log` is None, and `steps` are empty of Spark, if there is no event log."""
    lines = [f"# Profile of run {job.report.run_id}", "", f"    {command}", "", _outcome(job, ended)]
    if log is None:
        found = "Spark's session was started before this job, without an event log" if job.timeline.context else ""
        return "\n".join([*lines, f"{found or 'Spark was not started: the job was answered without it'}.", ""])
    lines += [f"Spark {log.version}, {log.cores} cores.", "", "## Where the time went", "", *_overview(log, steps)]
    lines += ["", _NOTES, "", "## Advice", ""]
    lines += [f"- {line}" for line in advice(log, steps)] or ["No rule of thumb is broken."]
    for number, step in enumerate(steps, 1):
        if step.stages:
            lines += ["", f"## {number}. {step.title}", "", *_step(log, step)]
            lines += ["", f"Plans: [plans/{number:02}.txt](plans/{number:02}.txt)"] if step.executions else []
    return "\n".join([*lines, "", "## Settings", "", *_settings(log), ""])


def _outcome(job: Job, ended: float) -> str:
    report, began = job.report, job.timeline.began
    outcome = report.status.replace("_", " ") + (f": {report.error}" if report.error else "")
    return f"{outcome}. It began at {moment(datetime.fromtimestamp(began, UTC))} and took {ended - began:.1f} s."


def _overview(log: EventLog, steps: Sequence[StepProfile]) -> Iterator[str]:
    names = ("step", "seconds", "in Spark", "driver", "cores busy", "tasks", "rows", "GC", "Python")
    total = sum(step.seconds for step in steps)
    yield from _table(names, [_row(log, f"{number}. {step.title}", step) for number, step in enumerate(steps, 1)])
    driver = sum(step.driver for step in steps)
    yield ""
    yield f"Of {total:.1f} s in all, {total - driver:.1f} s were in Spark and {driver:.1f} s in the driver."


def _row(log: EventLog, title: str, step: StepProfile) -> list[str]:
    gc = gc_share(step.stages)
    busy = step.task_seconds / (step.in_spark * log.cores) if step.in_spark and log.cores else 0
    tasks = sum(stage.tasks for stage in step.stages)
    figures = [f"{busy:.0%}" if busy else "", _count(tasks), _count(step.rows)]
    times = [f"{time:.1f}" for time in (step.seconds, step.in_spark, step.driver)]
    return [title, *times, *figures, f"{gc:.0%}" if gc else "", _python(step.stages)]


def _step(log: EventLog, step: StepProfile) -> Iterator[str]:
    stages = [_stage(log, stage) for stage in step.stages]
    shown = [index for index in range(len(_STAGE)) if any(row[index] for row in stages)]
    yield from _table([_STAGE[index] for index in shown], [[row[index] for index in shown] for row in stages])
    if step.sources or _is_read_by_python(step):
        yield ""
        yield from _table(("read", "rows", "files", "bytes"), list(_sources(step)))


def _is_read_by_python(step: StepProfile) -> bool:
    return bool(step.report and step.report.files and python_seconds(step.stages))


def _sources(step: StepProfile) -> Iterator[list[str]]:
    if step.report and _is_read_by_python(step):
        in_python = [stage for stage in step.stages if python_seconds([stage])]
        given = sum(stage.python.get("data returned from Python workers", 0) for stage in in_python)
        most = max(map(rows, in_python))
        yield ["input files, by Sluice's readers", f"{most:,}", f"{step.report.files:,}", f"{size(given)} from Python"]
    for source in step.sources:
        yield [source.location, f"{source.rows:,}", f"{source.files:,}", size(source.size)]


def _stage(log: EventLog, stage: Stage) -> list[str]:
    slowest, median = slowest_and_median(stage)
    sizes = (plan.bytes_read(log, stage), stage.shuffle_read, stage.shuffle_written, stage.written, stage.spilled)
    return [
        str(stage.number),
        f"{seconds(stage):.1f}" if stage.ended else "not ended",
        f"{stage.tasks:,}",
        f"{slowest:.2f} / {median:.2f}",
        _count(rows(stage)),
        *(size(value) if value else "" for value in sizes),
        _seconds(stage.gc / 1e3),
        _python([stage]),
        plan.operators(log, stage),
    ]


def _settings(log: EventLog) -> Iterator[str]:
    for name in _SETTINGS:
        if name in log.settings:
            yield f"- `{name}` {log.settings[name]}"
    options = f"{os.environ.get('SPARK_SUBMIT_OPTS', '')} {log.settings.get('spark.driver.extraJavaOptions', '')}"
    yield f"- Java: {' '.join(option for option in options.split() if option.startswith('-X'))}"


def _count(value: int) -> str:
    return f"{value:,}" if value else ""


def _seconds(value: float) -> str:
    return f"{value:.1f}" if value >= 0.05 else ""


def _python(stages: Sequence[Stage]) -> str:
    python, start = (_seconds(count(stages)) for count in (python_seconds, python_start_seconds))
    return f"{python} ({start} start)" if start else python


def _table(names: Sequence[str], lines: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table of Markdown whose columns are aligned, so that it is read as it is too."""
    cells = [[text.replace("|", "\\|") for text in line] for line in (names, *lines)]
    widths = [max(len(line[index]) for line in cells) for index in range(len(names))]
    head, *rest = (f"| {' | '.join(text.ljust(w) for text, w in zip(line, widths, strict=True))} |" for line in cells)
    yield head
    yield f"| {' | '.join('-' * width for width in widths)} |"
    yield from rest
