"""A declared table with the first and the last moments, through all jobs, in another zone than UTC."""

from __future__ import annotations

import json
import time

import pytest

TABLE = """
key = ["id", "date"]
partition_by = ["date"]
[source]
format = "csv"
[columns]
id = "string"
at = { type = "timestamp", timezone = "ZONE" }
date = { type = "date", field = "at", sql = "date(to_utc_timestamp(at, 'ZONE'))" }
[aggregates.moments_by_date]
by = ["date"]
measures = { rows = "count", last = "max:at" }
"""
KEPT = ["0001-01-02 00:00:00", "1582-10-10 00:00:00", "2024-01-01 00:00:00", "9999-12-30 00:00:00"]
LAST = "9999-12-31 23:59:59.999999"
BEYOND = {"UTC": ["0000-12-31 23:59:59"], "Asia/Tokyo": ["0001-01-01 00:00:00"], "America/New_York": [LAST]}


@pytest.fixture
def berlin(monkeypatch):
    with monkeypatch.context() as context:
        context.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()


SLOW = [pytest.param(zone, marks=pytest.mark.slow) for zone in ("UTC", "Asia/Tokyo")]


@pytest.mark.parametrize("zone", ["America/New_York", *SLOW])
def test_all_jobs_keep_or_refuse_them(job, tmp_path, rows, database, monkeypatch, berlin, zone):
    monkeypatch.setenv("SLUICE_TABLES", str(tmp_path))
    (tmp_path / "moments.toml").write_text(TABLE.replace("ZONE", zone))
    kept = KEPT + ([LAST] if zone == "UTC" else [])

    def ingest(moments, *options):
        path = tmp_path / "a.csv"
        path.write_text("id,at\n" + "".join(f"k,{moment}\n" for moment in moments))
        done = job("ingest", "moments", path, *options)
        assert done.exit_code == 0, done.stderr
        return done.counts

    counts = ingest([*kept, *BEYOND[zone]], "--max-rejects", "100%")
    assert counts == {"read": len(kept) + 1, "rejected": 1, "inserted": len(kept)}
    assert rows("rejects", "reason") == [("at is not in the years 1 to 9999 (UTC)",)]
    assert job("aggregate", "moments").exit_code == 0
    later = [moment.replace(":00:00", ":00:01") for moment in KEPT]
    assert ingest(later) == {"read": len(KEPT), "updated": len(KEPT)}
    refreshed = job("aggregate", "moments")
    assert (refreshed.exit_code, refreshed.report["mode"]) == (0, "incremental")
    assert refreshed.report["groups_recomputed"] == len(KEPT)
    question = ("query", "moments", "--by", "date", "--metric", "count,max:at", "--format", "json")
    answer = job(*question, "--source", "records")
    assert job(*question).answer == answer.answer
    assert [group["count"] for group in json.loads(answer.answer)] == [1] * len(kept)
    assert job("export", "moments", "moments_by_date").exit_code == 0
    assert database("SELECT date::text, rows FROM moments_by_date ORDER BY 1") == [
        (group["date"], group["count"]) for group in json.loads(answer.answer)
    ]
    for upkeep in (("optimize", "moments"), ("prune", "moments", "--before", "9999-12-31"), ("history", "moments")):
        assert job("maintain", *upkeep).exit_code == 0, upkeep
    assert job("aggregate", "moments", "--full-refresh").exit_code == 0
    assert rows("moments_by_date", "rows") == [(1,)] * len(kept)
