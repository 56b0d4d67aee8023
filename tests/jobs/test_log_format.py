"""With --log-format json every line on standard error is an object, whoever wrote it."""

from __future__ import annotations

import json
import time

import pytest
from conftest import HEADER
from processes import children, finished, wait_for


def objects(err):
    lines = [json.loads(line) for line in err.splitlines()]
    assert lines
    assert all({"time", "run_id", "message"} <= line.keys() for line in lines)
    return lines


FROM_THE_JVM = "spark.driver.extraJavaOptions=-Xlog:gc+init:stderr"  # no line of Spark's


@pytest.mark.slow
def test_sparks_lines_too_and_the_outcome_is_last(submit, csv_file, monkeypatch):
    monkeypatch.setenv("SLUICE_SPARK_LOG_LEVEL", "info")
    path = csv_file("a.csv", HEADER, "s1,n,d")
    arguments = ("ingest", "products", path, "--log-format", "json", "--progress", "plain")
    code, out, err = finished(submit("--conf", FROM_THE_JVM, *arguments))
    lines, run_id = objects(err), json.loads(out)["run_id"]
    assert code == 0
    assert {line["run_id"] for line in lines} == {run_id}
    assert any(line.get("level") == "INFO" and line["logger"].startswith("org.apache.spark") for line in lines)
    assert "merge …" in {line["message"] for line in lines if line.get("step") == "merge"}
    assert any("[gc,init]" in line["message"] for line in lines)
    assert lines[-1]["message"].startswith("ingest: succeeded; 1 row read")


@pytest.mark.parametrize("given", ["flag", "flag with =", "variable", "file"])
def test_wrong_usage_too(submit, tmp_path, monkeypatch, given):
    flags = {"flag": ["--log-format", "json"], "flag with =": ["--log-format=json"]}.get(given, [])
    if given == "variable":
        monkeypatch.setenv("SLUICE_LOG_FORMAT", "json")
    if given == "file":
        (tmp_path / "sluice.toml").write_text('log_format = "json"\n')
        monkeypatch.setenv("SLUICE_CONF_DIR", str(tmp_path))
    code, out, err = finished(submit("ingest", "products", "x.csv", "--nonsense", *flags))
    (line,) = objects(err)
    assert (code, line["message"]) == (2, f"ingest: {json.loads(out)['error']}")
    assert line["run_id"] == json.loads(out)["run_id"]


def test_a_missing_java_too(submit, csv_file, tmp_path, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    path = csv_file("a.csv", HEADER, "s1,n,d")
    code, _, err = finished(submit("ingest", "products", path, "--log-format", "json", "--run-id", "r1"))
    lines = objects(err)
    assert (code, {line["run_id"] for line in lines}) == (1, {"r1"})
    assert lines[-1]["message"].startswith("ingest: Java 17 is needed")


def test_rows_are_not_shown_as_a_table(job, csv_file):
    job("ingest", "products", csv_file("a.csv", HEADER, "s,n"))
    assert "reason" in job("rejects", "list").stderr
    done = job("rejects", "list", "--log-format", "json")
    assert len(done.report["rows"]) == 1
    assert [line["message"] for line in objects(done.stderr)] == ["rejects: succeeded"]


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_the_wrapper_ends_after_its_last_line(submit, log_format):
    process = submit("ingest", "products", "/nowhere", "--log-format", log_format)
    found = []

    def its_filter():
        found[:] = children(process, lambda child: "sluice.runtime.log_lines" in child.cmdline())
        return found

    wait_for(its_filter)
    found[0].suspend()
    assert process.stdout.readline()  # the report
    time.sleep(1)
    assert process.poll() is None
    found[0].resume()
    code, _, err = finished(process)
    assert code == 3
    assert "ingest: /nowhere: no such file" in err.splitlines()[-1]
