"""Which rows are superseded, by later rows, files or runs."""

from __future__ import annotations

from datetime import UTC, datetime

from chispa import assert_df_equality
from sluice.ingest import dedupe

ROWS = "key string, value string, file int, position bigint"


def test_the_last_in_order_of_file_and_position_is_not_superseded(spark):
    rows = spark.createDataFrame(
        [("a", "1", 0, 5), ("a", "2", 0, 70), ("a", "3", 1, 2), ("b", "4", 0, 9), ("b", "5", 0, 10)], ROWS
    )
    expected = [("a", "1", True), ("a", "2", True), ("a", "3", False), ("b", "4", True), ("b", "5", False)]
    marked = dedupe.mark_superseded(rows, ["key"], ["file", "position"]).select("key", "value", "_superseded")
    wanted = spark.createDataFrame(expected, "key string, value string, _superseded boolean")
    assert_df_equality(marked, wanted, ignore_row_order=True, ignore_nullable=True)


def superseded(rows):
    """The names of the superseded rows."""
    return sorted(row["name"] for row in rows.where("_superseded").collect())


def test_of_files_with_rows_of_one_snapshot_the_last_counts(spark):
    rows = [
        ("first file", 0, "both", False),
        ("last file", 1, "both", False),
        ("superseded in it", 1, "both", True),
        ("only in the first", 0, "one", False),
        ("twice in the first", 0, "one", False),
        ("no name", 0, None, False),
        ("no name, last file", 2, None, False),
    ]
    rows = spark.createDataFrame(rows, "name string, _file int, day string, _superseded boolean")
    marked = dedupe.mark_replaced(rows, ["day"])
    assert superseded(marked) == ["first file", "no name", "superseded in it"]


def test_a_replayed_file_is_outdated_where_another_run_brought_the_snapshot_since(spark):
    then, since, last = (datetime(2025, 1, day, tzinfo=UTC) for day in (1, 2, 3))
    rows = [
        ("not stored", "none", False),
        ("superseded, not stored", "none", True),
        ("stored before", "before", False),
        ("stored as it was read", "same", False),
        ("stored since", "since", False),
        ("stored since by a run that read it", "own", False),
        ("stored since by both, last by one that read it", "own last", False),
        ("stored since by both, last by the other", "other last", False),
        ("superseded, stored before", "before", True),
    ]
    rows = spark.createDataFrame(rows, "name string, day string, _superseded boolean")
    rows = rows.selectExpr("*", f"timestamp '{since}' _read_at", "array('reader', 'replay') _read_by")
    stored = [
        ("before", then, "other"),
        ("same", since, "other"),
        ("since", then, "reader"),
        ("since", last, "other"),
        ("own", last, "replay"),
        ("own last", datetime(2025, 1, 2, 12, tzinfo=UTC), "other"),
        ("own last", last, "replay"),
        ("other last", datetime(2025, 1, 2, 12, tzinfo=UTC), "replay"),
        ("other last", last, "other"),
    ]
    stored = spark.createDataFrame(stored, "day string, ingested_at timestamp, run_id string")
    marked = dedupe.mark_outdated(rows, stored, ["day"])
    assert ({*marked.columns}, marked.count()) == ({*rows.columns}, rows.count())
    assert superseded(marked) == [
        "stored since",
        "stored since by both, last by the other",
        "superseded, not stored",
        "superseded, stored before",
    ]


def test_removed_are_the_stored_rows_of_snapshots_that_come_again_without_them(spark):
    schema = "day string, id string"
    stored = spark.createDataFrame([("mon", "a"), ("mon", "b"), ("mon", "c"), ("tue", "a"), ("wed", "a")], schema)
    new = [("mon", "a", False), ("mon", "c", True), ("mon", "d", False), ("wed", "b", True), ("thu", "a", False)]
    new = spark.createDataFrame(new, f"{schema}, _superseded boolean")
    removed = dedupe.removed(new, stored, ["day", "id"], ["day"])
    assert sorted(map(tuple, removed.collect())) == [("mon", "b"), ("mon", "c")]
