"""An export sends what changed, without Java where delta-rs can read it."""

from __future__ import annotations

import json

import pytest
from conftest import HEADER
from processes import finished
from sluice.export import changed_rows

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
    monkeypatch.setattr(changed_rows, "_SLICE_BYTES", at_once)
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
