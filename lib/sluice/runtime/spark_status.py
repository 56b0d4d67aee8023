"""How far Spark has come with a step: the figures of its web page, read from its status stores in a few calls."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

# The operators whose rows are the step's own: caches and data files. Others (of Delta's log, of plans of what to read)
# count rows that a user has never heard of.
_CACHED = "InMemoryTableScan"
_FILLING = "MapInArrow"  # reads input files into a cache
_OWN = (_CACHED, "Scan parquet ", "Scan ExistingRDD mergeMaterializedSource")
_COUNT = "number of output rows"
_DRAIN_MILLISECONDS = 5000
_LATEST = 50


@dataclass(frozen=True)
class Figures:
    """`rows` that Spark has processed in the step; `left`: seconds that the running stages need; None: unknown."""

    rows: int | None = None
    tasks: int = 0
    tasks_done: int = 0
    left: float | None = None


class SparkStatus:
    """What Spark has done since this object was made."""

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
        """The rows of a finished step, once Spark has counted them all."""
        with suppress(Exception):  # waiting is private to Spark and may vanish
            self._context.listenerBus().waitUntilEmpty(_DRAIN_MILLISECONDS)
        return self._most_rows()

    def _most_rows(self) -> int | None:
        """The most rows that one operator of the step's queries has processed."""
        for query in self._latest():
            number, ended = query.executionId(), query.completionTime().isDefined()
            if number < self._next:
                continue
            graph, metrics = self._queries.planGraph(number), self._queries.executionMetrics(number)
            self._rows = max(self._rows, _rows(json.loads(graph.makeNodeDetailsJson(metrics))))
            if ended and number == self._next:
                self._next += 1  # not read again
        return self._rows or None

    def _latest(self) -> Iterator[Any]:
        """The latest queries, in order; Spark forgets all but the last thousand."""
        return _each(self._queries.executionsList(max(self._queries.executionsCount() - _LATEST, 0), _LATEST))


def _each(sequence: Any) -> Iterator[Any]:
    """The elements of a Scala sequence."""
    return (sequence.apply(index) for index in range(sequence.size()))


def _rows(nodes: dict[str, dict[str, Any]]) -> int:
    """The most rows that a source in a query's plan has processed."""
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
