"""The plans of a run's queries as Spark ran them: a tree of operators, each with the metrics that it counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sluice.profile.event_log import EventLog, Execution, Stage
from sluice.status.words import size

_WIDEST = 200  # characters of an operator
# Parts of Spark's machinery, not of a query.
_STAGES = ("ResultQueryStage", "ShuffleQueryStage", "BroadcastQueryStage", "TableCacheQueryStage")
_HIDDEN = ("AdaptiveSparkPlan", "InputAdapter", "WholeStageCodegen", *_STAGES)
_TIMES = {"timing": 1e3, "nsTiming": 1e9}  # kind → so many in a second
Node = Mapping[str, Any]


@dataclass(frozen=True)
class Source:
    """What a query read: a folder or a file, `rows`, and how many files of how many bytes."""

    location: str
    rows: int
    files: int
    size: int


def text(execution: Execution) -> str:
    """A query's plan, from its result down to what it read."""
    return "\n".join(_lines(execution, execution.plan, 0))


def _lines(execution: Execution, node: Node, depth: int) -> Iterator[str]:
    hidden = node["nodeName"].startswith(_HIDDEN)
    if not hidden:
        operator = " ".join(node["simpleString"].split())
        operator = operator if len(operator) <= _WIDEST else operator[: _WIDEST - 1] + "…"
        counted = ", ".join(_metrics(execution, node))
        yield f"{'  ' * depth}{operator}" + (f"\n{'  ' * depth}  » {counted}" if counted else "")
    for child in node["children"]:
        yield from _lines(execution, child, depth if hidden else depth + 1)


def _metrics(execution: Execution, node: Node) -> Iterator[str]:
    """The metrics of an operator that are not 0; times and sizes are sums of all tasks, as in Spark's web page."""
    for metric in node["metrics"]:
        accumulator, kind = metric["accumulatorId"], metric["metricType"]
        value, most = execution.metrics.get(accumulator, 0), execution.most.get(accumulator, 0)
        if not value or kind == "average":
            continue
        if kind in _TIMES:
            slowest = f" (slowest task {most / _TIMES[kind]:.2f} s)" if most else ""
            yield f"{metric['name']} {value / _TIMES[kind]:.2f} s{slowest}"
        else:
            yield f"{metric['name']} {size(value) if kind == 'size' else f'{value:,}'}"


def sources(execution: Execution) -> Iterator[Source]:
    """The tables and files that Spark itself read for a query; input files are read by Sluice's readers, in Python."""
    for node in _nodes(execution.plan):
        location = node["metadata"].get("Location")
        if location and (rows := _value(execution, node, "number of output rows")) is not None:
            files, read = (_value(execution, node, f"{what} of files read") for what in ("number", "size"))
            yield Source(_folder(location), rows, files or 0, read or 0)


def _folder(location: str) -> str:
    """The table's folder, or that of its log, in `PreparedDeltaFileIndex(1 paths)[file:/lake/products]`."""
    name = location.partition("[")[2].rstrip("].").split(", ")[0].removeprefix("file:")
    table, log, _ = name.partition("/_delta_log")
    return table + log


def _value(execution: Execution, node: Node, name: str) -> int | None:
    """A metric of an operator; None if it was not counted: the operator did not run in this query."""
    found = (m["accumulatorId"] for m in node["metrics"] if m["name"] == name)
    return next((execution.metrics[number] for number in found if number in execution.metrics), None)


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node["children"]:
        yield from _nodes(child)


def operators(log: EventLog, stage: Stage) -> str:
    """What a stage did, from what it read to what it gave: the operators that counted something in its tasks."""
    names = [node["nodeName"] for _, node in _at_work(log, stage) if not node["nodeName"].startswith(_HIDDEN)]
    names = ["Scan of Delta's state" if "Delta Table State" in name else name.split(" (")[0].strip() for name in names]
    return " → ".join(dict.fromkeys(reversed(names)))


def bytes_read(log: EventLog, stage: Stage) -> int:
    """What a stage read; of Parquet that is read in several threads the tasks themselves count the footers only."""
    sizes = (_value(execution, node, "size of files read") or 0 for execution, node in _at_work(log, stage))
    return max(stage.read, sum(sizes))


def _at_work(log: EventLog, stage: Stage) -> Iterator[tuple[Execution, Node]]:
    """The operators that counted something in a stage's tasks, the last one first."""
    execution = log.executions.get(-1 if stage.execution is None else stage.execution)
    for node in _nodes(execution.plan) if execution else ():
        if execution and any(stage.metrics.get(metric["accumulatorId"]) for metric in node["metrics"]):
            yield execution, node
