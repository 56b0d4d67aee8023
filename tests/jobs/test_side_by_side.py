"""Eight real runs at once, each on a table of its own: no bookkeeping is lost."""

from __future__ import annotations

from itertools import combinations

import pytest

COLUMNS = ("sku", "name", "description")


@pytest.mark.slow
def test_eight_at_a_time_lose_nothing(submit, job, rows, csv_file):
    records = [f"s{i},n{i % 7},d{i % 3}" for i in range(500)]
    job("ingest", "products", csv_file("a.csv", ",".join(COLUMNS), *records), "--run-id", "first")
    groups = [",".join(chosen) for n in (1, 2, 3) for chosen in combinations(COLUMNS, n)]
    calls = [["aggregate", "products", "--by", by] for by in groups] + [["aggregate", "products_agg"]]
    memory = ["--driver-memory", "512m"]
    running = [submit(*memory, *call, "--run-id", f"r{n}") for n, call in enumerate(calls)]
    assert [process.communicate(timeout=500) and process.returncode for process in running] == [0] * 8
    kept = rows("runs", "run_id", "attempt", "status")
    assert kept == [("first", 1, "succeeded"), *((f"r{n}", 1, "succeeded") for n in range(8))]
    assert sum(count for _, count in rows("products_by_name", "name", "count")) == 500
    # the same ids again are new attempts of the same runs
    running = [submit(*memory, *call, "--full-refresh", "--run-id", f"r{n}") for n, call in enumerate(calls)]
    assert [process.communicate(timeout=500) and process.returncode for process in running] == [0] * 8
    assert [row[1:] for row in rows("runs", "run_id", "attempt", "status") if row[0] == "r3"] == [
        (1, "succeeded"),
        (2, "succeeded"),
    ]
