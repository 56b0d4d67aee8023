"""An export ended and killed before and after PostgreSQL's commit, and the embedded server."""

from __future__ import annotations

import fcntl
import os
import signal
import stat
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest
from conftest import HEADER
from processes import LOOPBACK, assert_ended, command_lines, family, kill, listening, wait_for
from sluice.export import embedded


@pytest.fixture
def exported(job, csv_file, database):
    """A first export; then the table has changed and its aggregate is refreshed."""
    job("run", "products", csv_file("a.csv", HEADER, "1,x,", "2,y,"))
    job("ingest", "products", csv_file("b.csv", HEADER, "2,z,"))
    job("aggregate", "products")


NEW = [("x", 1), ("z", 1)]
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation'"
STAGED = "SELECT count(*) FROM pg_tables WHERE tablename LIKE 'sluice_staging%%' AND schemaname = 'fresh'"


@pytest.mark.parametrize("ended_before", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_killed_before_the_commit_the_old_state_stays_and_a_rerun_exports_and_the_run_shows_no_password_and_no_port(
    submit, job, rows, lake, csv_file, database, exported, postgres_url, ended_before, tmp_path, monkeypatch
):
    reader = psycopg2.connect(postgres_url)
    reader.cursor().execute("LOCK TABLE fresh.products_agg IN SHARE MODE")  # keeps writers waiting, not readers
    expected = {"killed": "interrupted", "next": "succeeded"}
    if ended_before:
        process = submit("export", "products_agg", "--run-id", "ended")
        wait_for(lambda: database(WAITING) == [(1,)])
        process.send_signal(signal.SIGTERM)
        assert_ended(process, signal.SIGTERM, time.monotonic())
        assert database(WAITING) == [(0,)]
        expected["ended"] = "failed"
    with open(tmp_path / "lines", "w") as lines, monkeypatch.context() as patch:
        patch.setenv("SLUICE_SPARK_LOG_LEVEL", "debug")
        path = csv_file("c.csv", HEADER, "3,z,")
        process = submit("run", "products", path, "--run-id", "killed", stderr=lines.fileno())
    wait_for(lambda: database(WAITING) == [(1,)])
    running = family(process)
    shown = command_lines(running)
    assert {"127.0.0.1"} <= listening(running) <= LOOPBACK
    kill(process)
    written = (tmp_path / "lines").read_text() + "".join(path.read_text() for path in lake.rglob("*.json"))
    assert "DEBUG" in written
    assert "org.apache.spark.deploy.SparkSubmit" in shown
    assert urlsplit(postgres_url).password not in written + shown
    reader.close()
    assert database("SELECT * FROM products_agg ORDER BY 1") == [("x", 1), ("y", 1)]
    assert database(STAGED) == [(1,)]
    wait_for(lambda: database("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == [(0,)])
    done = job("export", "products_agg", "--run-id", "next")
    stored = database("SELECT * FROM products_agg ORDER BY 1")
    assert (done.report["mode"], stored) == ("incremental", [("x", 1), ("z", 2)])
    assert database(STAGED) == [(0,)]
    states = {run: status for run, job, status in rows("runs", "run_id", "job", "status") if job == "export"}
    assert {run: states[run] for run in expected} == expected


def test_killed_after_the_commit_a_rerun_finds_nothing_new(submit, job, lake, database, exported, postgres_url):
    reader = psycopg2.connect(postgres_url)
    reader.cursor().execute("LOCK TABLE fresh.products_agg IN SHARE MODE")
    process = submit("export", "products_agg")
    wait_for(lambda: database(WAITING) == [(1,)])
    with open(lake / "_locks" / "runs", "a") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)  # the run cannot be recorded as done
        reader.close()
        wait_for(lambda: database("SELECT version FROM sluice_exports") == [(1,)])
        kill(process)
    assert database("SELECT * FROM products_agg ORDER BY 1") == NEW
    assert job("export", "products_agg").report["mode"] == "none"


@pytest.fixture
def open_folder():
    """A folder that all users may enter, unlike pytest's: as root the server runs as another user."""
    with tempfile.TemporaryDirectory(prefix="sluice-embedded-") as name:
        os.chmod(name, 0o755)
        yield Path(name)


def test_the_embedded_server_is_started_once_told_without_its_password_and_stopped(
    job, csv_file, monkeypatch, open_folder
):
    for name in ("SLUICE_DATABASE_URL", "PGHOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(open_folder)
    folder = open_folder / ".sluice" / "postgres"
    try:
        done = job("run", "products", csv_file("a.csv", HEADER, "1,x,"))
        password = (folder / "password").read_text()
        assert done.exit_code == 0
        assert "embedded PostgreSQL started: postgresql://sluice@127.0.0.1:" in done.stderr
        assert password not in done.stderr + str(done.report)
        assert [stat.S_IMODE((folder / name).stat().st_mode) for name in ("password", "data")] == [0o600, 0o700]
        assert "embedded PostgreSQL in use" in job("export", "products_agg").stderr
        url, started = embedded.start(folder)
        assert not started
        with psycopg2.connect(url) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_setting('listen_addresses'), current_setting('unix_socket_directories'), "
                "(SELECT array_agg(DISTINCT auth_method) FROM pg_hba_file_rules)"
            )
            assert cursor.fetchall() == [("127.0.0.1", "", ["scram-sha-256"])]
        assert job("export", "products_agg").report["mode"] == "none"
    finally:
        embedded.stop(folder)
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(url)
