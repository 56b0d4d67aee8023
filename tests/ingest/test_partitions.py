"""Odd values of the columns that a table is partitioned by: kept exactly, or rejects that say why."""

from __future__ import annotations

import csv

import pytest

TABLE = """
key = ["id", "part"]
partition_by = ["part", "at"]
[source]
format = "csv"
[columns]
id = "int"
part = "string"
at = { type = "timestamp", timezone = "Europe/Berlin" }
[aggregates.odd_by_part]
by = ["part", "at"]
measures = { n = "count", last = "max:id" }
"""
ODD = [" ", "a b", "a/b=c", "%41", "é😀", "x'\"\\", "line\nend", "..", "[*?]", "p" * 250, "ä" * 125, "NULL", "null"]
REJECTED = {
    "__HIVE_DEFAULT_PARTITION__": "part is __HIVE_DEFAULT_PARTITION__, which stands for an empty one",
    "p" * 251: "part is too long for a partition's folder",
    "ä" * 126: "part is too long for a partition's folder",
    "/" * 84: "part is too long for a partition's folder",
}


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("SLUICE_TABLES", str(tmp_path))
    (tmp_path / "odd.toml").write_text(TABLE)

    def write(name, *records):
        with open(tmp_path / name, "w", newline="") as file:
            csv.writer(file).writerows([("id", "part", "at"), *records])
        return tmp_path / name

    return write


def test_texts_are_kept_exactly_or_rejected(job, rows, file):
    at = "2024-10-02T12:00:00"
    path = file("a.csv", *((n, part, at) for n, part in enumerate([*ODD, *REJECTED])))
    done = job("ingest", "odd", path, "--max-rejects", "100%")
    assert done.counts == {"read": len(ODD) + 4, "rejected": 4, "inserted": len(ODD)}
    assert {part for (part,) in rows("odd", "part")} == {*ODD}
    assert sorted(reason for (reason,) in rows("rejects", "reason")) == sorted(REJECTED.values())
    again = job("ingest", "odd", path, "--max-rejects", "100%", "--reprocess")
    assert again.counts == {"read": len(ODD) + 4, "rejected": 4, "unchanged": len(ODD)}


def test_partitions_by_time_are_refreshed_from_changes_in_the_repeated_hour_too(job, rows, file):
    """Both moments are 02:30 in Berlin: 00:30 and 01:30 in UTC."""
    first, second = "2024-10-27T02:30:00+02:00", "2024-10-27T02:30:00+01:00"
    job("ingest", "odd", file("a.csv", (1, "a", first), (2, "a", second)))
    assert job("aggregate", "odd").report["mode"] == "full"
    assert job("ingest", "odd", file("b.csv", (3, "a", first), (2, "a", second), (4, "b", first))).exit_code == 0
    assert job("aggregate", "odd").report["mode"] == "incremental"
    kept = rows("odd_by_part", "part", "n", "last")
    assert kept == [("a", 1, 2), ("a", 2, 3), ("b", 1, 4)]
    job("aggregate", "odd", "--full-refresh")
    assert rows("odd_by_part", "part", "n", "last") == kept
