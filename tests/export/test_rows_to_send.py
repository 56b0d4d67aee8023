"""An export sends what changed, without Java where delta-rs can read it."""

from __future__ import annotations

import json

import pytest
from conftest import HEADER
from processes import finished
from sluice.export import rows_to_send
from sluice.ingest import marking
from sluice.lake import rows as lake_rows

STATIONS = """
key = ["id"]
partition_by = ["city"]
[source]
format = "csv"
[columns]
id = "int"
city = "string"
height = "double"
"""


def test_an_export_starts_no_java(submit, job, csv_file, database, tmp_path, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))  # without a Java: a start of one would be the error
    for number, (mode, stored) in enumerate([("full", [("1", "x")]), ("incremental", [("1", "y"), ("2", "z")])]):
        job("ingest", "products", csv_file(f"{number}.csv", HEADER, *(f"{sku},{name}," for sku, name in stored)))
        code, out, err = finished(submit("export", "products"))
        assert (code, json.loads(out)["mode"]) == (0, mode), err
        assert database("SELECT sku, name FROM products ORDER BY sku") == stored


@pytest.mark.parametrize("at_once", [2_000, 1_000_000])  # bytes: several slices, or one
def test_changes_in_partitions_that_only_spark_reads(job, tmp_path, monkeypatch, database, at_once):
    monkeypatch.setattr(rows_to_send, "_SLICE_BYTES", at_once)
    monkeypatch.setenv("SLUICE_TABLES", str(tmp_path))
    (tmp_path / "stations.toml").write_text(STATIONS)
    path = tmp_path / "a.csv"
    states = [{1: "Köln", 2: "", 3: "a b"}, {1: "Bonn", 2: "50%", 4: ""}]
    for mode, state in zip(("full", "incremental"), states, strict=True):
        path.write_text("id,city,height\n" + "".join(f"{id},{city},0.5\n" for id, city in state.items()))
        assert job("ingest", "stations", path).exit_code == 0
        assert job("export", "stations").report["mode"] == mode
    expected = states[0] | states[1]
    rows = database("SELECT id, city, height FROM stations ORDER BY id")
    assert rows == [(id, expected[id] or None, 0.5) for id in sorted(expected)]


def test_all_rows_where_only_spark_finds_which_are_marked(job, csv_file, monkeypatch, database):
    monkeypatch.setattr(marking, "LARGE", 1)
    monkeypatch.setattr(rows_to_send, "_SLICE_BYTES", 1_000)
    monkeypatch.setattr(lake_rows, "finds_marks", lambda *_: False)
    job("ingest", "products", csv_file("a.csv", HEADER, *(f"s{number},n,d" for number in range(40))))
    job("ingest", "products", csv_file("b.csv", HEADER, "s1,x,d", "s2,x,d"))
    assert job("export", "products").counts == {"read": 40, "inserted": 40}
    assert database("SELECT name, count(*)::int FROM products GROUP BY 1 ORDER BY 1") == [("n", 38), ("x", 2)]
