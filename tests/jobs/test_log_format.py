"""With --log-format json every line on standard error is an object, whoever wrote it."""

from __future__ import annotations

import json
import re
import time

import pytest
from conftest import HEADER
from processes import children, finished, wait_for
from sluice.runtime.exit import end
from sluice.runtime.log_lines import LogStyle
from sluice.runtime.report import Report


def objects(err):
    lines = [json.loads(line) for line in err.splitlines()]
    assert lines
    assert all({"time", "level", "run_id", "job", "table", "step", "message"} <= line.keys() for line in lines)
    assert [line["level"] == "error" for line in lines] == [False] * (len(lines) - 1) + [lines[-1]["level"] == "error"]
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
    assert {(line["run_id"], line["job"], line["table"]) for line in lines} == {(run_id, "ingest", "products")}
    assert {line["level"] for line in lines} == {"info"}
    of_spark = [line for line in lines if line.get("logger", "").startswith("org.apache.spark")]
    assert {"INFO"} <= {line["spark_level"] for line in of_spark}
    assert {"start", "read", "merge"} <= {line["step"] for line in of_spark}
    assert "merge …" in {line["message"] for line in lines if line["step"] == "merge"}
    assert any("[gc,init]" in line["message"] for line in lines)
    assert re.fullmatch(
        r"ingest: succeeded; 1 row read: 1 inserted; products is at version 0; \d+\.\d s", lines[-1]["message"]
    )


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
    assert (line["level"], line["job"], line["run_id"]) == ("error", "ingest", json.loads(out)["run_id"])


def test_a_missing_java_too(submit, csv_file, tmp_path, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    path = csv_file("a.csv", HEADER, "s1,n,d")
    code, _, err = finished(submit("ingest", "products", path, "--log-format", "json", "--run-id", "r1"))
    lines = objects(err)
    assert (code, {line["run_id"] for line in lines}) == (1, {"r1"})
    assert lines[-1]["message"].startswith("ingest: Java 17 is needed")
    assert (lines[-1]["level"], lines[-1]["table"], lines[-1]["step"]) == ("error", "products", "start")


def test_rows_are_not_shown_as_a_table(job, csv_file):
    job("ingest", "products", csv_file("a.csv", HEADER, "s,n"))
    assert "reason" in job("rejects", "list").stderr
    done = job("rejects", "list", "--log-format", "json")
    assert len(done.report["rows"]) == 1
    (line,) = objects(done.stderr)
    assert line["message"].startswith("rejects: succeeded; ")


def test_an_unexpected_failure_is_one_line_with_its_traceback(capsys, monkeypatch):
    monkeypatch.delenv("SLUICE_WRAPPER", raising=False)
    with pytest.raises(SystemExit):
        end(Report("ingest", "r1"), raised(ValueError("x")), LogStyle("json", "r1", "ingest", "products", "read"))
    (line,) = objects(capsys.readouterr().err)
    assert (line["level"], line["step"], line["message"]) == ("error", "read", "ingest: unexpected ValueError: x")
    assert "in raised" in line["traceback"]


def raised(error):
    try:
        raise error
    except ValueError as raised:
        return raised


def test_what_someone_has_to_look_at_is_a_warning(job, csv_file, tmp_path):
    good, bad = csv_file("a.csv", HEADER, "s,n"), csv_file("b.csv", data=b"")
    done = job("ingest", "products", good, bad, "--on-bad-file", "skip", "--log-format", "json", "--dry-run")
    (warning,) = [line for line in objects(done.stderr) if line["level"] == "warning"]
    assert warning["message"].startswith(f"left out: {bad.as_uri()}: ")


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


def test_the_outcome_is_printed_even_if_the_filter_is_gone(submit, lake):
    process = submit("tables", "list", "--log-format", "json")
    wait_for(lambda: (found := filters(process)) and not found[0].kill())
    code, out, err = finished(process)
    assert (code, json.loads(out)["status"], json.loads(err)["level"]) == (0, "succeeded", "info")


def filters(process):
    """The processes that pass on the lines of a job that was submitted."""
    return children(process, lambda child: "sluice.runtime.log_lines" in child.cmdline())
