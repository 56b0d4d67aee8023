"""Rows that a merge replaces: marked as deleted where they are few in a large table, else their files are rewritten."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pyarrow as pa
import pytest
import sluice
from conftest import HEADER
from deltalake import write_deltalake
from sluice.catalog.load import read_declaration
from sluice.errors import UsageError
from sluice.ingest import marking
from sluice.ingest.classify import Classified
from sluice.ingest.marking import decide
from sluice.lake import log
from sluice.tables import products

DECLARED = """
key = ["id"]
order_by = "at"
delete_when = "label = 'gone'"
[source]
format = "csv"
[columns]
id = "bigint"
label = "string"
at = "int"
[aggregates.by_label]
by = ["label"]
measures = { things = "count" }
"""


@pytest.fixture
def declare(tmp_path, monkeypatch):
    monkeypatch.setenv("SLUICE_TABLES", str(tmp_path / "tables"))
    (tmp_path / "tables").mkdir()

    def write(storage):
        (tmp_path / "tables" / "things.toml").write_text(DECLARED + storage)

    return write


def files(lake, table="products"):
    return {entry["path"] for entry in log.entries(str(lake), table)}


def many(csv_file, *changed):
    return csv_file("a.csv", HEADER, *(f"s{number},n,d" for number in range(40)), *changed)


@pytest.mark.parametrize(
    ("declared", "few", "size", "stored", "outcome", "expected"),
    [
        (None, True, 64, False, "updated", (True, True)),
        (None, True, 64, False, "removed", (True, True)),
        (None, True, 64, False, "deleted", (True, True)),
        (None, True, 64, False, "inserted", (False, False)),
        (None, True, 64, True, "updated", (True, False)),
        (None, True, 63, False, "updated", (False, False)),
        (None, True, 63, True, "updated", (True, False)),
        (None, False, 64, False, "updated", (False, False)),
        (None, False, 64, True, "updated", (False, False)),
        (True, False, 0, False, "updated", (True, True)),
        (True, False, 0, True, "updated", (True, False)),
        (False, True, 64, False, "updated", (False, False)),
        (False, True, 64, True, "updated", (False, True)),
    ],
)
def test_few_replaced_rows_of_a_large_table_are_marked(
    lake, declared, few, size, stored, outcome, expected, monkeypatch
):
    properties = {"delta.enableDeletionVectors": "true"} if stored else None
    write_deltalake(lake / "products", pa.table({"sku": ["a"]}), configuration=properties)
    monkeypatch.setattr(marking, "LARGE", log.size(str(lake), "products")[1] + 64 - size)
    plan = SimpleNamespace(table=replace(products.TABLE, deletion_vectors=declared))
    assert decide(str(lake), plan, Classified(None, {outcome: 1, "unchanged": 3}, None, few)) == expected


def test_marked_rows_are_gone_from_the_table_its_aggregate_and_postgresql(
    job, rows, lake, csv_file, database, monkeypatch
):
    monkeypatch.setattr(marking, "LARGE", 1)
    assert job("run", "products", many(csv_file)).exit_code == 0
    before = files(lake)
    changed = job("run", "products", csv_file("b.csv", HEADER, "s1,x,d", "s2,x,d", "new,x,d"))
    assert changed.report["steps"][0]["rows_updated"] == 2
    assert before < files(lake), "the file with the replaced rows stays"
    names = [("n", 38), ("x", 3)]
    assert rows("products_agg", "name", "no_of_products") == names == database("SELECT * FROM products_agg ORDER BY 1")
    assert [row for row in rows("products", "sku", "name") if row[1] == "x"] == [("new", "x"), ("s1", "x"), ("s2", "x")]
    assert len(rows("products", "sku")) == 41
    assert log.marked_rows(str(lake), "products") == 2


def test_a_declaration_decides_for_its_table(job, rows, lake, tmp_path, declare):
    declare("[storage]\ndeletion_vectors = true\n")
    (tmp_path / "a.csv").write_text("id,label,at\n" + "".join(f"{i},a,1\n" for i in range(5)))
    (tmp_path / "b.csv").write_text("id,label,at\n1,b,2\n2,gone,2\n")
    job("ingest", "things", tmp_path / "a.csv")
    before = files(lake, "things")
    assert job("ingest", "things", tmp_path / "b.csv").counts == {"read": 2, "updated": 1, "deleted": 1}
    assert before < files(lake, "things")
    assert rows("things", "id", "label") == [(0, "a"), (1, "b"), (3, "a"), (4, "a")]
    assert rows("sluice_deletes", "table_version") == [(3,)], "the version of the commit that deleted it"


@pytest.mark.slow
def test_rows_are_written_anew_where_they_are_many_or_the_declaration_says_so(job, rows, lake, tmp_path, declare):
    declare("[storage]\ndeletion_vectors = true\n")
    (tmp_path / "a.csv").write_text("id,label,at\n" + "".join(f"{i},a,1\n" for i in range(50)))
    (tmp_path / "b.csv").write_text("id,label,at\n1,b,2\n")
    (tmp_path / "c.csv").write_text("id,label,at\n" + "".join(f"{i},c,3\n" for i in range(25)))
    (tmp_path / "d.csv").write_text("id,label,at\n30,d,4\n")
    job("ingest", "things", tmp_path / "a.csv")
    job("ingest", "things", tmp_path / "b.csv")
    assert log.marked_rows(str(lake), "things") == 1
    declare("")
    job("ingest", "things", tmp_path / "c.csv")
    assert log.marked_rows(str(lake), "things") == 0
    job("ingest", "things", tmp_path / "d.csv")
    assert log.marked_rows(str(lake), "things") == 1
    before = files(lake, "things")
    declare("[storage]\ndeletion_vectors = false\n")
    (tmp_path / "d.csv").write_text("id,label,at\n31,d,4\n")
    job("ingest", "things", tmp_path / "d.csv")
    assert before - files(lake, "things")
    assert not log.stored(str(lake), "things").deletion_vectors
    labels = ["c"] * 25 + ["a"] * 5 + ["d"] * 2 + ["a"] * 18
    assert rows("things", "id", "label") == sorted(enumerate(labels), key=repr)


@pytest.mark.slow
def test_optimize_writes_marks_off_once_they_are_many(job, rows, lake, csv_file, monkeypatch):
    monkeypatch.setattr(marking, "LARGE", 1)
    job("ingest", "products", many(csv_file))
    job("ingest", "products", csv_file("b.csv", HEADER, "s1,x,d", "s2,x,d"))
    before = rows("products", "sku", "name")
    assert job("maintain", "optimize", "products").report["status"] == "succeeded"
    assert log.marked_rows(str(lake), "products") == 0
    assert rows("products", "sku", "name") == before
    assert job("maintain", "optimize", "products").report["status"] == "nothing_new"


@pytest.mark.slow
def test_marks_on_s3_are_as_on_disk(job, spark, s3_lake, csv_file, database, monkeypatch):
    def rows():
        stored = spark.read.format("delta").load(f"{s3_lake}/products").select("sku", "name")
        return sorted(map(tuple, stored.collect()))

    monkeypatch.setattr(marking, "LARGE", 1)
    job("ingest", "products", many(csv_file))
    assert job("ingest", "products", csv_file("b.csv", HEADER, "s1,x,d", "s2,x,d")).counts == {"read": 2, "updated": 2}
    assert log.marked_rows(s3_lake, "products") == 0, "not known: the folder has letters beyond ASCII"
    before = rows()
    assert (len(before), before[1], before[12]) == (40, ("s1", "x"), ("s2", "x"))
    assert job("query", "products", "--metric", "count", "--format", "csv").answer == "count\n40\n"
    assert job("export", "products").exit_code == 0
    assert sorted(database("SELECT sku, name FROM products")) == before
    with pytest.raises(UsageError, match="read it with Spark"):
        sluice.lake(s3_lake).read("products")
    assert job("maintain", "optimize", "products").report["status"] == "succeeded"
    assert rows() == before


def test_an_unknown_storage_is_refused(tmp_path, declare):
    declare('[storage]\ndeletion_vectors = "sometimes"\n')
    with pytest.raises(UsageError, match=r"storage\.deletion_vectors"):
        read_declaration(tmp_path / "tables" / "things.toml")
