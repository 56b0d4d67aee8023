"""Runs killed with -9 at every step: the same command again ends as one clean run, whatever was half done."""

from __future__ import annotations

import os
import signal

import pytest

HEADER = "sku,name,description"
STEPS = ["read", "keep rejects", "classify", "merge", "record", "aggregate", "write", "send products_agg", "apply"]
RECORDS = 60_000


@pytest.fixture
def landed(job, csv_file, database):
    """A first file is in the table, its aggregate and PostgreSQL; the second one's names move and it has rejects."""
    first = "".join(f"s{i},n{i % 97},d\n" for i in range(0, RECORDS, 2))
    job("run", "products", csv_file("a.csv", data=f"{HEADER}\n{first}".encode()), "--run-id", "first")
    second = "".join(f's{i},n{i % 89},"d\n{i}"\n' for i in range(RECORDS))
    return csv_file("b.csv", data=f"{HEADER}\n{second}wrong\n,x,\n".encode())


def killed_at(process, step):
    """Kills the whole process group as soon as it tells that it begins the step; says whether it came so far."""
    try:
        return any(line.rstrip().endswith(f" {step} …") for line in process.stderr)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def check_all_is_done(job, rows, database, path):
    wanted = [(f"s{i}", f"n{i % 89}", f"d\n{i}") for i in range(RECORDS)]
    assert rows("products", "sku", "name", "description") == sorted(wanted, key=repr)
    counts = sorted((f"n{i}", sum(1 for n in range(i, RECORDS, 89))) for i in range(89))
    assert rows("products_agg", "name", "no_of_products") == counts
    assert sorted(database("SELECT name, no_of_products FROM products_agg")) == counts
    assert rows("rejects", "raw") == [(",x,",), ("wrong",)]
    assert [row for row in rows("ingested_files", "file", "rows_read") if row[0] == path.as_uri()] == [
        (path.as_uri(), RECORDS + 2)
    ]
    assert database("SELECT tablename FROM pg_tables WHERE tablename LIKE 'sluice_staging%%'") == []
    assert {status for _, status in rows("runs", "job", "status")} <= {"interrupted", "succeeded"}
    assert job("run", "products", path).report["status"] == "nothing_new"


def test_killed_at_one_step_after_another(submit, job, rows, database, landed):
    arguments = ["run", "products", landed, "--progress", "plain", "--run-id", "again"]
    assert all(killed_at(submit(*arguments), step) for step in STEPS[3::4])
    done = job(*arguments)
    assert (done.exit_code, done.report["status"]) == (0, "succeeded")
    check_all_is_done(job, rows, database, landed)
    attempts = rows("runs", "run_id", "job", "attempt", "status")
    assert [row[3] for row in attempts if row[:2] == ("again", "ingest")][:1] == ["interrupted"]


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
def test_killed_once(submit, job, rows, database, landed, step):
    arguments = ["run", "products", landed, "--progress", "plain"]
    assert killed_at(submit(*arguments), step)
    done = job(*arguments)
    assert (done.exit_code, done.report["status"]) == (0, "succeeded")
    check_all_is_done(job, rows, database, landed)
    assert "interrupted" in {status for _, status in rows("runs", "job", "status")}
