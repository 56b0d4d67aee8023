"""One run id for several runs, as Airflow gives it to all tasks of a run: each reading is still known by itself."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from conftest import HEADER
from sluice.ledger.rejects import reading_id

ORDERS = "order_id,customer,amount,op,updated_at"
DAG = ("--run-id", "dag1")


@pytest.mark.slow  # the next test shows the rule by a row that a mistake would revive
def test_a_replay_leaves_what_a_later_run_of_the_same_id_wrote(job, rows, csv_file):
    first = csv_file("a.csv", HEADER, "k,old,d", "only a sku")
    job("ingest", "products", first, "--max-rejects", 1, *DAG)
    job("ingest", "products", csv_file("b.csv", HEADER, "k,new,d"), *DAG)
    for run in (("--run-id", "dag2"), DAG):
        done = job("rejects", "replay", "products", "--max-rejects", 1, *run)
        assert done.counts == {"read": 2, "rejected": 1, "duplicate": 1}
        assert rows("products", "sku", "name") == [("k", "new")]


def test_a_replay_does_not_revive_what_a_later_run_of_the_same_id_deleted(job, rows, tmp_path):
    at = "2024-10-02 12:00:00"
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text(f"{ORDERS}\n1,old,1,I,{at}\n2,old,much,I,{at}\n")
    second.write_text(f"{ORDERS}\n1,old,1,D,{at}\n")
    assert job("ingest", "orders", first, "--max-rejects", 1, *DAG).counts["inserted"] == 1
    assert job("ingest", "orders", second, *DAG).counts == {"read": 1, "deleted": 1}
    done = job("rejects", "replay", "orders", "--max-rejects", 1, *DAG)
    assert done.counts == {"read": 2, "rejected": 1, "duplicate": 1}
    assert rows("orders", "order_id") == []


def test_rows_of_a_replay_are_not_taken_for_those_of_a_later_run(job, rows, csv_file):
    path = csv_file("a.csv", data=f"{HEADER}\ns1,plain,d\ns2,café,d\n".encode("latin-1"))
    job("ingest", "products", path, "--max-rejects", 1, *DAG)
    replay = ("rejects", "replay", "products", "--encoding", "latin-1", "--max-rejects", 1, *DAG)
    assert job(*replay).counts == {"read": 2, "unchanged": 1, "inserted": 1}
    assert job(*replay).report["status"] == "nothing_new"
    assert rows("products", "sku", "name") == [("s1", "plain"), ("s2", "café")]


def test_a_reading_is_a_run_and_a_moment():
    assert reading_id("dag1", datetime(2024, 10, 2, 5, 10, 46, 7, UTC)) == "dag1@1727845846000007"
