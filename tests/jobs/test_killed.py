"""Runs killed with -9 at every step: the same command again ends as one clean run, whatever was half done."""

from __future__ import annotations

import pytest
from conftest import HEADER
from processes import kill

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
        kill(process)


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


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize("step", ["keep deletes", "merge", "record"])
def test_killed_while_deleting(submit, job, rows, tmp_path, step):
    """The shipped table `orders`: a file deletes, is killed, and comes again; an older one revives nothing."""
    header, files = "order_id,customer,amount,op,updated_at", []
    for name, op, day, count in (
        ("1.csv", "I", 2, RECORDS),
        ("2.csv", "D", 4, RECORDS // 2),
        ("3.csv", "U", 3, RECORDS),
    ):
        files.append(tmp_path / name)
        lines = (f"{i},c,1,{op},2024-10-0{day} 12:00:00" for i in range(count))
        files[-1].write_text("\n".join([header, *lines]))
    assert job("ingest", "orders", files[0]).exit_code == 0
    arguments = ["ingest", "orders", files[1], "--progress", "plain"]
    assert killed_at(submit(*arguments), step)
    assert job(*arguments).counts == {"read": RECORDS // 2, "deleted": RECORDS // 2}
    left = RECORDS - RECORDS // 2
    assert job("ingest", "orders", files[2]).counts == {"read": RECORDS, "duplicate": RECORDS // 2, "updated": left}
    assert len(rows("orders", "order_id")) == left


@pytest.mark.slow
@pytest.mark.parametrize("step", ["merge", "record", "keep rejects"])
def test_killed_while_replaying(submit, job, rows, csv_file, step):
    """The mended rows are among the rejects until they are in the table."""
    good = "".join(f"s{i},n,d\n" for i in range(RECORDS)).encode()
    path = csv_file("a.csv", data=f"{HEADER}\n".encode() + good + b"caf\xe9,n,d\n")
    assert job("ingest", "products", path).counts == {"read": RECORDS + 1, "rejected": 1, "inserted": RECORDS}
    arguments = ["rejects", "replay", "products", "--encoding", "latin-1", "--progress", "plain"]
    assert killed_at(submit(*arguments), step)
    assert job(*arguments).exit_code == 0
    assert len(rows("products", "sku")) == RECORDS + 1
    assert rows("rejects", "raw") == []
    assert job(*arguments).report["status"] == "nothing_new"
