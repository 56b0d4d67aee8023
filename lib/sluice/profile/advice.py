"""Rules of thumb that a run broke, each with what to do. They look at what takes seconds only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sluice.errors import counted
from sluice.profile.event_log import EventLog, Stage
from sluice.profile.steps import (
    StepProfile,
    gc_share,
    python_seconds,
    python_start_seconds,
    seconds,
    slowest_and_median,
)
from sluice.status.words import size

_WORTH = 2.0  # seconds that a stage takes before its number of tasks is worth a line
_SLOWEST = 5.0  # seconds of the slowest task: MAX_TASK_DURATION_THRESHOLD_MS of dataflint
_SKEW = 10  # slowest task ÷ median: PARTITION_SKEW_RATIO of dataflint
_GC = 0.1  # of the tasks' time: `moderate` of Dr. Elephant's ExecutorGcHeuristic
_MANY_FILES = 100  # FILES_READ_TOO_HIGH_THREASHOLD of dataflint
_SMALL_FILE = 3 << 20  # bytes: BYTE_READ_TOO_SMALL_THRESHOLD of dataflint


def advice(log: EventLog, steps: Sequence[StepProfile]) -> list[str]:
    """One line for each rule that a stage or step broke, in the order of the steps."""
    return [line for step in steps for line in _of_step(log, step)]


def _of_step(log: EventLog, step: StepProfile) -> Iterator[str]:
    for stage in step.stages:
        for text in _of_stage(log, stage):
            yield f"{step.title}, stage {stage.number}: {text}"
    if step.task_seconds >= _WORTH and (share := gc_share(step.stages)) > _GC:
        yield (
            f"{step.title}: {share:.0%} of the tasks' time went into garbage collection: give Spark more memory "
            f"({_memory(log)}), or let fewer tasks share it (--master 'local[2]')"
        )
    for source in step.sources:
        if source.files > _MANY_FILES and source.size < _SMALL_FILE * source.files:
            yield (
                f"{step.title}: {source.location} was read from {source.files:,} files of "
                f"{size(source.size // source.files)} on average: maintain optimize joins them"
            )


def _of_stage(log: EventLog, stage: Stage) -> Iterator[str]:
    if stage.failed_tasks:
        yield f"{counted(stage.failed_tasks, 'task')} failed: SLUICE_SPARK_LOG_LEVEL=warn shows why"
    if stage.spilled:
        yield (
            f"{size(stage.spilled)} did not fit into memory and were spilled to disk: give Spark more "
            f"({_memory(log)}), or let fewer tasks share it (--master 'local[2]')"
        )
    if stage.tasks < log.cores and seconds(stage) - python_start_seconds([stage]) >= _WORTH:
        yield f"{counted(stage.tasks, 'task')} on {log.cores} cores in {seconds(stage):.1f} s: {_more_tasks(stage)}"
    slowest, median = slowest_and_median(stage)
    if slowest > _SLOWEST and slowest > _SKEW * median:
        yield (
            f"the slowest task took {slowest:.1f} s, the median one {median:.1f} s: most rows have the same key or lie "
            "in one file; query TABLE --by COLUMN --top 5 shows whether one value has most rows"
        )


def _more_tasks(stage: Stage) -> str:
    """Spark's tuning guide: two or three tasks for each core."""
    if python_seconds([stage]):
        return "a compressed file is read by one task: give it decompressed, or in several files"
    return (
        "smaller partitions make more of them (before the job's name: --conf "
        "spark.sql.adaptive.advisoryPartitionSizeInBytes=16m)"
    )


def _memory(log: EventLog) -> str:
    local = log.settings.get("spark.master", "local").startswith("local")
    option = "driver" if local else "executor"
    return f"--{option}-memory before the job's name, now {log.settings.get(f'spark.{option}.memory', '1g')}"
