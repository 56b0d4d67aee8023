"""Answers have every time that Spark has, whatever the driver's own zone."""

from __future__ import annotations

import json
import os
import time

import pytest

TABLE = """
key = ["id"]
[source]
format = "csv"
[columns]
id = "int"
at = "timestamp"
day = "date"
"""
LINES = [
    "id,at,day",
    "1,0001-01-01T00:00:00Z,0001-01-01",
    "2,9999-12-31T23:59:59.000001Z,9999-12-31",
    "3,2024-10-27T00:30:00Z,2024-10-27",
    "4,2024-10-27T01:30:00Z,",
]


@pytest.fixture
def in_zone():
    """Sets the driver's zone."""
    before = os.environ.get("TZ")

    def set_zone(name):
        os.environ.pop("TZ", None) if name is None else os.environ.update(TZ=name)
        time.tzset()

    yield set_zone
    set_zone(before)


def test_the_same_in_three_zones(job, tmp_path, monkeypatch, in_zone):
    monkeypatch.setenv("SLUICE_TABLES", str(tmp_path))
    (tmp_path / "moments.toml").write_text(TABLE)
    (tmp_path / "a.csv").write_text("\n".join(LINES))
    assert job("ingest", "moments", tmp_path / "a.csv").counts == {"read": 4, "inserted": 4}
    expected = [
        {"id": 1, "at": "0001-01-01T00:00:00Z", "day": "0001-01-01"},
        {"id": 2, "at": "9999-12-31T23:59:59.000001Z", "day": "9999-12-31"},
        {"id": 3, "at": "2024-10-27T00:30:00Z", "day": "2024-10-27"},
        {"id": 4, "at": "2024-10-27T01:30:00Z", "day": None},
    ]
    for zone in ("UTC", "Europe/Berlin", "America/New_York"):
        in_zone(zone)
        done = job("query", "moments", "--format", "json")
        assert [{name: row[name] for name in expected[0]} for row in json.loads(done.answer)] == expected
        least = job("query", "moments", "--metric", "min:at,max:at,max:day", "--format", "json")
        assert json.loads(least.answer) == [
            {"min_at": expected[0]["at"], "max_at": expected[1]["at"], "max_day": "9999-12-31"}
        ]
