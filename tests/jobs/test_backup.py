"""A folder put back from a backup: other commits get the version numbers of those that are gone."""

from __future__ import annotations

import shutil

import pytest
from conftest import HEADER
from sluice.lake import change_feed, log
from sluice.lake.log import State


@pytest.fixture
def put_back(lake, tmp_path):
    """Saves folders of the lake, and puts them back as they were."""

    def save(*tables):
        for table in tables:
            shutil.copytree(lake / table, tmp_path / "backup" / table)

        def restore():
            for table in tables:
                shutil.rmtree(lake / table)
                shutil.copytree(tmp_path / "backup" / table, lake / table)

        return restore

    return save


def test_aggregates_exports_and_the_ledger_see_that_a_version_is_another_commit(
    job, rows, database, csv_file, lake, put_back
):
    job("run", "products", csv_file("a.csv", HEADER, "s1,x,d"), "--with-records")
    restore = put_back("products")
    b, c = csv_file("b.csv", HEADER, "s2,y,d"), csv_file("c.csv", HEADER, "s3,z,d")
    assert job("run", "products", b, "--with-records").exit_code == 0
    restore()
    done = job("run", "products", c, "--with-records")  # version 1 again, with another commit
    assert done.report["table_version"] == 1
    assert done.stderr.count("table products was made anew: version 1 is another commit than before") == 2
    expected = [("s1", "x"), ("s3", "z")]
    assert rows("products", "sku", "name") == expected
    assert database("SELECT sku, name FROM products ORDER BY 1") == expected
    assert rows("products_agg", "name") == database("SELECT name FROM products_agg ORDER BY 1") == [("x",), ("z",)]
    assert job("ingest", "products", c).report["status"] == "nothing_new"
    assert job("ingest", "products", b).counts == {"read": 1, "inserted": 1}  # its rows are gone, so it is new


def test_a_full_export_sets_right_what_others_changed(job, database, csv_file):
    job("ingest", "products", csv_file("a.csv", HEADER, "s1,x,d", "s2,y,d", "s3,z,d"))
    job("export", "products")
    database("DELETE FROM products WHERE sku = 's1'; UPDATE products SET name = 'wrong' WHERE sku = 's2'")
    database("INSERT INTO products (sku, name) VALUES ('s4', 'not ours')")
    assert job("export", "products").report["status"] == "nothing_new"
    done = job("export", "products", "--full")
    assert done.report["mode"] == "full"
    assert done.counts == {"read": 3, "inserted": 1, "updated": 1, "unchanged": 1, "removed": 1}
    assert database("SELECT sku, name FROM products ORDER BY 1") == [("s1", "x"), ("s2", "y"), ("s3", "z")]


def test_what_earlier_versions_wrote_has_no_marks_and_is_taken_up(job, database, csv_file, monkeypatch):
    """Without marks in the ledger, the aggregate and `sluice_exports`, as a lake of an earlier version is."""
    with monkeypatch.context() as earlier:
        earlier.setattr(log, "commit_mark", lambda lake, table, version: None)
        path = csv_file("a.csv", HEADER, "s1,x,d")
        assert job("run", "products", path).exit_code == 0
    database("ALTER TABLE sluice_exports DROP COLUMN mark, DROP COLUMN column_names")
    assert job("run", "products", path).report["status"] == "nothing_new"
    done = job("run", "products", csv_file("b.csv", HEADER, "s2,y,d"))
    assert [step["mode"] for step in done.report["steps"][1:]] == ["incremental", "incremental"]
    assert database("SELECT mark IS NULL, column_names FROM sluice_exports") == [(False, ["name", "no_of_products"])]


def test_marks_are_compared_where_both_are_known(monkeypatch):
    monkeypatch.setattr(log, "commit_mark", lambda lake, table, version: {1: "b"}.get(version))
    assert log.is_same_commit("l", "t", 1, "b")
    assert not log.is_same_commit("l", "t", 1, "a")
    assert log.is_same_commit("l", "t", 1, None)
    assert log.is_same_commit("l", "t", 0, "a")  # the log does not reach back so far
    other = change_feed.obstacle("l", "t", State("id", 1, "a"), State("id", 2, "c"))
    assert other == "table t was made anew: version 1 is another commit than before"
