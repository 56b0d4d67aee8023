"""Which row of a key wins and what becomes of each, as whole tables."""

from __future__ import annotations

import pytest
from chispa import assert_df_equality
from sluice.ingest import dedupe
from sluice.ingest.classify import with_outcomes
from sluice.model.table import Column, Table

ROWS = "key string, value string, file int, position bigint"


def table(*columns):
    return Table("t", tuple(map(Column, columns)), ("key",), reader=None, reading=None)


def test_the_last_in_order_of_file_and_position_is_not_superseded(spark):
    rows = spark.createDataFrame(
        [("a", "1", 0, 5), ("a", "2", 0, 70), ("a", "3", 1, 2), ("b", "4", 0, 9), ("b", "5", 0, 10)], ROWS
    )
    expected = [("a", "1", True), ("a", "2", True), ("a", "3", False), ("b", "4", True), ("b", "5", False)]
    marked = dedupe.mark_superseded(rows, ["key"], ["file", "position"]).select("key", "value", "_superseded")
    wanted = spark.createDataFrame(expected, "key string, value string, _superseded boolean")
    assert_df_equality(marked, wanted, ignore_row_order=True, ignore_nullable=True)


@pytest.mark.parametrize("few", [True, False])
def test_each_row_has_one_outcome(spark, few):
    schema = "key string, value string, _superseded boolean"
    rows = spark.createDataFrame(
        [
            ("a", "1", False),
            ("b", "2", False),
            ("b", "0", True),
            ("c", None, False),
            ("d", None, False),
            ("e", "x", False),
        ],
        schema,
    )
    stored = spark.createDataFrame(
        [("a", "1"), ("b", "1"), ("c", None), ("d", "4"), ("z", "9")], "key string, value string"
    )
    classified = with_outcomes(rows, stored, table("key", "value"), few=few).select("key", "value", "_outcome")
    wanted = spark.createDataFrame(
        [
            ("a", "1", "unchanged"),
            ("b", "2", "updated"),
            ("b", "0", "duplicate"),
            ("c", None, "unchanged"),
            ("d", None, "updated"),
            ("e", "x", "inserted"),
        ],
        "key string, value string, _outcome string",
    )
    assert_df_equality(classified, wanted, ignore_row_order=True, ignore_nullable=True)


def test_without_a_table_every_winner_is_new(spark):
    rows = spark.createDataFrame([("a", True), ("a", False)], "key string, _superseded boolean")
    outcomes = with_outcomes(rows, None, table("key")).select("_outcome").collect()
    assert sorted(row._outcome for row in outcomes) == ["duplicate", "inserted"]
