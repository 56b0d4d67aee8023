"""`maintain`: fewer files, older files gone, and what was done to a table; its rows never change by it."""

from __future__ import annotations

import itertools
import json
import os
import time
from dataclasses import replace

import pytest
from conftest import HEADER, PROJECT, run_job
from deltalake import DeltaTable
from sluice.catalog import catalog
from sluice.lake import log
from sluice.maintain import history, optimize
from sluice.model.aggregate import Aggregate
from sluice.runtime import session


def make_lake(folder):
    for number in range(3):
        path = folder / f"{number}.csv"
        path.write_text(
            "".join(f"{line}\n" for line in (HEADER, *(f"s{i:02},n{number},d" for i in range(number, 30, 3))))
        )
        assert run_job("ingest", "products", path, "--run-id", f"run-{number}").exit_code == 0


@pytest.fixture
def products(template):
    """Three ingests of overlapping ranges of keys, in as many files or more."""
    template(make_lake)


def file_count(lake, table="products"):
    return len(DeltaTable(lake / table).file_uris())


def age(folder, days):
    """Makes files older; a log keeps its times in its commits."""
    then = time.time() - days * 86_400
    for root, _, names in os.walk(folder):
        for name in names:
            os.utime(os.path.join(root, name), (then, then))


def test_optimize_joins_files_and_keeps_rows_and_then_there_is_nothing_to_gain(job, lake, rows, products, monkeypatch):
    before, count = rows("products", "sku", "name", "run_id"), file_count(lake)
    done = job("maintain", "optimize", "products")
    assert (done.exit_code, done.report["status"], done.report["table_version"]) == (0, "succeeded", 3)
    assert f"products: {count} files of" in done.stderr
    assert "products: now 1 file of" in done.stderr
    assert (file_count(lake), rows("products", "sku", "name", "run_id")) == (1, before)
    monkeypatch.setattr(session, "opened", None)  # it must not be needed
    again = job("maintain", "optimize", "products")
    assert (again.exit_code, again.report["status"], again.report["table_version"]) == (0, "nothing_new", 3)
    assert "products: 1 file of" in again.stderr
    assert log.version(str(lake), "products") == 3


@pytest.mark.slow
def test_optimize_after_new_rows_has_something_to_gain_again(job, lake, products, csv_file):
    job("maintain", "optimize", "products")
    job("ingest", "products", csv_file("new.csv", HEADER, "t1,n,d", "t2,n,d"))
    assert job("maintain", "optimize", "products").report["status"] == "succeeded"
    assert file_count(lake) == 1


@pytest.mark.slow
def test_a_dry_run_of_optimize_logs_what_it_would_do_and_changes_nothing(job, lake, products):
    done = job("maintain", "optimize", "products", "--dry-run")
    assert (done.report["status"], "could be joined" in done.stderr) == ("succeeded", True)
    assert log.version(str(lake), "products") == 2


def test_large_tables_are_clustered_by_key_into_files_that_share_no_key(job, lake, spark, rows, products):
    before = rows("products", "sku", "name")
    spark.conf.set("spark.databricks.delta.optimize.maxFileSize", 1500)
    try:
        assert job("maintain", "optimize", "products").report["status"] == "succeeded"
    finally:
        spark.conf.set("spark.databricks.delta.optimize.maxFileSize", optimize.FILE_BYTES)
    ranges = sorted((entry["min.sku"], entry["max.sku"]) for entry in log.entries(str(lake), "products"))
    assert len(ranges) > 2
    assert all(high < low for (_, high), (low, _) in itertools.pairwise(ranges))
    assert rows("products", "sku", "name") == before
    # these files are small, yet no row changed since: doing it again would gain nothing
    assert job("maintain", "optimize", "products").report["status"] == "nothing_new"


def test_two_small_files_of_a_partition_are_joined_and_tables_with_partitions_are_not_clustered():
    table = replace(catalog.BUILT_IN["products"], partition_by=("description",))
    assert optimize.cluster_by(table) is None
    assert optimize.cluster_by(Aggregate("a", ("k",), {"n": "count"})) is None
    small, large = optimize.FILE_BYTES // 2, optimize.FILE_BYTES // 2 + 1
    entries = [{"partition.p": p, "size_bytes": size} for p, size in (("a", small), ("b", small), ("b", large))]
    assert optimize._small_files(entries) == 0
    assert optimize._small_files([{"size_bytes": 1}]) == 0
    assert optimize._small_files([{"size_bytes": 1}] * 2) == 2
    assert optimize._small_files([*entries, {"partition.p": "b", "size_bytes": 1}]) == 2


@pytest.mark.parametrize(
    ("ranges", "overlap"),
    [
        ([], 1),
        ([("a", "c")], 1),
        ([("a", "c"), ("d", "f"), ("g", "z")], 1),
        ([("a", "y"), ("b", "z")], 1.5),
        ([("a", "x"), ("b", "y"), ("c", "z")], 2),
        ([(None, None), ("a", "b")], 1),
    ],
)
def test_overlap_is_how_many_files_a_key_may_be_in(ranges, overlap):
    assert optimize._overlap([{"min.k": low, "max.k": high} for low, high in ranges], "k") == overlap


def test_the_size_that_is_judged_by_is_the_one_that_spark_is_set_to():
    settings = dict(
        line.split(None, 1) for line in (PROJECT / "conf/spark-defaults.conf").read_text().splitlines() if line
    )
    assert int(settings["spark.databricks.delta.optimize.maxFileSize"]) == optimize.FILE_BYTES


@pytest.mark.slow
def test_aggregates_and_exports_stay_incremental_over_an_optimize(job, rows, database, products, csv_file):
    job("aggregate", "products")
    job("export", "products")
    job("ingest", "products", csv_file("new.csv", HEADER, "s01,other,d"))
    assert job("maintain", "optimize", "products").report["status"] == "succeeded"
    assert job("maintain", "optimize", "products_agg").exit_code == 0
    refreshed = job("aggregate", "products").report
    assert (refreshed["mode"], refreshed["groups_recomputed"]) == ("incremental", 2)
    assert rows("products_agg", "name", "no_of_products") == [("n0", 10), ("n1", 9), ("n2", 10), ("other", 1)]
    exported = job("export", "products")
    assert (exported.report["mode"], exported.counts) == ("incremental", {"read": 1, "updated": 1}), exported.stderr
    assert database("SELECT count(*), count(*) FILTER (WHERE name = 'other') FROM products") == [(30, 1)]


@pytest.mark.slow
def test_an_aggregate_optimized_is_still_known_to_be_current(job, lake, products, csv_file):
    job("aggregate", "products")
    for number in range(3):
        job("ingest", "products", csv_file(f"a{number}.csv", HEADER, f"a{number},new{number},d"))
        job("aggregate", "products")
    assert job("maintain", "optimize", "products_agg").report["status"] == "succeeded"
    assert (file_count(lake, "products_agg"), job("aggregate", "products").report["status"]) == (1, "nothing_new")


@pytest.mark.slow
def test_vacuum_keeps_a_week_and_says_what_it_freed(job, lake, rows, products):
    job("maintain", "optimize", "products")
    before = rows("products", "sku", "name")
    kept = job("maintain", "vacuum", "products")
    assert (kept.report["status"], kept.report["table_version"]) == ("nothing_new", 3)
    assert "products: 0 files of 0 bytes freed" in kept.stderr
    files = set((lake / "products").rglob("*.parquet"))
    counted = job("maintain", "vacuum", "products", "--older-than", 0, "--force", "--dry-run")
    assert set((lake / "products").rglob("*.parquet")) == files
    done = job("maintain", "vacuum", "products", "--older-than", 0, "--force")
    gone = files - set((lake / "products").rglob("*.parquet"))
    assert done.report["status"] == "succeeded", done.stderr
    assert len(gone) == len(files) - 1
    assert f"products: {len(gone):,} files of" in done.stderr
    assert done.stderr.split("products: ")[1].split(" freed")[0] + " would be freed" in counted.stderr
    assert rows("products", "sku", "name") == before


def test_vacuum_of_less_than_a_week_is_refused_without_force(job, lake, products, monkeypatch):
    monkeypatch.setattr(session, "opened", None)
    refused = job("maintain", "vacuum", "products", "--older-than", 6.9)
    assert refused.exit_code == 2
    assert "table products: --older-than 6.9 deletes files less than 7 days old" in refused.stderr
    assert refused.stderr.splitlines()[-1].endswith("add --force")


@pytest.mark.slow
def test_vacuum_deletes_old_change_files_and_a_refresh_is_then_full(job, lake, rows, csv_file):
    job("ingest", "products", csv_file("a.csv", HEADER, "1,x,", "2,x,"))
    job("aggregate", "products")
    job("ingest", "products", csv_file("b.csv", HEADER, "1,y,", "3,y,"))
    feed = lake / "products" / "_change_data"
    assert list(feed.glob("*.parquet"))
    age(feed, 8)
    assert job("maintain", "vacuum", "products").report["status"] == "succeeded"
    assert list(feed.glob("*.parquet")) == []
    done = job("aggregate", "products")
    assert (done.report["mode"], "change feed of products after version 0 is gone" in done.stderr) == ("full", True)
    assert rows("products_agg", "name", "no_of_products") == [("x", 1), ("y", 2)]


@pytest.mark.slow
def test_a_version_whose_files_were_vacuumed_cannot_be_restored(job, rows, products):
    files = len(rows("ingested_files", "file"))
    job("maintain", "optimize", "products")
    job("maintain", "vacuum", "products", "--older-than", 0, "--force")
    done = job("maintain", "restore", "products", "--version", 1)
    assert done.exit_code == 2
    assert "table products: files of version 1 were vacuumed: choose a later one" in done.stderr
    assert len(rows("ingested_files", "file")) == files  # nothing is forgotten


def test_history_shows_who_did_what_to_how_many_rows(job, lake, products, csv_file, monkeypatch):
    path = csv_file("b.csv", HEADER, "s00,y,", "new,y,")
    job("run", "products", path, "--run-id", "two", "--dry-run")
    job("ingest", "products", path, "--run-id", "two")
    DeltaTable(lake / "products").delete("sku = 's01'")
    cleared = job("maintain", "clear", "products", "--run-id", "three")
    assert "steps" not in cleared.report
    assert not (lake / "products_agg").exists()  # an aggregate that is not in the lake is not made by a clear
    monkeypatch.setattr(session, "opened", None)
    shown = job("maintain", "history", "products")
    assert [tuple(row[name] for name in row if name != "time") for row in shown.report["rows"]] == [
        (5, "maintain", "three", "DELETE", None, None, 30),
        (4, None, None, "DELETE", None, None, None),  # not by Sluice: it does not say
        (3, "ingest", "two", "MERGE", 1, 1, 0),
        (2, "ingest", "run-2", "WRITE", 10, None, None),
        (1, "ingest", "run-1", "WRITE", 10, None, None),
        (0, "ingest", "run-0", "WRITE", 10, None, None),
    ]
    assert all(row["time"].endswith("+00:00") for row in shown.report["rows"])
    assert (shown.report["table_version"], "MERGE" in shown.stderr) == (5, True)
    newest = job("maintain", "history", "products", "--limit", 1)
    assert [row["version"] for row in newest.report["rows"]] == [5]


@pytest.mark.parametrize(
    ("metadata", "shown"),
    [
        (None, (None, None)),
        ("by hand", (None, None)),
        ("[]", (None, None)),
        ('{"run_id": "old"}', (None, "old")),
        (json.dumps({"run_id": "r", "job": "ingest"}), ("ingest", "r")),
    ],
)
def test_history_of_commits_that_do_not_say_who_made_them(metadata, shown):
    row = history._row({"version": 1, "timestamp": 0, "operation": "DELETE", "userMetadata": metadata})
    assert (row["job"], row["run_id"]) == shown


@pytest.mark.parametrize("command", ["optimize", "vacuum", "history"])
def test_a_missing_table_and_an_unknown_name(job, command):
    missing = job("maintain", command, "products")
    assert missing.exit_code == 3
    assert "table products is not in lake" in missing.stderr
    unknown = job("maintain", command, "product")
    assert (unknown.exit_code, "did you mean 'products'?" in unknown.stderr) == (2, True)


@pytest.mark.slow
def test_clear_and_restore_refresh_aggregates_and_exports_follow(job, rows, database, scores):
    path = scores("a.csv", ("a", 2), ("b", 1))
    job("run", "scores", path, "--with-records")
    found = [(1, "a"), (2, "b")]
    assert database("SELECT rank, id FROM top_scores ORDER BY rank") == found
    dry = job("maintain", "clear", "scores", "--dry-run").report
    assert (dry["rows_removed"], "steps" in dry, rows("top_scores", "rank", "id")) == (2, False, found)

    cleared = job("maintain", "clear", "scores").report
    assert (cleared["status"], cleared["rows_removed"], cleared["table_version"]) == ("succeeded", 2, 1)
    steps = [(step["job"], step["table"], step["status"], step["mode"]) for step in cleared["steps"]]
    assert steps == [("aggregate", "top_scores", "succeeded", "full")]
    assert rows("scores", "id") == rows("top_scores", "id") == []
    assert [step["rows_deleted"] for step in job("export", "scores", "top_scores").report["steps"]] == [2, 2]
    assert database("SELECT id FROM scores UNION ALL SELECT id FROM top_scores") == []

    restored = job("maintain", "restore", "scores", "--version", 0)
    assert "top_scores: full refresh: table scores was restored" in restored.stderr
    assert [(step["table"], step["mode"]) for step in restored.report["steps"]] == [("top_scores", "full")]
    assert rows("top_scores", "rank", "id") == found
    assert job("export", "scores", "top_scores").exit_code == 0
    assert database("SELECT rank, id FROM top_scores ORDER BY rank") == found
    assert database("SELECT id FROM scores ORDER BY id") == [("a",), ("b",)]
    job("maintain", "clear", "scores")
    assert job("ingest", "scores", path).counts == {"read": 2, "inserted": 2}
    assert job("maintain", "optimize", "top_scores").exit_code == 0
    assert job("maintain", "vacuum", "top_scores").exit_code == 0
    assert [row["operation"] for row in job("maintain", "history", "top_scores").report["rows"]][-1] == "WRITE"
