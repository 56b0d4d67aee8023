"""What is read from Spark's own event log, written by the shared session while a job runs."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from conftest import HEADER
from sluice.profile import plan
from sluice.profile.event_log import EventLog
from sluice.profile.steps import python_seconds, rows


@pytest.fixture
def event_log(spark, tmp_path):
    """Spark's event log from here on, as far as it is written: `event_log()` gives its file."""
    java, context = spark._jvm, spark.sparkContext._jsc.sc()
    (folder := tmp_path / "event_log").mkdir()
    conf = context.getConf().set("spark.eventLog.compress", "false").set("spark.eventLog.rolling.enabled", "false")
    uri, hadoop = java.java.net.URI(folder.as_uri()), context.hadoopConfiguration()
    listener = java.org.apache.spark.scheduler.EventLoggingListener("a", java.scala.Option.empty(), uri, conf, hadoop)
    listener.start()
    context.addSparkListener(listener)

    def written():
        context.listenerBus().waitUntilEmpty(10_000)
        return next(folder.glob("a*"))

    yield written
    context.removeSparkListener(listener)
    listener.stop()


def test_each_stage_belongs_to_its_step_and_says_what_it_read(
    job, event_log, csv_file, lake, tmp_path, database, postgres_url
):
    path = csv_file("a.csv", HEADER, "1,x,", "1,y,", "2,z,")
    done = job("run", "products", path, "--profile", tmp_path, "--run-id", "r1")
    names = [*done.report["seconds"], *(name for part in done.report["steps"] for name in part["seconds"])]
    written = event_log().read_text()
    log = EventLog.read(event_log())
    found = {step: [stage for stage in log.stages.values() if stage.step == step] for step in range(len(names))}
    used = {name: max(map(rows, found[step]), default=0) for step, name in enumerate(names)}
    assert {name: count for name, count in used.items() if count} == {
        "read": 3,
        "merge": 3,
        "aggregate": 4,  # entries of Delta's log
        "write": 2,
    }
    assert python_seconds(found[names.index("read")]) > 0
    assert python_seconds(found[names.index("merge")]) == 0
    read = [source for execution in log.executions.values() for source in plan.sources(execution)]
    assert (f"{lake}/products", 2, 1) in [(source.location, source.rows, source.files) for source in read]
    assert all(stage.tasks == len(stage.run_times) and stage.ended for stage in log.stages.values())
    assert urlsplit(postgres_url).password not in written


def test_a_log_that_is_cut_short_is_read_as_far_as_it_goes(spark, event_log, tmp_path):
    spark.range(10).repartition(2).count()
    data = event_log().read_bytes()
    whole = EventLog.read(event_log())
    cut = tmp_path / "cut"
    cut.write_bytes(data[: data.rindex(b'"SparkListenerStageCompleted"') + 200])
    *before, last = EventLog.read(cut).stages.values()
    assert [stage.ended for stage in before] == [stage.ended for stage in whole.stages.values()][:-1]
    assert (last.ended, last.tasks) == (None, list(whole.stages.values())[-1].tasks)
