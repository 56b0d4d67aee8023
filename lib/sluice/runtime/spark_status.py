"""How far Spark has come with a step, from its own status stores: the figures of its web page, in a few calls."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

# What hands on the step's own rows: caches and data files. All other operators (of Delta's log, of plans of where to
# read) have rows that a user has never heard of.
_CACHED = "InMemoryTableScan"
_FILLING = "MapInArrow"  # reads input files into a cache
_OWN = (_CACHED, "Scan parquet ", "Scan ExistingRDD mergeMaterializedSource")
_COUNT = "number of output rows"
_DRAIN_MILLISECONDS = 5000
_LATEST = 50


@dataclass(frozen=True)
class Figures:
    """`rows`: how many the step has gone through, None if not known; `left`: seconds, None if not known."""

    rows: int | None = None
    tasks: int = 0
    tasks_done: int = 0
    left: float | None = None


class SparkStatus:
    """What Spark has done since this was made."""

    def __init__(self, spark: Any) -> None:
        self._context = spark.sparkContext._jsc.sc()
        self._stages, self._queries = self._context.statusStore(), spark._jsparkSession.sharedState().statusStore()
        self._next = max((query.executionId() for query in self._latest()), default=-1) + 1
        self._rows = 0
        self._at_work: tuple[int, ...] = ()
        self._since = time.monotonic()

    def now(self) -> Figures:
        stages = list(_each(self._stages.activeStages()))
        at_work = tuple(stage.stageId() for stage in stages)
        if at_work != self._at_work:
            self._at_work, self._since = at_work, time.monotonic()
        tasks, done = sum(stage.numTasks() for stage in stages), sum(stage.numCompleteTasks() for stage in stages)
        left = (time.monotonic() - self._since) * (tasks - done) / done if done else None
        return Figures(self._most_rows(), tasks, done, left)

    def rows_in_all(self) -> int | None:
        """The rows when the step is done, once Spark has counted to the end."""
        with suppress(Exception):  # of waiting: it is private to Spark
            self._context.listenerBus().waitUntilEmpty(_DRAIN_MILLISECONDS)
        return self._most_rows()

    def _most_rows(self) -> int | None:
        """The most that one operator of the queries since then has handed on."""
        for query in self._latest():
            number, ended = query.executionId(), query.completionTime().isDefined()
            if number < self._next:
                continue
            graph, metrics = self._queries.planGraph(number), self._queries.executionMetrics(number)
            self._rows = max(self._rows, _rows(json.loads(graph.makeNodeDetailsJson(metrics))))
            if ended and number == self._next:
                self._next += 1  # not looked at again
        return self._rows or None

    def _latest(self) -> Iterator[Any]:
        """The last queries that Spark still knows, in their order; it forgets those before a thousand."""
        return _each(self._queries.executionsList(max(self._queries.executionsCount() - _LATEST, 0), _LATEST))


def _each(sequence: Any) -> Iterator[Any]:
    """The elements of a Scala sequence."""
    return (sequence.apply(index) for index in range(sequence.size()))


def _rows(nodes: dict[str, dict[str, Any]]) -> int:
    """The most rows that a source of a query's plan has handed on."""
    names = {node["name"] for node in nodes.values()}
    sources = (*_OWN, _FILLING) if _CACHED in names else _OWN
    counts = (
        int(re.sub(r"\D", "", metric["value"]) or 0)
        for node in nodes.values()
        if node["name"] in sources and "DeltaLogFileIndex" not in node["desc"]
        for metric in node["metrics"]
        if metric["name"] == _COUNT
    )
    return max(counts, default=0)
