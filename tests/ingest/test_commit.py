"""How rows get into a table: where all are new they are appended, else they are merged."""

from __future__ import annotations

import pytest
from conftest import HEADER
from deltalake import write_deltalake
from sluice.lake import log
from sluice.lake.lake import Lake


@pytest.fixture
def operations(lake):
    """The operations of the commits of table products after its first."""
    return lambda: [commit["operation"] for commit in reversed(log.history(str(lake), "products"))][1:]


def test_new_rows_are_appended_and_a_later_change_of_one_is_merged(job, rows, csv_file, operations):
    job("ingest", "products", csv_file("a.csv", HEADER, "a,n,"))
    added = job("ingest", "products", csv_file("b.csv", HEADER, "a,n,", "b,n,", "b,m,", "c,n,"))
    assert added.counts == {"read": 4, "duplicate": 1, "unchanged": 1, "inserted": 2}
    changed = job("ingest", "products", csv_file("c.csv", HEADER, "c,o,", "d,n,"))
    assert changed.counts == {"read": 2, "updated": 1, "inserted": 1}
    assert operations() == ["WRITE", "MERGE"]
    assert rows("products", "sku", "name") == [("a", "n"), ("b", "m"), ("c", "o"), ("d", "n")]


def test_rows_that_another_tool_adds_in_between_are_not_taken_for_the_runs_own(job, csv_file, lake, monkeypatch):
    job("ingest", "products", csv_file("a.csv", HEADER, "a,n,"))
    append = Lake.append

    def later(self, table, *arguments):
        write_deltalake(lake / table, log.opened(str(lake), table).to_pyarrow_table(), mode="append")
        append(self, table, *arguments)

    monkeypatch.setattr(Lake, "append", later)
    done = job("ingest", "products", csv_file("b.csv", HEADER, "b,n,"))
    assert (done.exit_code, done.report["table_version"]) == (1, 0)
    assert "Delta merged {'inserted': 0, 'updated': 0, 'removed': 0}, expected {'inserted': 1," in done.report["error"]
