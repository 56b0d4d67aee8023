"""PostgreSQL locks, refuses or goes away in the middle of an export: one line, and the old state stays."""

from __future__ import annotations

import json
import os
import tempfile
import threading
from pathlib import Path

import psycopg2
import pytest
from conftest import HEADER, write_products
from processes import finished, read_until, wait_for
from sluice.errors import Busy, DatabaseError
from sluice.export import embedded
from sluice.export.connection import connected
from sluice.export.target import DeltaVersion, Target
from sluice.lake.writer import Writer

OLD = [("a", 1), ("b", 2)]
WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'sluice'"


@pytest.fixture
def export(database, postgres_url):
    """Makes the table t equal to rows; a lock is waited for half a second."""

    def make(rows, lock_timeout=0.5):
        target = Target("t", {"k": "string", "n": "bigint"}, ("k",), True, (), DeltaVersion("/lake", "id", 3), True)
        with connected(postgres_url, "fresh") as connection:
            connection.prepare(Writer("run", lock_timeout, print))
            staging = connection.create_staging(target)
            database(f"INSERT INTO {staging} SELECT k, n, false FROM ({rows}) rows (k, n)")
            connection.apply([target], "run")

    make("VALUES ('a', 1), ('b', 2)")
    return make


@pytest.fixture
def locked(postgres_url, export):
    """Another client holds the table."""
    with psycopg2.connect(postgres_url, application_name="editor") as connection:
        connection.cursor().execute("LOCK TABLE fresh.t IN SHARE MODE")
        yield


def test_a_table_that_another_client_locks_is_waited_for_so_long_then_named(export, locked, database):
    with pytest.raises(
        Busy, match=r"table fresh.t is locked by another client \(pid [0-9]+, user sluice, application 'editor'"
    ):
        export("VALUES ('a', 5)")
    assert database("SELECT * FROM t ORDER BY k") == OLD


def test_a_limit_of_the_server_is_one_line_that_names_it(export, locked, database, monkeypatch):
    monkeypatch.setenv("PGOPTIONS", "-c statement_timeout=200ms")
    with pytest.raises(DatabaseError, match=r"^PostgreSQL: canceling statement due to statement timeout"):
        export("VALUES ('a', 5)", 60)
    assert database("SELECT * FROM t ORDER BY k") == OLD


def test_a_disk_of_the_server_that_is_full_is_one_line(export, database, monkeypatch):
    monkeypatch.setenv("PGOPTIONS", "-c temp_file_limit=64kB -c work_mem=64kB")
    with pytest.raises(DatabaseError, match=r"^PostgreSQL: temporary file size exceeds"):
        export("SELECT i::text, i FROM generate_series(1, 20000) i")
    assert database("SELECT * FROM t ORDER BY k") == OLD


def test_a_server_that_stops_is_one_line(export, locked, database):
    def stop():
        wait_for(lambda: database(WAITING), 10)
        database(f"SELECT pg_terminate_backend(pid) FROM ({WAITING}) waiting")

    stopping = threading.Thread(target=stop)
    stopping.start()
    with pytest.raises(
        DatabaseError, match=r"^PostgreSQL: FATAL: +terminating connection due to administrator command"
    ):
        export("VALUES ('a', 5)", 60)
    stopping.join()
    assert database("SELECT * FROM t ORDER BY k") == OLD


@pytest.mark.slow
def test_rows_for_which_the_server_has_no_space_leave_the_old_state(job, csv_file, database, small_disk, monkeypatch):
    disk = small_disk("4m")
    os.chown(disk, os.stat(database("SHOW data_directory")[0][0]).st_uid, -1)
    database(f"CREATE TABLESPACE small LOCATION '{disk}'")
    assert job("run", "products", csv_file("a.csv", HEADER, "1,x,"), "--with-records").exit_code == 0
    job("ingest", "products", write_products(csv_file("b.csv"), 60_000))
    with monkeypatch.context() as patch:
        patch.setenv("PGOPTIONS", "-c default_tablespace=small")
        done = job("export", "products")
    assert (done.exit_code, "No space left on device" in done.report["error"]) == (6, True)
    assert done.report["error"].startswith("PostgreSQL refused rows of products: ")
    assert database("SELECT sku FROM products") == [("1",)]
    assert job("export", "products").counts == {"read": 60_000, "inserted": 60_000}
    database("DROP TABLESPACE small")


@pytest.mark.slow
@pytest.mark.parametrize("step", ["send products", "apply"])
def test_a_server_that_is_restarted_leaves_the_old_state_and_the_same_command_completes_it(
    submit, job, csv_file, monkeypatch, step
):
    with tempfile.TemporaryDirectory(prefix="sluice-postgres-") as name:
        url, _ = embedded.start(Path(name))
        monkeypatch.setenv("SLUICE_DATABASE_URL", url)
        assert job("run", "products", csv_file("a.csv", HEADER, "1,x,"), "--with-records").exit_code == 0
        path = write_products(csv_file("b.csv"), 60_000)
        process = submit("run", "products", path, "--with-records", "--progress", "plain")
        read_until(process, f" {step} …")
        embedded.stop(Path(name))
        code, out, err = finished(process)
        assert (code, json.loads(out)["error"].split(":")[0].split(" ")[0]) == (6, "PostgreSQL"), err
        assert 'File "' not in err
        url, _ = embedded.start(Path(name))
        monkeypatch.setenv("SLUICE_DATABASE_URL", url)
        with psycopg2.connect(url) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM products")
            assert cursor.fetchall() == [(1,)]
            assert job("run", "products", path, "--with-records").exit_code == 0
            cursor.execute("SELECT count(*), (SELECT count(*) FROM products_agg) FROM products")
            assert cursor.fetchall() == [(60_001, 60_001)]
        embedded.stop(Path(name))
