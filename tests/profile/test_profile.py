"""profile.md: steps and their stages, what is advised, where it is written."""

from __future__ import annotations

import pytest
from conftest import HEADER
from sluice.errors import UsageError
from sluice.profile.advice import advice
from sluice.profile.event_log import EventLog, Execution, Stage
from sluice.profile.folder import make_folder
from sluice.profile.plan import text
from sluice.profile.steps import steps
from sluice.runtime.report import Report
from sluice.runtime.timeline import Step, Timeline

SCAN = {
    "nodeName": "Scan parquet ",
    "simpleString": "FileScan parquet [sku#1]",
    "metadata": {"Location": "PreparedDeltaFileIndex(1 paths)[file:/lake/products]"},
    "metrics": [
        {"name": "number of output rows", "accumulatorId": 1, "metricType": "sum"},
        {"name": "number of files read", "accumulatorId": 2, "metricType": "sum"},
        {"name": "size of files read", "accumulatorId": 3, "metricType": "size"},
        {"name": "scan time", "accumulatorId": 4, "metricType": "timing"},
        {"name": "never counted", "accumulatorId": 5, "metricType": "sum"},
    ],
    "children": [],
}
PLAN = {"nodeName": "WholeStageCodegen (1)", "metadata": {}, "metrics": [], "children": [SCAN]}


def log_of(cores=4, files=1, size=1 << 20, **values):
    """A log with one query of one stage, 10 seconds long, of a step from second 100 to 120."""
    log = EventLog()
    log.cores, log.settings = cores, {"spark.master": "local[*]", "spark.driver.memory": "2g"}
    log.executions[7] = Execution(7, 7, "count", 0, 1, PLAN)
    log.executions[7].metrics.update({1: 50, 2: files, 3: size, 4: 1500})
    log.executions[7].most.update({4: 900})
    log.jobs[0] = 0, 105_000, 115_000
    times = values.pop("times", [1000] * 8)
    log.stages[3, 0] = stage = Stage(3, 0, 7, 105_000, 115_000, len(times), **values)
    stage.run_times.extend(times)
    stage.metrics[1] = 50
    return log


def profiles(log):
    timeline = Timeline()
    timeline.began = 99.0
    timeline.steps.append(Step(Report("ingest", "r", table="products"), "read", 100.0, 120.0))
    return steps(timeline, log, 121.0)


def test_a_step_is_in_spark_while_a_job_of_its_own_runs():
    log = log_of()
    log.jobs |= {1: (0, 110_000, 117_000), 2: (None, 120_500, 120_750), 3: (0, 119_000, None)}  # one did not end
    step, rest = profiles(log)
    assert (step.title, step.seconds, step.in_spark, step.driver) == ("ingest products: read", 20.0, 12.0, 8.0)
    assert (rest.title, rest.seconds, rest.in_spark, rest.stages) == ("between the steps", 2.0, 0.25, [])


def test_time_of_a_step_in_another_is_not_counted_twice():
    timeline = Timeline()
    timeline.began = 100.0
    report = Report("query", "r")
    timeline.steps += [Step(report, "query", 100.0, 110.0), Step(report, "start", 101.0, 104.0)]
    timeline.steps += [Step(report, "more", 110.0)]  # still running
    assert [step.seconds for step in steps(timeline, EventLog(), 112.0)] == [7.0, 3.0, 2.0, 0.0]


def test_a_plan_shows_what_was_counted():
    counts = "number of output rows 50, number of files read 1, size of files read 1.05 MB"
    assert text(log_of().executions[7]).splitlines() == [
        "FileScan parquet [sku#1]",
        f"  » {counts}, scan time 1.50 s (slowest task 0.90 s)",
    ]


STAGE = "ingest products: read, stage 3: "
MEMORY = "--driver-memory before the job's name, now 2g"


@pytest.mark.parametrize(
    ("values", "lines"),
    [
        ({}, []),
        ({"times": [2000] * 4}, []),
        ({"times": [2000] * 3}, [f"{STAGE}3 tasks on 4 cores in 10.0 s: smaller partitions make more of them "]),
        (
            {"times": [2000], "python": {"time to run Python workers": 9000, "time to execute Python code": 1001}},
            [f"{STAGE}1 task on 4 cores in 10.0 s: a com"],
        ),
        (
            {"times": [2000], "python": {"time to run Python workers": 9000, "time to execute Python code": 999}},
            [],
        ),
        ({"spilled": 1 << 20}, [f"{STAGE}1.05 MB did not fit into memory and were spilled to disk: give Spark more "]),
        ({"times": [500] * 7 + [5001]}, [f"{STAGE}the slowest task took 5.0 s, the median one 0.5 s: "]),
        ({"times": [501] * 7 + [5001]}, []),
        ({"times": [100] * 7 + [4999]}, []),
        (
            {"gc": 801},
            ["ingest products: read: 10% of the tasks' time went into garbage collection: give Spark more "],
        ),
        ({"gc": 800}, []),
        ({"files": 101}, ["ingest products: read: /lake/products was read from 101 files of 10.4 kB on average: "]),
        ({"files": 100}, []),
        ({"files": 101, "size": 101 * (3 << 20)}, []),
        ({"failed_tasks": 1}, [f"{STAGE}1 task failed: SLUICE_SPARK_LOG_LEVEL=warn shows why"]),
    ],
)
def test_a_rule_that_is_broken_is_a_line(values, lines):
    log = log_of(**{**values})
    found = advice(log, profiles(log))
    assert len(found) == len(lines)
    assert all(text.startswith(line) for text, line in zip(found, lines, strict=True))


def test_memory_is_advised_where_the_tasks_run():
    log = log_of(spilled=1 << 20)
    assert f"({MEMORY})" in advice(log, profiles(log))[0]
    log.settings = {"spark.master": "spark://m:7077"}
    assert "(--executor-memory before the job's name, now 1g)" in advice(log, profiles(log))[0]


def test_each_run_has_a_folder_of_its_own(tmp_path):
    made = [make_folder(str(tmp_path), run_id).name for run_id in ("r", "r", "r", "s")]
    assert made == ["r", "r-2", "r-3", "s"]


def test_a_folder_that_takes_no_files_is_wrong_usage(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(
        UsageError, match=r"^--profile .*file: nothing can be written there \(Not a directory\): choose"
    ):
        make_folder(str(tmp_path / "file"), "r")


def test_a_job_that_is_answered_without_spark_says_so(job, tmp_path, csv_file):
    done = job("ingest", "products", csv_file("a.csv"), "--profile", tmp_path, "--run-id", "r1")
    text = (tmp_path / "r1" / "profile.md").read_text()
    assert done.exit_code == 3
    assert f"failed: {done.report['error']}. It began at " in text
    assert text.splitlines()[-1] == "Spark was not started: the job was answered without it."
    assert [path.name for path in (tmp_path / "r1").iterdir()] == ["profile.md"]


def test_a_session_without_an_event_log_says_so(job, tmp_path, csv_file):
    assert job("ingest", "products", csv_file("a.csv", HEADER, "1,x,"), "--profile", tmp_path).exit_code == 0
    (profile,) = tmp_path.glob("*/profile.md")
    assert "Spark's session was started before this job, without an event log." in profile.read_text()
