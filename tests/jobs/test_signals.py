"""Runs ended by SIGTERM and SIGINT: in each phase, sent to the wrapper alone and to its whole process group."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest
from conftest import HEADER
from processes import assert_ended, finished, held, jvms, read_until, wait_for

TERM, INT = signal.SIGTERM, signal.SIGINT


@pytest.fixture(autouse=True)
def _signals_as_in_a_shell():
    """A background job's shell ignores SIGINT, and so would all that it starts."""
    before = signal.signal(INT, signal.default_int_handler)
    yield
    signal.signal(INT, before)


def send(process, number, group):
    if group:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)


def ended_at(submit, big_file, step, number, group):
    process = submit("ingest", "products", big_file, "--progress", "plain", "--run-id", "ended")
    before = read_until(process, f"{step} …")
    time.sleep(0.3 if step == "start" else 1.5)
    began = time.monotonic()
    send(process, number, group)
    for another in (TERM, INT, TERM) if group else ():  # they change nothing
        time.sleep(0.3)
        if process.poll() is None:
            send(process, another, True)
    return assert_ended(process, number, began, before)


@pytest.mark.parametrize(
    ("step", "number", "group"),
    [
        ("merge", INT, True),
        *(
            pytest.param(step, number, group, marks=pytest.mark.slow)
            for step in ("start", "read", "classify", "merge")
            for number in (TERM, INT)
            for group in (False, True)
            if (step, number, group) != ("merge", INT, True)
        ),
    ],
)
def test_ended_while_spark_works(submit, job, rows, csv_file, lake, big_file, step, number, group):
    if step == "classify":  # against a table that is there
        job("ingest", "products", csv_file("first.csv", HEADER, "s0,n,d"))
    ended_at(submit, big_file, step, number, group)
    recorded = rows("runs", "run_id", "status") if (lake / "runs").exists() else []
    ended = [row for row in recorded if row[0] == "ended"]
    assert ended == ([] if step == "start" else [("ended", "failed")])
    assert job("ingest", "products", csv_file("next.csv", HEADER, "s,n,d"), "--lock-timeout", 0).exit_code == 0


@pytest.mark.slow
def test_ended_while_it_waits(submit, lake, csv_file):
    path = csv_file("a.csv", HEADER, "s1,n,d")
    with held(lake, "products"):
        process = submit("ingest", "products", path, "--progress", "plain")
        before = read_until(process, "waiting up to")
        began = time.monotonic()
        send(process, INT, True)
        assert_ended(process, INT, began, before)


@pytest.mark.parametrize(("number", "group"), [(INT, True), (TERM, False)])
def test_ended_in_a_start_without_a_jvm(submit, job, csv_file, database, number, group):
    job("ingest", "products", csv_file("a.csv", HEADER, "1,x,"))
    database("SELECT pg_advisory_lock(%s)", 0x51_1CE)  # as another export would hold it
    process = submit("export", "products")
    wait_for(lambda: database("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sluice'") == [(1,)])
    assert jvms(process) == []
    send(process, number, group)
    assert_ended(process, number, time.monotonic())


@pytest.mark.parametrize("start", ["without", "with"])
def test_a_signal_before_the_job_runs_is_not_lost(submit, csv_file, lake, tmp_path, monkeypatch, start):
    """A JVM starts that then waits for a cluster which does not answer, for a minute."""
    (tmp_path / "work").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "work"))
    nowhere = ("--master", "spark://127.0.0.1:1")
    process = submit(*nowhere, "ingest", "products", csv_file("a.csv", HEADER, "s1,n,d"))
    wait_for(lambda: list((tmp_path / "work").glob("*/lines" if start == "without" else "*/run")))
    if start == "with":
        wait_for(lambda: jvms(process))
    send(process, TERM, True)
    assert_ended(process, TERM, time.monotonic())
    assert not lake.exists()


def test_the_jvm_killed_the_run_is_recorded_all_the_same(submit, rows, big_file):
    arguments = ("--progress", "plain", "--log-format", "json", "--run-id", "ended")
    process = submit("ingest", "products", big_file, *arguments)
    before = read_until(process, "read …")
    time.sleep(1)
    (jvm,) = jvms(process)
    jvm.kill()
    began = time.monotonic()
    code, out, err = finished(process)
    report = json.loads(out)
    assert (code, report["status"]) == (1, "failed")
    assert time.monotonic() - began < 15
    lines = [json.loads(line) for line in (before + err).splitlines()]
    assert {line["run_id"] for line in lines} == {"ended"}
    assert lines[-1]["message"] == f"ingest: {report['error']}"
    assert report["error"].startswith("Spark's JVM ended in the middle of the run (killed by SIGKILL): ")
    assert not any("File" in line["message"] for line in lines)
