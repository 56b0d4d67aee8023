"""Rows that are ordered, and rows that delete their key: the newest stands, in whatever runs they arrive.

What becomes of each row is in `tests/ingest/test_classify.py`, case by case. Here are whole jobs, and what is
remembered of deletes.
"""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from conftest import run_job
from deltalake import write_deltalake
from sluice.lake.lake import Lake
from sluice.lake.writer import Writer
from sluice.ledger import deletes
from sluice.model.table import Column, Table

ORDERS = """
key = ["id"]
order_by = "n"
delete_when = "op = 'D'"
source = { format = "csv" }
columns = { id = "string", n = "int", op = "string", value = "string" }
aggregates = { orders_by_op = { by = ["op"], measures = { orders = "count" } } }
"""
WITHOUT_ORDER = ORDERS.replace('order_by = "n"', "")


def write_orders(path, *records):
    """A file of orders from (id, n, op, value)."""
    path.write_text("id,n,op,value\n" + "".join(",".join(map(str, record)) + "\n" for record in records))
    return path


@pytest.fixture
def orders(tmp_path, monkeypatch, job, rows):
    """Ingests rows (id, n, op, value) as a file of their own and gives the report's counts."""
    folder = tmp_path / "declared"
    folder.mkdir()
    monkeypatch.setenv("SLUICE_TABLES", str(folder))

    class Orders:
        files = 0

        def declare(self, text=ORDERS):
            (folder / "orders.toml").write_text(text)

        def file(self, *records):
            self.files += 1
            return write_orders(tmp_path / f"{self.files}.csv", *records)

        def ingest(self, *records, options=()):
            done = job("ingest", "orders", self.file(*records), *options)
            assert done.exit_code == 0, done.stderr
            return done.counts

        @property
        def there(self):
            return rows("orders", "id", "n", "value")

    made = Orders()
    made.declare()
    return made


FIRST = [
    ("within", 5, "I", "new"),
    ("within", 4, "U", "old"),  # later in the file
    ("gone", 2, "D", ""),
    ("gone", 1, "I", "x"),
    *((name, 1, "I", "x") for name in ("equal", "late", "back", "kept")),
]
SECOND = [
    ("within", 3, "U", "older"),
    ("gone", 1, "U", "late"),
    ("equal", 1, "U", "y"),
    ("equal", 1, "U", "z"),
    ("late", 5, "D", ""),
    ("back", 5, "D", ""),
    ("late and new", 5, "D", ""),  # never in the table
    ("back and new", 5, "D", ""),
    ("new", 1, "I", "x"),
]
THERE = [("equal", 1, "z"), ("kept", 1, "x"), ("new", 1, "x"), ("within", 5, "new")]
REMEMBERED = [('["gone"]', "2", 1), *((f'["{name}"]', "5", 2) for name, _, op, _ in SECOND if op == "D")]
REMEMBERED.sort(key=repr)


def two_runs(folder):
    """Two files of orders in two runs; gives their counts, and the second file."""
    files = [write_orders(folder / "1.csv", *FIRST), write_orders(folder / "2.csv", *SECOND)]
    return [run_job("ingest", "orders", file).counts for file in files], files[1]


def remembered(rows):
    return rows("sluice_deletes", "key", "ordered_by", "table_version")


def test_the_newest_row_of_each_key_stands_in_whatever_runs_they_arrive(orders, template, job, rows):
    (first, second), file = template(two_runs)
    assert first == {"read": 8, "duplicate": 2, "deleted": 1, "inserted": 5}
    assert second == {"read": 9, "duplicate": 3, "deleted": 4, "updated": 1, "inserted": 1}
    assert (orders.there, remembered(rows)) == (THERE, REMEMBERED)
    again = job("ingest", "orders", file, "--reprocess").counts
    assert again == {"read": 9, "duplicate": 3, "deleted": 4, "unchanged": 2}
    assert (orders.there, remembered(rows)) == (THERE, REMEMBERED)
    third = [("late", 4, "U", ""), ("late and new", 4, "I", ""), ("kept", 0, "D", "")]
    third += [("back", 5, "I", "as new"), ("back and new", 6, "I", "newer")]
    assert orders.ingest(*third) == {"read": 5, "duplicate": 3, "inserted": 2}
    assert orders.there == sorted([*THERE, ("back", 5, "as new"), ("back and new", 6, "newer")], key=repr)
    assert rows("sluice_deletes", "table", "key") == sorted((("orders", row[0]) for row in REMEMBERED), key=repr)


def test_clear_forgets_deletes_and_restore_those_of_later_versions(orders, template, job):
    template(two_runs)
    assert job("maintain", "restore", "orders", "--version", 1).exit_code == 0
    late = [("gone", 1, "U", "late"), ("late", 4, "U", "y"), ("late and new", 4, "I", "y")]
    assert orders.ingest(*late) == {"read": 3, "duplicate": 1, "updated": 1, "inserted": 1}
    assert job("maintain", "clear", "orders").exit_code == 0
    assert orders.ingest(("gone", 1, "U", "late")) == {"read": 1, "inserted": 1}


def test_a_dry_run_counts_and_remembers_nothing(orders, template, rows):
    template(two_runs)
    assert orders.ingest(("kept", 5, "D", ""), options=("--dry-run",)) == {"read": 1, "deleted": 1}
    assert (orders.there, remembered(rows)) == (THERE, REMEMBERED)


@pytest.mark.slow
def test_a_table_made_anew_knows_no_deletes(orders, lake):
    orders.ingest(("a", 5, "D", ""), ("b", 1, "I", "x"))
    shutil.rmtree(lake / "orders")
    assert orders.ingest(("b", 1, "I", "x")) == {"read": 1, "inserted": 1}
    assert orders.ingest(("a", 4, "I", "x")) == {"read": 1, "inserted": 1}


def test_without_an_order_the_last_row_deletes_or_is_there_and_nothing_is_remembered(orders, lake):
    orders.declare(WITHOUT_ORDER)
    first = orders.ingest(("a", 5, "I", "x"), ("b", 1, "I", "x"), ("b", 1, "D", ""))
    assert first == {"read": 3, "duplicate": 1, "deleted": 1, "inserted": 1}
    assert orders.ingest(("a", 1, "D", ""), ("b", 0, "I", "again")) == {"read": 2, "deleted": 1, "inserted": 1}
    assert orders.there == [("b", 0, "again")]
    assert not (lake / "sluice_deletes").exists()  # no row can be late, as no file can be replayed


@pytest.mark.slow  # the rule is tested in each of its cases by test_classify
def test_replayed_rows_stand_by_their_order_and_a_second_replay_revives_none(orders, job, rows):
    """Keys: `mended` has a greater order than what came since, `ended` is deleted by the file itself, `revived` by a
    later run at the same order."""
    path = orders.file(
        ("mended", "x", "I", "wrong"),
        ("ended", 9, "D", ""),
        ("revived", 7, "I", "x"),
        ("later", "y", "I", "wrong"),
        ("empty", "", "I", "wrong"),
    )
    first = job("ingest", "orders", path, "--max-rejects", 3).counts
    assert first == {"read": 5, "rejected": 3, "deleted": 1, "inserted": 1}
    assert ("empty,,I,wrong", "n is empty") in rows("rejects", "raw", "reason")
    orders.ingest(("mended", 5, "I", "later"), ("ended", 3, "I", "late"), ("revived", 7, "D", ""))
    path.write_text(path.read_text().replace("mended,x,I,wrong", "mended,7,I,y").replace("empty,,", "empty,1,"))
    assert job("rejects", "replay", "orders", "--max-rejects", 1).counts == {
        "read": 5,
        "rejected": 1,
        "updated": 1,
        "deleted": 1,
        "duplicate": 1,
        "inserted": 1,
    }
    assert orders.there == [("empty", 1, "wrong"), ("mended", 7, "y")]
    path.write_text(path.read_text().replace("later,y,I,wrong", "later,1,I,x").replace("1,I,wrong", "1,I,mended"))
    assert job("rejects", "replay", "orders").counts == {
        "read": 5,
        "unchanged": 1,
        "deleted": 1,
        "duplicate": 1,
        "updated": 1,
        "inserted": 1,
    }
    assert orders.there == [("empty", 1, "mended"), ("later", 1, "x"), ("mended", 7, "y")]


@pytest.mark.slow  # the rule is tested in each of its cases by test_classify, and by a_replayed_delete below
def test_without_an_order_replayed_rows_and_deletes_are_of_when_their_file_was_read_first(orders, job):
    """Key `a`: the first file deletes it, the second brings it. Key `b`: the second brings it, a third deletes it."""
    orders.declare(WITHOUT_ORDER)
    first = orders.file(("a", 1, "D", ""), ("z", "x", "I", "wrong"))
    second = orders.file(("a", "x", "I", "wrong"), ("b", 1, "I", "x"), ("c", 1, "I", "x"), ("d", "y", "I", "wrong"))
    for path in (first, second):
        assert job("ingest", "orders", path, "--max-rejects", 2).exit_code == 0
    orders.ingest(("b", 1, "D", ""))
    text = second.read_text()
    second.unlink()
    assert job("rejects", "replay", "orders", "--max-rejects", 1).counts == {"read": 2, "rejected": 1, "deleted": 1}
    second.write_text(text.replace("a,x,I,wrong", "a,1,I,mended"))
    replayed = job("rejects", "replay", "orders", "--max-rejects", 2).counts
    assert replayed == {"read": 6, "rejected": 2, "duplicate": 2, "unchanged": 1, "inserted": 1}
    assert orders.there == [("a", 1, "mended"), ("c", 1, "x")]
    second.write_text(text.replace("a,x,I,wrong", "a,2,I,again").replace("d,y,I,wrong", "d,1,I,x"))
    replayed = job("rejects", "replay", "orders", "--max-rejects", 1).counts
    assert replayed == {"read": 6, "rejected": 1, "duplicate": 2, "unchanged": 1, "updated": 1, "inserted": 1}
    assert orders.there == [("a", 2, "again"), ("c", 1, "x"), ("d", 1, "x")]


MOMENTS = [datetime(2025, 1, day, tzinfo=UTC) for day in range(1, 5)]


@pytest.fixture
def ledger(spark, lake):
    """A lake with tables `orders` and `others` as of which deletes are remembered: `ledger.lake("a run")`."""

    class Ledger:
        table = Table(
            "orders",
            (Column("id"), Column("part", "int"), Column("n", "int")),
            ("id", "part"),
            reader=None,
            reading=None,
            order_by="n",
            delete_when="n = 0",
        )

        def __init__(self):
            for name in ("orders", "others"):
                write_deltalake(lake / name, pa.table({"id": ["a"]}))

        def lake(self, run_id):
            return Lake(spark, str(lake), "ingest", Writer(run_id, 60, print))

        def remember(self, run_id, version, *rows, table=None, schema="id string, part int, n int"):
            frame = spark.createDataFrame(list(rows), schema)
            deletes.remember(self.lake(run_id), table or self.table, frame, datetime.now(UTC), version)

        def buried(self, *keys, table=None):
            """The last delete of each key, as (order, moment, run)."""
            rows = spark.createDataFrame([(*key, 0) for key in keys], "id string, part int, n int")
            found = deletes.with_buried(rows, self.lake("now"), table or self.table).collect()
            return {(row.id, row.part): row._buried and tuple(row._buried) for row in found}

    return Ledger()


def test_the_last_delete_of_a_key_is_the_one_of_the_greatest_order_then_the_latest(ledger):
    ledger.remember("first", 2, ("a", 1, 10), ("a", 2, 5), ("b", 1, 7))
    ledger.remember("second", 3, ("a", 1, 9), ("b", 1, 7))  # 10 is more than 9, though not as text
    ledger.remember("other", 2, ("a", 1, 99), ("c", 1, 99), table=replace(ledger.table, name="others"))
    found = ledger.buried(("a", 1), ("a", 2), ("b", 1), ("c", 1), ("a", 3))
    assert {key: last and (last[0], last[2]) for key, last in found.items()} == {
        ("a", 1): (10, "first"),
        ("a", 2): (5, "first"),
        ("b", 1): (7, "second"),
        ("c", 1): None,
        ("a", 3): None,
    }
    assert datetime.now() - found["b", 1][1] < timedelta(minutes=5)


def test_a_replayed_delete_is_of_when_its_file_was_read_first(ledger):
    unordered = replace(ledger.table, order_by="")
    schema = "id string, part int, n int, _read_at timestamp"
    ledger.remember("later", 3, ("a", 1, 1, MOMENTS[1]), ("b", 1, 9, MOMENTS[1]), schema=schema, table=unordered)
    ledger.remember("again", 4, ("a", 1, 0, MOMENTS[2]), ("b", 1, 9, MOMENTS[0]), schema=schema, table=unordered)
    assert ledger.buried(("a", 1), ("b", 1), table=unordered) == {
        ("a", 1): (None, MOMENTS[2].replace(tzinfo=None), "again"),
        ("b", 1): (None, MOMENTS[1].replace(tzinfo=None), "later"),
    }


def test_deletes_of_later_versions_are_forgotten_and_those_of_other_tables_never(ledger, rows):
    for version, id in ((0, "a"), (2, "b"), (3, "c")):
        ledger.remember("a run", version, (id, 1, 5))
    ledger.remember("a run", 3, *((id, 1, 5) for id in "abc"), table=replace(ledger.table, name="others"))
    for after, left in ((2, ["a", "b"]), (0, ["a"]), (-1, [])):
        deletes.forget(ledger.lake("").root, "orders", after, Writer("a run", 60, print))
        assert rows("sluice_deletes", "table", "key") == [
            *(("orders", f'["{id}","1"]') for id in left),
            *(("others", f'["{id}","1"]') for id in "abc"),
        ]


def test_where_nothing_was_deleted_or_the_table_is_new_no_key_has_a_delete(ledger, lake):
    assert ledger.buried(("a", 1)) == {("a", 1): None}
    ledger.remember("of an earlier table", 5, ("a", 1, 5))
    assert ledger.buried(("a", 1))["a", 1][0] == 5
    shutil.rmtree(lake / "orders")
    assert ledger.buried(("a", 1)) == {("a", 1): None}


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


def test_what_a_run_remembered_that_never_merged_is_forgotten(orders, rows, monkeypatch):
    orders.declare()
    orders.ingest((1, 10, "I", "a"), (2, 10, "I", "a"))
    with monkeypatch.context() as patch:
        patch.setattr(Lake, "merge", None)
        lost = orders.file((1, 20, "D", ""))
        assert run_job("ingest", "orders", lost).exit_code == 1
    assert rows("sluice_deletes", "key") == [('["1"]',)]
    assert orders.ingest((1, 15, "U", "b"), (2, 20, "D", "")) == {"read": 2, "updated": 1, "deleted": 1}
    assert rows("orders", "id", "value") == [("1", "b")]
    assert rows("sluice_deletes", "key", "ordered_by") == [('["2"]', "20")]
    assert run_job("ingest", "orders", lost).counts == {"read": 1, "deleted": 1}
    assert rows("sluice_deletes", "key", "ordered_by") == [('["1"]', "20"), ('["2"]', "20")]
