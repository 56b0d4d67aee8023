"""Reads Spark's event log, one JSON object a line, and keeps sums: the log of a long run is larger than memory.

Names of events and fields are those of Spark's own `JsonProtocol`, by which its history server reads them.
"""

from __future__ import annotations

import json
import re
from array import array
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sluice.runtime.timeline import PROPERTY

_EVENT = re.compile(r'\{"Event":"(?:[a-z.]+\.ui\.)?SparkListener(\w+)"')  # the first field of each line
_EXECUTION = "spark.sql.execution.id"


@dataclass
class Stage:
    """A stage that ran: the `step` and the `execution` (query) that it belongs to, and what its tasks did.

    Times are milliseconds. `spilled` are bytes on disk; `rows`: the most that one of its operators gave.
    """

    number: int
    step: int | None
    execution: int | None
    began: int
    ended: int | None = None
    tasks: int = 0
    failed_tasks: int = 0
    run_times: array[int] = field(default_factory=lambda: array("q"))
    gc: int = 0
    spilled: int = 0
    read: int = 0
    shuffle_read: int = 0
    shuffle_written: int = 0
    written: int = 0
    records: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    metrics: dict[int, int] = field(default_factory=lambda: defaultdict(int))  # of SQL, by accumulator
    python: dict[str, int] = field(default_factory=lambda: defaultdict(int))  # of SQL, by name


@dataclass
class Execution:
    """A query of Spark SQL: its last plan, and the metrics that its tasks and the driver counted, by accumulator."""

    number: int
    root: int
    description: str
    began: int
    ended: int | None = None
    plan: Mapping[str, Any] = field(default_factory=dict)
    metrics: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    most: dict[int, int] = field(default_factory=lambda: defaultdict(int))  # of one task


class EventLog:
    """What a run's event log says. `jobs`: (step, began, ended) of each, in milliseconds since 1970."""

    def __init__(self) -> None:
        self.settings: dict[str, str] = {}
        self.version = ""
        self.cores = 0
        self.stages: dict[tuple[int, int], Stage] = {}
        self.executions: dict[int, Execution] = {}
        self.jobs: dict[int, tuple[int | None, int, int | None]] = {}

    @classmethod
    def read(cls, path: Path) -> EventLog:
        """Reads a log; one of a JVM that was killed ends in the middle of a line."""
        found = cls()
        with open(path, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                event = _EVENT.match(line)
                take = getattr(found, f"_take_{event[1]}", None) if event else None
                if take is not None:
                    with suppress(ValueError):  # cut short
                        take(json.loads(line))
        return found

    def _take_LogStart(self, event: Mapping[str, Any]) -> None:
        self.version = event["Spark Version"]

    def _take_EnvironmentUpdate(self, event: Mapping[str, Any]) -> None:
        self.settings = dict(event["Spark Properties"])

    def _take_ExecutorAdded(self, event: Mapping[str, Any]) -> None:
        self.cores += event["Executor Info"]["Total Cores"]

    def _take_JobStart(self, event: Mapping[str, Any]) -> None:
        self.jobs[event["Job ID"]] = _number(event.get("Properties"), PROPERTY), event["Submission Time"], None

    def _take_JobEnd(self, event: Mapping[str, Any]) -> None:
        step, began, _ = self.jobs[event["Job ID"]]
        self.jobs[event["Job ID"]] = step, began, event["Completion Time"]

    def _take_StageSubmitted(self, event: Mapping[str, Any]) -> None:
        stage, properties = event["Stage Info"], event.get("Properties")
        key = stage["Stage ID"], stage["Stage Attempt ID"]
        step, execution = _number(properties, PROPERTY), _number(properties, _EXECUTION)
        self.stages[key] = Stage(key[0], step, execution, stage["Submission Time"])

    def _take_StageCompleted(self, event: Mapping[str, Any]) -> None:
        stage = event["Stage Info"]
        if found := self.stages.get((stage["Stage ID"], stage["Stage Attempt ID"])):
            found.ended = stage.get("Completion Time")

    def _take_TaskEnd(self, event: Mapping[str, Any]) -> None:
        stage = self.stages.get((event["Stage ID"], event["Stage Attempt ID"]))
        if stage is None:
            return
        stage.tasks += 1
        stage.failed_tasks += event["Task End Reason"]["Reason"] != "Success"
        _count_task(stage, event.get("Task Metrics") or {})
        execution = self.executions.get(-1 if stage.execution is None else stage.execution)
        for metric in event["Task Info"]["Accumulables"]:
            if metric.get("Metadata") == "sql" and "Update" in metric:
                _count_metric(stage, execution, metric)

    def _take_SQLExecutionStart(self, event: Mapping[str, Any]) -> None:
        number, root = event["executionId"], event.get("rootExecutionId")
        self.executions[number] = Execution(
            number, number if root is None else root, event["description"], event["time"], None, event["sparkPlanInfo"]
        )

    def _take_SQLAdaptiveExecutionUpdate(self, event: Mapping[str, Any]) -> None:
        self.executions[event["executionId"]].plan = event["sparkPlanInfo"]

    def _take_SQLExecutionEnd(self, event: Mapping[str, Any]) -> None:
        self.executions[event["executionId"]].ended = event["time"]

    def _take_DriverAccumUpdates(self, event: Mapping[str, Any]) -> None:
        metrics = self.executions[event["executionId"]].metrics
        for accumulator, value in event["accumUpdates"]:
            metrics[accumulator] += max(value, 0)  # -1: not counted


def _number(properties: Mapping[str, str] | None, name: str) -> int | None:
    value = (properties or {}).get(name)
    return None if value is None else int(value)


def _count_task(stage: Stage, metrics: Mapping[str, Any]) -> None:
    stage.run_times.append(metrics.get("Executor Run Time", 0))
    stage.gc += metrics.get("JVM GC Time", 0)
    stage.spilled += metrics.get("Disk Bytes Spilled", 0)
    shuffle, written = metrics.get("Shuffle Read Metrics", {}), metrics.get("Shuffle Write Metrics", {})
    stage.shuffle_read += shuffle.get("Local Bytes Read", 0) + shuffle.get("Remote Bytes Read", 0)
    stage.shuffle_written += written.get("Shuffle Bytes Written", 0)
    stage.records["shuffle read"] += shuffle.get("Total Records Read", 0)
    stage.records["shuffle written"] += written.get("Shuffle Records Written", 0)
    stage.read += metrics.get("Input Metrics", {}).get("Bytes Read", 0)
    stage.records["read"] += metrics.get("Input Metrics", {}).get("Records Read", 0)
    stage.written += metrics.get("Output Metrics", {}).get("Bytes Written", 0)
    stage.records["written"] += metrics.get("Output Metrics", {}).get("Records Written", 0)


def _count_metric(stage: Stage, execution: Execution | None, metric: Mapping[str, Any]) -> None:
    accumulator, value, name = metric["ID"], max(int(metric["Update"]), 0), metric["Name"]
    stage.metrics[accumulator] += value
    if "Python" in name:
        stage.python[name] += value
    elif name == "number of output rows":
        stage.records[f"accumulator {accumulator}"] += value
    if execution is not None:
        execution.metrics[accumulator] += value
        execution.most[accumulator] = max(execution.most[accumulator], value)
