"""Jobs in a process that stayed after an earlier one: they end as in one of their own, and leave nothing in it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from conftest import HEADER, PROJECT
from processes import assert_ended, finished, jvms, kill, read_until, wait_for, warm_servers


@pytest.fixture
def folder(monkeypatch):
    """A folder for temporary files with a short name, as a socket's path must have."""
    with tempfile.TemporaryDirectory(prefix="warm-", dir="/tmp", ignore_cleanup_errors=True) as name:
        monkeypatch.setenv("TMPDIR", name)
        yield Path(name)


@pytest.fixture
def warm(submit, folder):
    """Starts jobs that share the processes of this test alone; these end with it."""

    def start(*arguments, **variables):
        return submit(*arguments, SLUICE_KEEP_WARM="5", **variables)

    start.processes = lambda: warm_servers(folder)
    yield start
    for process in start.processes():
        for each in (*process.children(recursive=True), process):
            each.kill()


def report(process):
    code, out, err = finished(process)
    return code, json.loads(out), err


def test_one_process_takes_jobs_of_all_outcomes(warm, csv_file, lake, rows, tmp_path, folder):
    first = csv_file("a.csv", HEADER, "s1,n,d", "s2,n,d")
    code, done, _ = report(warm("ingest", "products", first, "--run-id", "one", "--log-format", "json"))
    assert (code, done["rows_inserted"]) == (0, 2)
    (process,) = warm.processes()
    (jvm,) = [child for child in process.children() if child.name() == "java"]

    # in between another table is at this path, at the same version: the job after it must not see that one's rows
    os.rename(lake, tmp_path / "backup")
    report(warm("ingest", "products", csv_file("b.csv", HEADER, "s9,x,d"), "--log-format", "json"))
    shutil.rmtree(lake)
    os.rename(tmp_path / "backup", lake)
    second = csv_file("c.csv", HEADER, "s2,x,d", "s3,x,d")
    code, done, err = report(warm("ingest", "products", second, "--run-id", "three", "--log-format", "json"))
    assert (code, done["rows_updated"], done["rows_inserted"]) == (0, 1, 1)
    assert {json.loads(line)["run_id"] for line in err.splitlines()} == {"three"}
    assert rows("products", "sku", "name", "run_id") == [("s1", "n", "one"), ("s2", "x", "three"), ("s3", "x", "three")]

    code, done, err = report(warm("ingest", "products", tmp_path / "none.csv", "--log-format", "json"))
    assert (code, json.loads(err)["message"]) == (3, f"ingest: {done['error']}")
    code, done, _ = report(warm("ingest", "products", "--unknown", "--log-format", "json"))
    assert code == 2
    assert "No such option" in done["error"]
    assert warm.processes() == [process]
    assert jvm.is_running()

    ended = warm("ingest", "products", csv_file("d.csv", HEADER, "s4,y,d"), "--log-format", "json")
    wait_for(lambda: ended.poll() is not None or jvms(ended))
    ended.send_signal(signal.SIGTERM)
    code, done, _ = report(ended)
    assert code in (143, 0)  # it may have been quicker
    stop = [sys.executable, "-m", "sluice.runtime.warm.client", "stop"]
    subprocess.run(stop, check=True, env={**os.environ, "PYTHONPATH": str(PROJECT / "lib")})
    wait_for(lambda: not process.is_running() and not jvm.is_running(), 20)
    assert os.listdir(folder) == [f"sluice-{os.getuid()}"], "temporary files"


def test_a_job_of_another_environment_gets_a_process_of_its_own(warm, tmp_path):
    arguments = ("tables", "list")
    assert finished(warm(*arguments))[0] == 0
    (first,) = warm.processes()
    assert finished(warm(*arguments, SLUICE_LAKE=str(tmp_path / "other"), COLUMNS="90"))[0] == 0
    assert warm.processes() == [first]
    assert finished(warm(*arguments, AWS_SECRET_ACCESS_KEY="another"))[0] == 0
    assert len(warm.processes()) == 2


def test_a_job_with_a_profile_runs_in_a_process_that_does_not_stay(warm, tmp_path):
    assert finished(warm("tables", "list", "--profile", str(tmp_path)))[0] == 0
    assert finished(warm("tables", "list", SLUICE_PROFILE=str(tmp_path)))[0] == 0
    assert (warm.processes(), len(list(tmp_path.glob("*/profile.md")))) == ([], 2)


def test_a_process_that_has_a_job_takes_no_other_and_ends_with_it_by_a_signal(warm, job, csv_file, database):
    job("ingest", "products", csv_file("a.csv", HEADER, "s1,n,d"))
    database("SELECT pg_advisory_lock(%s)", 0x51_1CE)  # as another export would hold it
    waiting = warm("export", "products")
    before = read_until(waiting, "waiting up to")
    (process,) = warm.processes()
    assert finished(warm("tables", "list"))[0] == 0
    assert waiting.poll() is None
    began = time.monotonic()
    waiting.send_signal(signal.SIGTERM)
    assert_ended(waiting, signal.SIGTERM, began, before)
    wait_for(lambda: not process.is_running(), 20)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("group", [False, True])
def test_a_signal_ends_the_job_and_the_process(warm, job, big_file, rows, csv_file, number, group):
    finished(warm("ingest", "products", csv_file("first.csv", HEADER, "s0,n,d")))
    (process,) = warm.processes()
    running = warm("ingest", "products", big_file, "--progress", "plain", "--run-id", "ended")
    before = read_until(running, "merge …")
    began = time.monotonic()
    os.killpg(running.pid, number) if group else running.send_signal(number)
    assert_ended(running, number, began, before)
    assert ("ended", "failed") in rows("runs", "run_id", "status")
    wait_for(lambda: not process.is_running(), 20)
    assert job("ingest", "products", csv_file("next.csv", HEADER, "s,n,d"), "--lock-timeout", 0).exit_code == 0


@pytest.mark.slow
def test_a_killed_job_takes_its_process_with_it(warm, big_file, rows):
    running = warm("ingest", "products", big_file, "--progress", "plain")
    read_until(running, "merge …")
    (process,) = warm.processes()
    kill(running)
    wait_for(lambda: not process.is_running(), 20)
    code, done, _ = report(warm("ingest", "products", big_file, "--lock-timeout", "0"))
    assert (code, done["rows_read"]) == (0, 150_000)
    assert len(rows("products", "sku")) == 150_000


@pytest.mark.slow
def test_a_process_killed_in_the_middle_leaves_what_a_rerun_completes(warm, big_file, rows):
    running = warm("ingest", "products", big_file, "--progress", "plain")
    read_until(running, "merge …")
    (process,) = warm.processes()
    process.kill()
    code, out, _ = finished(running)
    assert (code, out) == (1, "")
    assert report(warm("ingest", "products", big_file))[0] == 0
    assert len(rows("products", "sku")) == 150_000


@pytest.mark.slow
def test_a_process_ends_once_no_job_comes(submit, folder):
    assert finished(submit("tables", "list", "--keep-warm", "0.05"))[0] == 0
    (process,) = warm_servers(folder)
    wait_for(lambda: not process.is_running(), 20)
    assert not list(folder.glob("sluice-*/*"))
