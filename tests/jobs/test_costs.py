"""What the main jobs make Spark do, as counts: a regression shows whatever else the machine does.

A change that saves something changes COSTS too: what a job needs is then held.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import HEADER, SESSION
from py4j.protocol import Py4JJavaError
from sluice.ingest import marking


@dataclass(frozen=True)
class Cost:
    """Spark's jobs, stages and tasks; the data files that its queries read, and those that are new in the lake; the
    rows that it wrote; the bytes that it read and wrote, Delta's logs included."""

    jobs: int = 0
    stages: int = 0
    tasks: int = 0
    files_read: int = 0
    files_written: int = 0
    rows_written: int = 0
    bytes_read: int = 0
    bytes_written: int = 0


def about(count: int) -> int:
    """A number of bytes: times of different lengths are in what is written."""
    return pytest.approx(count, rel=0.05)


# jobs, stages, tasks, files read, files written, rows written, bytes read, bytes written
COSTS = {
    "first products": Cost(3, 3, 3, 0, 4, 100, about(5_120), about(2_000)),
    "the same file again": Cost(),
    "new products": Cost(6, 9, 9, 1, 4, 200, about(21_235), about(2_040)),
    "an aggregate of all rows": Cost(6, 7, 7, 2, 3, 7, about(8_630), about(840)),
    # the rows of one file of two, and each change before and after in the change feed
    "two changed products": Cost(12, 15, 15, 3, 5, 204, about(14_700), about(4_940)),
    "an aggregate by what changed": Cost(9, 15, 15, 4, 4, 15, about(10_360), about(2_800)),
    "a question to the aggregate": Cost(1, 3, 3),
    "a request log": Cost(4, 3, 3, 0, 6, 3, about(3_940), about(11_060)),
    # rows are marked as deleted, not written again; the table is allowed to
    "two changed products of a large table": Cost(21, 29, 29, 4, 5, 6, about(37_700), about(4_690)),
}


class Meter:
    """What Spark has done since this object was made."""

    def __init__(self, spark, lake: Path) -> None:
        self._context, self._queries = spark.sparkContext._jsc.sc(), spark._jsparkSession.sharedState().statusStore()
        self._lake, self._files = lake, self._data_files(lake)
        self._context.listenerBus().waitUntilEmpty(5000)
        self._jobs = {job.jobId() for job in self._all_jobs()}
        self._executions = {query.executionId() for query in self._all_queries()}

    def read(self) -> Cost:
        self._context.listenerBus().waitUntilEmpty(5000)
        jobs = [job for job in self._all_jobs() if job.jobId() not in self._jobs]
        stages = [stage for job in jobs for stage in self._stages_of(job)]
        new = [query for query in self._all_queries() if query.executionId() not in self._executions]
        return Cost(
            jobs=len(jobs),
            stages=sum(job.numCompletedStages() for job in jobs),
            tasks=sum(job.numCompletedTasks() for job in jobs),
            files_read=sum(self._files_read(query.executionId()) for query in new),
            files_written=len(self._data_files(self._lake) - self._files),
            rows_written=sum(stage.outputRecords() for stage in stages),
            bytes_read=sum(stage.inputBytes() for stage in stages),
            bytes_written=sum(stage.outputBytes() for stage in stages),
        )

    def _all_jobs(self):
        jobs = self._context.statusStore().jobsList(None)
        return [jobs.apply(number) for number in range(jobs.size())]

    def _all_queries(self):
        queries = self._queries.executionsList()
        return [queries.apply(number) for number in range(queries.size())]

    def _files_read(self, number: int) -> int:
        graph, metrics = self._queries.planGraph(number), self._queries.executionMetrics(number)
        nodes = json.loads(graph.makeNodeDetailsJson(metrics)).values()
        return sum(
            int(re.sub(r"\D", "", metric["value"]))
            for node in nodes
            if node["name"].startswith("Scan parquet") and "DeltaLogFileIndex" not in node["desc"]
            for metric in node["metrics"]
            if metric["name"] == "number of files read"
        )

    def _stages_of(self, job):
        ids, store = job.stageIds(), self._context.statusStore()
        for number in range(ids.size()):
            with suppress(Py4JJavaError):  # in a long session Spark forgets a stage that it skipped at once
                yield store.lastStageAttempt(ids.apply(number))

    @staticmethod
    def _data_files(lake: Path) -> set[Path]:
        return {path for path in lake.rglob("*.parquet") if "_delta_log" not in path.parts}


@pytest.mark.skipif(SESSION != "quick", reason="the counts are those of a session of one core, whose plans are fixed")
def test_a_job_costs_no_more_than_before(job, spark, lake, csv_file, tmp_path, monkeypatch):
    def products(name, first, count, text=""):
        return csv_file(name, HEADER, *(f"{sku},n{sku % 7}{text},d" for sku in range(first, first + count)))

    log = tmp_path / "a.log"
    log.write_text("".join(f"2024-10-0{day} 05:00:00 c{day} /p 200 0.5\n" for day in (1, 2, 3)))
    files = [products(f"{first}.csv", first, 100) for first in (1000, 2000, 3000)]
    question = ("query", "products", "--by", "name", "--metric", "count")
    steps = {
        "first products": ("ingest", "products", files[0]),
        "the same file again": ("ingest", "products", files[0]),
        "new products": ("ingest", "products", *files[1:]),
        "an aggregate of all rows": ("aggregate", "products_agg"),
        "two changed products": ("ingest", "products", products("change.csv", 2050, 2, "x")),
        "an aggregate by what changed": ("aggregate", "products_agg"),
        "a question to the aggregate": question,
        "a request log": ("ingest", "requests", log),
        "two changed products of a large table": ("ingest", "products", products("change2.csv", 2060, 2, "y")),
    }
    costs = {}
    for name, step in steps.items():
        monkeypatch.setattr(marking, "LARGE", 0 if "large" in name else marking.LARGE)
        meter = Meter(spark, lake)
        assert job(*step).exit_code == 0
        costs[name] = meter.read()
    changed = [f"{name}: {cost}, before: {COSTS[name]}" for name, cost in costs.items() if cost != COSTS[name]]
    assert not changed, "\n".join(changed)
