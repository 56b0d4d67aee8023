"""The wrapper and the life of a run, in real processes: killed, ended, kept waiting."""

from __future__ import annotations

import ast
import json
import os
import re
import signal
import subprocess
import time
import uuid
import zipfile

import pytest
from conftest import HEADER, PROJECT, SPARK_HOME, write_products
from processes import finished, held, kill, read_until, wait_for


def test_a_refused_file_is_one_line(job, csv_file):
    refused = job("ingest", "products", csv_file("b.csv", HEADER, "s,n"))
    assert (refused.exit_code, refused.report["status"]) == (4, "refused")
    assert "1 of 1 records rejected" in refused.stderr.splitlines()[-1]
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("again_before_the_ledger", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_killed_in_the_merge_the_same_command_completes_it(
    submit, job, lake, rows, csv_file, tmp_path, again_before_the_ledger
):
    job("ingest", "products", csv_file("a.csv", HEADER, "k1,old,d", "k-1,n,d"), "--run-id", "a")
    count = 10_000
    arguments = ["ingest", "products", write_products(tmp_path / "b.csv", count), "--progress", "plain", "--run-id"]
    committed = lake / "products" / "_delta_log" / "00000000000000000001.json"
    process = submit(*arguments, "b-in-merge")
    read_until(process, "merge …")
    wait_for(lambda: len(list((lake / "products").glob("*.parquet"))) > 1)  # files of the merge, not committed
    kill(process)
    assert not committed.exists()
    assert rows("products", "sku", "name") == [("k-1", "n"), ("k1", "old")]
    states = {"a:succeeded", "b-in-merge:interrupted", "b-last:succeeded"}
    counts = {"read": count, "updated": 1, "inserted": count - 1}
    if again_before_the_ledger:
        with held(lake, "ingested_files"):
            process = submit(*arguments, "b-before-ledger")
            wait_for(committed.exists)
            time.sleep(1)
            kill(process)
        states, counts = {*states, "b-before-ledger:interrupted"}, {"read": count, "unchanged": count}
    assert len(rows("ingested_files", "file")) == 1
    done = job(*arguments, "b-last")
    assert (done.counts, done.report["table_version"]) == (counts, 1)
    assert dict(rows("products", "sku", "name")) == {f"k{i}": f"n\n{i}" for i in range(count)} | {"k-1": "n"}
    assert {":".join(row) for row in rows("runs", "run_id", "status")} == states
    assert job(*arguments, "nothing").report["status"] == "nothing_new"


def test_nothing_new_is_answered_without_a_jvm(submit, job, csv_file, tmp_path, monkeypatch):
    path = csv_file("a.csv", HEADER, "s1,n,d", 's2,"a\nb",')
    assert job("ingest", "products", path).counts == {"read": 2, "inserted": 2}
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))  # without a Java: a start of one would be the error
    code, out, _ = finished(submit("ingest", "products", path))
    assert (code, json.loads(out)["status"], json.loads(out)["seconds"]) == (0, "nothing_new", {})


JOBS = sorted(path.stem for path in (PROJECT / "jobs").glob("*.py"))


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["help"], ["--master", "local[1]", "--help"]])
def test_help_lists_the_jobs_with_the_docstrings_of_their_files(submit, arguments):
    code, out, err = finished(submit(*arguments))
    assert (code, err) == (0, "")
    lines = {job: ast.get_docstring(ast.parse((PROJECT / "jobs" / f"{job}.py").read_text())) for job in JOBS}
    listed = out.partition("Jobs:\n")[2].partition("\n\n")[0]
    assert listed.splitlines() == [f"  {job:10} {line}" for job, line in lines.items()]
    assert [line for line in lines.values() if not re.fullmatch(r"[A-Z].*\.", line)] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], f"missing job: choose one of {', '.join(JOBS)}"),
        (["ingst", "products"], "unknown job 'ingst': did you mean 'ingest'?"),
        (["zzz"], f"unknown job 'zzz': choose one of {', '.join(JOBS)}"),
        (["--master"], "--master needs a value, and a job after it"),
        (["--load-spark-defaults", "zzz"], f"unknown job 'zzz': choose one of {', '.join(JOBS)}"),
    ],
)
def test_a_wrong_job_is_one_line(submit, arguments, message):
    last_line = f"spark-submit.sh: {message} (see ./spark-submit.sh --help)\n"
    assert finished(submit(*arguments)) == (2, "", last_line)


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (["ingest"], 2, "Missing argument 'TABLE'. (see ./spark-submit.sh ingest --help)"),
        (["ingest", "t", "x", "--run-id", "a b"], 2, "--run-id 'a b': use at most 200 letters, digits and . _ : + -"),
        (["ingest", "products", "/nowhere"], 3, "/nowhere: no such file or folder: check the path"),
    ],
)
def test_wrong_usage_is_answered_without_a_jvm(submit, tmp_path, monkeypatch, arguments, code, error):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))  # without a Java: a start of one would be the error
    exit_code, out, err = finished(submit(*arguments))
    report = json.loads(out)
    assert (exit_code, report["status"], report["job"], report["error"]) == (code, "failed", "ingest", error)
    assert err == f"ingest: {error}\n"


def test_a_second_run_waits_then_says_who_holds_the_table(job, lake, csv_file):
    path = csv_file("a.csv", HEADER, "s1,n,d")
    with held(lake, "products"):
        done = job("ingest", "products", path, "--lock-timeout", 0.5)
        assert done.exit_code == 5
        waiting, last = done.stderr.splitlines()
        assert waiting.endswith("table products is held by run another-run: waiting up to 0.5 s")
        assert last.startswith("ingest: table products is held by run another-run: try again")
        assert done.report["seconds"].keys() == {"start"}
    assert job("ingest", "products", path).exit_code == 0


@pytest.mark.slow
def test_sigterm_ends_a_run_cleanly(submit, job, lake, rows, csv_file):
    path = csv_file("a.csv", HEADER, "s1,n,d")
    with held(lake, "ingested_files"):
        process = submit("ingest", "products", path, "--run-id", "ended")
        wait_for((lake / "products" / "_delta_log" / "00000000000000000000.json").exists)
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
        code, out, err = finished(process)
    assert code == 143
    assert json.loads(out)["error"] == "stopped by SIGTERM: rerun the same command, it resumes safely"
    assert err.splitlines()[-1] == f"ingest: {json.loads(out)['error']}"
    assert rows("runs", "run_id", "status") == [("ended", "failed")]
    assert job("ingest", "products", path).counts == {"read": 1, "unchanged": 1}


@pytest.mark.slow
def test_bare_spark_submit_with_py_files(lake, csv_file, tmp_path):
    """As on a cluster: the package in a zip, the jars given, no wrapper."""
    package = tmp_path / "sluice.zip"
    with zipfile.ZipFile(package, "w") as archive:
        for path in (PROJECT / "lib").rglob("*.py"):
            archive.write(path, path.relative_to(PROJECT / "lib"))
    jars = ",".join(map(str, (PROJECT / ".venv" / "jars").glob("*.jar")))
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYSPARK_SUBMIT", "SPARK_SUBMIT"))}
    command = [f"{SPARK_HOME}/bin/spark-submit", "--master", "local[2]", "--jars", jars, "--py-files", str(package)]
    command += ["--properties-file", str(PROJECT / "conf" / "spark-defaults.conf")]
    result = tmp_path / "result.json"
    command += [str(PROJECT / "jobs" / "ingest.py"), "products", str(csv_file("a.csv", HEADER, "s1,n,d"))]
    done = subprocess.run([*command, "--result-file", str(result)], env=environment, capture_output=True, timeout=180)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(result.read_text())["rows_inserted"] == 1


@pytest.mark.parametrize("java", ["", "8"])
def test_a_missing_or_wrong_java_is_one_line(submit, csv_file, tmp_path, monkeypatch, java):
    if java:
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "java").write_text("#!/bin/sh\necho 'openjdk version \"1.8.0_402\"' >&2\n")
        (tmp_path / "bin" / "java").chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    code, out, err = finished(submit("ingest", "products", csv_file("a.csv", HEADER, "s1,n,d")))
    assert (code, json.loads(out)["status"]) == (1, "failed")
    assert err.splitlines()[-1].startswith("ingest: Java 17 is needed")
    assert "Traceback" not in err


def test_executors_that_cannot_run_python_are_one_line(submit, csv_file, monkeypatch):
    monkeypatch.setenv("PYSPARK_PYTHON", "/nowhere/python3")
    code, out, err = finished(submit("ingest", "products", csv_file("a.csv", HEADER, "s1,n,d")))
    assert (code, json.loads(out)["status"]) == (2, "failed")
    assert err.splitlines()[-1].startswith("ingest: executors cannot run /nowhere/python3: install Python there")
    assert "Traceback" not in err


@pytest.mark.parametrize("options", [["--nonsense", "x"], ["--master", "nonsense"]])
def test_options_that_spark_refuses_are_a_failure_that_says_so(submit, csv_file, options):
    code, out, err = finished(submit(*options, "ingest", "products", csv_file("a.csv", HEADER, "s1,n,d")))
    assert (code, json.loads(out)["status"]) == (1, "failed")
    assert re.search("Unrecognized option: --nonsense|Master must either be yarn or start with", err)
    assert err.splitlines()[-1].startswith("ingest: Spark did not start ([JAVA_GATEWAY_EXITED]")
    assert "Traceback" not in err


def test_a_job_that_reads_little_starts_without_the_optimising_compiler(submit, tmp_path):
    declaration = tmp_path / "little.toml"
    check = f"id <> '{uuid.uuid4()}'"  # one that Spark has not checked yet
    declaration.write_text(
        f'key = ["id"]\n[source]\nformat = "csv"\n[columns]\nid = "string"\n[checks]\nnew = "{check}"\n'
    )
    flags = {"SPARK_SUBMIT_OPTS": "-XX:+PrintFlagsFinal"}
    profiled = ("--profile", tmp_path, "--run-id", "r")
    code, out, messages = finished(submit("tables", "check", declaration, *profiled, shipped=True, **flags))
    assert code == 0, out
    assert re.search(r"TieredStopAtLevel += 1 ", messages)
    profile = (tmp_path / "r" / "profile.md").read_text()
    assert "- `spark.sql.codegen.wholeStage` false\n" in profile
    assert " -XX:TieredStopAtLevel=1 " in profile
    assert re.search(r"^\| \d\. tables.*: check +\| ", profile, re.MULTILINE)
