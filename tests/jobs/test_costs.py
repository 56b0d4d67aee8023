"""What the main jobs make Spark do, as counts: a regression shows whatever else the machine does.

A change that saves something changes COSTS too: what a job needs is then held.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import HEADER, SESSION


@dataclass(frozen=True)
class Cost:
    """Spark's jobs, stages and tasks; data files that its queries read and that are new in the lake; rows written to
    all files, those of Delta's logs too."""

    jobs: int = 0
    stages: int = 0
    tasks: int = 0
    files_read: int = 0
    files_written: int = 0
    rows_written: int = 0


COSTS = {
    "first products": Cost(jobs=3, stages=3, tasks=3, files_written=4, rows_written=100),
    "the same file again": Cost(),
    "new products": Cost(jobs=8, stages=11, tasks=11, files_read=2, files_written=4, rows_written=200),
    "an aggregate of all rows": Cost(jobs=6, stages=7, tasks=7, files_read=2, files_written=3, rows_written=7),
    # the rows of one file of two, and each change before and after in the change feed
    "two changed products": Cost(jobs=11, stages=15, tasks=15, files_read=3, files_written=5, rows_written=204),
    "an aggregate by what changed": Cost(jobs=9, stages=15, tasks=15, files_read=4, files_written=4, rows_written=15),
    "a question to the aggregate": Cost(jobs=3, stages=7, tasks=7, files_read=1),
    "a request log": Cost(jobs=4, stages=3, tasks=3, files_written=6, rows_written=3),
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
        new = [query for query in self._all_queries() if query.executionId() not in self._executions]
        return Cost(
            jobs=len(jobs),
            stages=sum(job.numCompletedStages() for job in jobs),
            tasks=sum(job.numCompletedTasks() for job in jobs),
            files_read=sum(self._files_read(query.executionId()) for query in new),
            files_written=len(self._data_files(self._lake) - self._files),
            rows_written=sum(self._rows_written(job) for job in jobs),
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

    def _rows_written(self, job) -> int:
        stages = [job.stageIds().apply(number) for number in range(job.stageIds().size())]
        return sum(self._context.statusStore().lastStageAttempt(stage).outputRecords() for stage in stages)

    @staticmethod
    def _data_files(lake: Path) -> set[Path]:
        return {path for path in lake.rglob("*.parquet") if "_delta_log" not in path.parts}


@pytest.mark.skipif(SESSION != "quick", reason="the counts are those of a session of one core, whose plans are fixed")
def test_a_job_costs_no_more_than_before(job, spark, lake, csv_file, tmp_path):
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
    }
    costs = {}
    for name, step in steps.items():
        meter = Meter(spark, lake)
        assert job(*step).exit_code == 0
        costs[name] = meter.read()
    changed = {name: cost for name, cost in costs.items() if cost != COSTS.get(name)}
    assert changed == {}, "more: save it; less: write it into COSTS"
