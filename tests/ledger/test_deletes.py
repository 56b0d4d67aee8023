"""Rows that are ordered, and rows that delete their key: the newest stands, in whatever runs they arrive."""

from __future__ import annotations

import random

import pytest

ORDERS = """
key = ["id"]
order_by = "n"
delete_when = "op = 'D'"
source = { format = "csv" }
columns = { id = "string", n = "int", op = "string", value = "string" }
aggregates = { orders_by_op = { by = ["op"], measures = { orders = "count" } } }
"""


@pytest.fixture
def orders(tmp_path, monkeypatch, job, rows):
    """Ingests rows (id, n, op, value) as a file of their own and gives the report's counts."""
    folder = tmp_path / "declared"
    folder.mkdir()
    monkeypatch.setenv("SLUICE_TABLES", str(folder))

    class Orders:
        files = 0

        def declare(self, text=ORDERS, name="orders"):
            (folder / f"{name}.toml").write_text(text)

        def file(self, *records):
            self.files += 1
            path = tmp_path / f"{self.files}.csv"
            path.write_text("id,n,op,value\n" + "".join(",".join(map(str, record)) + "\n" for record in records))
            return path

        def ingest(self, *records, into="orders", options=()):
            done = job("ingest", into, self.file(*records), *options)
            assert done.exit_code == 0, done.stderr
            return done.counts

        @property
        def there(self):
            return rows("orders", "id", "n", "value")

    made = Orders()
    made.declare()
    return made


def test_an_older_row_never_overwrites_a_newer_one(orders):
    assert orders.ingest(("a", 5, "I", "new"), ("b", 1, "I", "x"), ("a", 4, "U", "old")) == {
        "read": 3,
        "duplicate": 1,
        "inserted": 2,
    }
    assert orders.ingest(("a", 3, "U", "older"), ("b", 1, "U", "equal"), ("c", 1, "I", "z")) == {
        "read": 3,
        "duplicate": 1,
        "updated": 1,
        "inserted": 1,
    }
    assert orders.there == [("a", 5, "new"), ("b", 1, "equal"), ("c", 1, "z")]


def test_a_delete_is_remembered(orders, rows):
    orders.ingest(("a", 1, "I", "x"), ("b", 1, "I", "x"))
    assert orders.ingest(("a", 5, "D", ""), ("c", 5, "D", "")) == {"read": 2, "deleted": 2}
    assert orders.ingest(("a", 4, "U", "late"), ("c", 4, "I", "late")) == {"read": 2, "duplicate": 2}
    assert orders.there == [("b", 1, "x")]
    assert orders.ingest(("a", 5, "I", "as new"), ("c", 6, "I", "newer")) == {"read": 2, "inserted": 2}
    assert orders.there == [("a", 5, "as new"), ("b", 1, "x"), ("c", 6, "newer")]
    assert orders.ingest(("b", 0, "D", ""), ("c", 5, "D", "")) == {"read": 2, "duplicate": 2}
    assert rows("sluice_deletes", "table", "key", "ordered_by", "table_version") == [
        ("orders", '["a"]', "5", 2),
        ("orders", '["c"]', "5", 2),
    ]


def test_the_first_file_deletes_too(orders):
    assert orders.ingest(("a", 2, "D", ""), ("a", 1, "I", "x"), ("b", 1, "I", "x")) == {
        "read": 3,
        "duplicate": 1,
        "deleted": 1,
        "inserted": 1,
    }
    assert orders.ingest(("a", 1, "U", "late")) == {"read": 1, "duplicate": 1}
    assert orders.there == [("b", 1, "x")]


def test_clear_forgets_deletes_and_restore_those_of_later_versions(orders, job):
    orders.ingest(("a", 1, "I", "x"), ("b", 1, "I", "x"))
    orders.ingest(("a", 5, "D", ""))
    orders.ingest(("b", 7, "D", ""))
    assert job("maintain", "restore", "orders", "--version", 2).exit_code == 0
    assert orders.ingest(("a", 4, "U", "late"), ("b", 6, "U", "y")) == {"read": 2, "duplicate": 1, "updated": 1}
    assert job("maintain", "clear", "orders").exit_code == 0
    assert orders.ingest(("a", 4, "U", "late")) == {"read": 1, "inserted": 1}


@pytest.mark.slow
def test_a_table_made_anew_knows_no_deletes(orders, lake):
    import shutil

    orders.ingest(("a", 5, "D", ""), ("b", 1, "I", "x"))
    shutil.rmtree(lake / "orders")
    assert orders.ingest(("b", 1, "I", "x")) == {"read": 1, "inserted": 1}
    assert orders.ingest(("a", 4, "I", "x")) == {"read": 1, "inserted": 1}


def test_without_an_order_the_last_row_deletes_or_is_there(orders):
    orders.declare(ORDERS.replace('order_by = "n"', ""))
    assert orders.ingest(("a", 5, "I", "x"), ("b", 1, "I", "x"), ("b", 1, "D", "")) == {
        "read": 3,
        "duplicate": 1,
        "deleted": 1,
        "inserted": 1,
    }
    assert orders.ingest(("a", 1, "D", "")) == {"read": 1, "deleted": 1}
    assert orders.ingest(("a", 0, "I", "again")) == {"read": 1, "inserted": 1}
    assert orders.there == [("a", 0, "again")]


def test_an_order_that_is_empty_is_a_reject(orders, rows):
    assert orders.ingest(("a", "", "I", "x"), ("b", 1, "I", "x"), options=("--max-rejects", 1)) == {
        "read": 2,
        "rejected": 1,
        "inserted": 1,
    }
    assert rows("rejects", "raw", "reason") == [("a,,I,x", "n is empty")]


def test_a_replayed_row_stands_by_its_order(orders, job, rows, tmp_path):
    path = orders.file(("a", "x", "I", "wrong"), ("b", 9, "D", ""))
    assert job("ingest", "orders", path, "--max-rejects", 1).counts == {"read": 2, "rejected": 1, "deleted": 1}
    orders.ingest(("a", 5, "I", "later"), ("b", 3, "I", "late"))
    path.write_text(path.read_text().replace("a,x,I,wrong", "a,7,I,mended"))
    assert job("rejects", "replay", "orders").counts == {"read": 2, "updated": 1, "deleted": 1}
    assert orders.there == [("a", 7, "mended")]


@pytest.mark.parametrize("order_by", ["", 'order_by = "n"'])
def test_a_second_replay_does_not_revive_it_either(orders, job, order_by):
    orders.declare(ORDERS.replace('order_by = "n"', order_by))
    path = orders.file(("a", 7, "I", "x"), ("b", "x", "I", "wrong"), ("c", "y", "I", "wrong"))
    assert job("ingest", "orders", path, "--max-rejects", 2).exit_code == 0
    orders.ingest(("a", 7, "D", ""))
    path.write_text(path.read_text().replace("b,x", "b,1"))
    replayed = job("rejects", "replay", "orders", "--max-rejects", 1).counts
    assert replayed == {"read": 3, "rejected": 1, "duplicate": 1, "inserted": 1}
    path.write_text(path.read_text().replace("c,y,I,wrong", "c,1,I,x").replace("b,1,I,wrong", "b,1,I,mended"))
    assert job("rejects", "replay", "orders").counts == {"read": 3, "duplicate": 1, "updated": 1, "inserted": 1}
    assert orders.there == [("b", 1, "mended"), ("c", 1, "x")]


def test_a_replayed_delete_is_of_when_its_file_was_read_first(orders, job):
    orders.declare(ORDERS.replace('order_by = "n"', ""))
    first = orders.file(("a", 1, "D", ""), ("b", "x", "I", "wrong"))
    second = orders.file(("a", "x", "I", "wrong"), ("c", 1, "I", "x"))
    for path in (first, second):
        assert job("ingest", "orders", path, "--max-rejects", 1).exit_code == 0
    text = second.read_text()
    second.unlink()
    assert job("rejects", "replay", "orders", "--max-rejects", 1).counts == {"read": 2, "rejected": 1, "deleted": 1}
    second.write_text(text.replace("a,x,I,wrong", "a,1,I,mended"))
    replayed = job("rejects", "replay", "orders", "--max-rejects", 1).report
    assert orders.there == [("a", 1, "mended"), ("c", 1, "x")], replayed


def test_deletes_of_which_no_replay_can_ask_are_kept_where_rows_are_ordered_alone(orders, rows, lake):
    orders.ingest(("a", 5, "D", ""), ("b", 1, "I", "x"))
    assert orders.ingest(("a", 5, "D", ""), ("b", 1, "I", "x")) == {"read": 2, "deleted": 1, "unchanged": 1}
    assert len(rows("sluice_deletes", "key")) == 1
    orders.declare(ORDERS.replace('order_by = "n"', "").replace("orders_by_op", "others_by_op"), "others")
    assert orders.ingest(("a", 5, "D", ""), ("b", 1, "I", "x"), into="others")["deleted"] == 1
    assert len(rows("sluice_deletes", "key")) == 1


@pytest.mark.slow
def test_a_delete_that_changes_nothing_is_of_the_version_there_is(orders, job, rows):
    orders.ingest(("b", 1, "I", "x"))
    orders.ingest(("a", 5, "D", ""))
    assert rows("sluice_deletes", "key", "table_version") == [('["a"]', 1)]
    orders.ingest(("b", 2, "U", "y"))
    assert job("maintain", "restore", "orders", "--version", 1).exit_code == 0
    assert orders.ingest(("a", 4, "I", "late")) == {"read": 1, "duplicate": 1}


@pytest.mark.slow
@pytest.mark.parametrize("order_by", ["", 'order_by = "n"'])
def test_a_replayed_row_does_not_revive_what_a_later_run_deleted(orders, job, rows, order_by):
    orders.declare(ORDERS.replace('order_by = "n"', order_by))
    path = orders.file(("a", "x", "I", "wrong"), ("b", "x", "I", "wrong"), ("c", 1, "I", "x"))
    assert job("ingest", "orders", path, "--max-rejects", 2).exit_code == 0
    orders.ingest(("a", 7, "D", ""), ("d", 1, "D", ""))
    path.write_text(path.read_text().replace("x,I,wrong", "7,I,mended"))
    assert job("rejects", "replay", "orders").counts == {"read": 3, "duplicate": 1, "inserted": 1, "unchanged": 1}
    assert orders.there == [("b", 7, "mended"), ("c", 1, "x")]
    assert orders.ingest(("a", 7, "I", "as new")) == {"read": 1, "inserted": 1}


@pytest.mark.slow
def test_a_replayed_row_stands_against_what_an_earlier_run_deleted(orders, job):
    orders.ingest(("a", 7, "D", ""))
    path = orders.file(("a", 7, "I", "x"), ("b", "x", "I", "wrong"))
    assert job("ingest", "orders", path, "--max-rejects", 1).counts == {"read": 2, "rejected": 1, "inserted": 1}
    path.write_text(path.read_text().replace("a,7,I,x\nb,x", "a,7,I,y\nb,1"))
    assert job("rejects", "replay", "orders").counts == {"read": 2, "updated": 1, "inserted": 1}


def test_a_dry_run_counts_and_remembers_nothing(orders, lake):
    orders.ingest(("a", 1, "I", "x"))
    assert orders.ingest(("a", 5, "D", ""), options=("--dry-run",)) == {"read": 1, "deleted": 1}
    assert not (lake / "sluice_deletes").exists()
    assert orders.there == [("a", 1, "x")]


def test_the_same_file_again_changes_nothing(orders, job, rows):
    orders.ingest(("a", 1, "I", "x"), ("b", 1, "I", "x"))
    path = orders.file(("a", 5, "D", ""), ("b", 2, "U", "y"), ("b", 2, "U", "z"))
    assert job("ingest", "orders", path).counts == {"read": 3, "duplicate": 1, "deleted": 1, "updated": 1}
    again = job("ingest", "orders", path, "--reprocess").counts
    assert again == {"read": 3, "duplicate": 1, "deleted": 1, "unchanged": 1}
    assert orders.there == [("b", 2, "z")]
    assert orders.ingest(("a", 5, "U", "equal")) == {"read": 1, "inserted": 1}


def expected(records):
    """What is there after all records, in the order of their arrival, however they were split into runs."""
    newest = {}
    for record in records:
        if record[0] not in newest or newest[record[0]][1] <= record[1]:
            newest[record[0]] = record
    return sorted(((key, n, value) for key, n, op, value in newest.values() if op != "D"), key=repr)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_runs_come_to_the_newest_rows(orders, job, rows, seed):
    chance, seen, total = random.Random(seed), [], 0
    for run in range(8):
        records = [
            (chance.choice("abcdef"), chance.randrange(12), chance.choice("IUDD"), f"{run}-{i}") for i in range(5)
        ]
        counts = orders.ingest(*records)
        seen += records
        assert counts.pop("read") == sum(counts.values()) == len(records)
        assert orders.there == expected(seen), records
        assert job("aggregate", "orders").exit_code == 0
        total = sum(count for _, count in rows("orders_by_op", "op", "orders"))
        assert total == len(orders.there)
