"""The range of the keys that come narrows what is read of a table, never what becomes of a row."""

from __future__ import annotations

import re
from datetime import date, datetime

import pytest
from sluice.lake import log, scope
from sluice.lake.lake import Lake
from sluice.lake.writer import Writer

HEADER = "sku,name,description"
LONG = "a prefix longer than the thirty-two characters that statistics hold "
KEYS = [
    "!",
    "'",
    '"',
    "\\",
    "%_",
    "`a`",
    "A",
    "a",
    "é",
    "ß",
    "z",
    "中",
    "\U0001f600",
    "�",
    "~" * 1000,
    LONG,
    LONG + "1",
]


DAYS = [date(1, 1, 1), date(999, 12, 31), date(1582, 10, 4), date(1582, 10, 10), date(1582, 10, 15), date(9999, 12, 31)]


@pytest.mark.parametrize("day", DAYS)
def test_days_are_found_that_the_calendar_of_java_lacks(spark, day):
    rows = spark.createDataFrame([(day.isoformat(),) for day in DAYS], "d string").selectExpr("cast(d AS date) AS d")
    for within in (scope.Partitions(("d",), ((day,),)), scope.KeyRange("d", day, day)):
        assert [row["d"] for row in rows.where(within.holds()).collect()] == [day]


@pytest.fixture
def lake_(spark, lake):
    return Lake(spark, str(lake), "test", Writer("run", 60, print))


def frame(spark, keys, name):
    return spark.createDataFrame([(key, name) for key in keys], "sku string, name string")


SETS = [["", "\x01"], [""], ["é", "中"], [LONG + "0", LONG + "2"], ["'", "\\'"], KEYS]


def test_merges_within_the_range_of_their_keys_find_every_stored_key(spark, lake_):
    """Of each set also two keys that are not stored yet; files are skipped by it, and none that holds a key."""
    stored = dict.fromkeys(["", "\x01", *KEYS, *(LONG + str(i) for i in range(10))], "old")
    lake_.overwrite("t", frame(spark, stored, "old").repartition(3))
    for version, keys in enumerate(SETS):
        name, new = f"set {version}", {*keys, keys[0] + "+", keys[-1] + "new"}
        within = scope.key_range(frame(spark, new, name), ("sku",))
        low, high = (key.encode() for key in (within.low, within.high))
        found = lake_.read("t", version, within)
        assert sorted(map(tuple, found.collect())) == sorted(
            (key, value) for key, value in stored.items() if low <= key.encode() <= high
        )
        counts = lake_.merge("t", frame(spark, new, name), ("sku",), within)
        updated = len(new & stored.keys())
        assert counts == {"inserted": len(new) - updated, "updated": updated, "removed": 0}
        stored |= dict.fromkeys(new, name)
    assert sorted(map(tuple, lake_.read("t", len(SETS)).collect())) == sorted(stored.items())


def test_few_rows_of_odd_keys_into_a_large_table_are_classified_rightly(job, rows, csv_file):
    quoted = ['"' + key.replace('"', '""') + '"' for key in KEYS]
    filler = [f"f{i},n,d" for i in range(400)]
    job("ingest", "products", csv_file("a.csv", HEADER, *filler, *(f"{key},n,d" for key in quoted)))
    half = quoted[::2]
    done = job("ingest", "products", csv_file("b.csv", HEADER, *(f"{key},new,d" for key in half), '"~new",n,d'))
    assert done.counts == {"read": len(half) + 1, "updated": len(half), "inserted": 1}
    assert sorted(sku for sku, name in rows("products", "sku", "name") if name == "new") == sorted(KEYS[::2])
    assert len(rows("products", "sku")) == 400 + len(KEYS) + 1


def test_only_files_that_may_hold_a_key_are_read_and_rewritten(spark, lake_):
    lake_.overwrite("t", frame(spark, [f"{i:03}" for i in range(300)], "old").repartitionByRange(3, "sku"))
    new = frame(spark, ["110", "120"], "new")
    within = scope.key_range(new, ("sku",))
    assert len(lake_.read("t", 0).inputFiles()) == 3
    assert len(lake_.read("t", 0, within).inputFiles()) == 1
    assert lake_.merge("t", new, ("sku",), within) == {"inserted": 0, "updated": 2, "removed": 0}
    (commit,) = log.history(lake_.root, "t", 1)
    assert re.search(r"sku#\d+ >= 110.*sku#\d+ <= 120", commit["operationParameters"]["predicate"])


@pytest.mark.parametrize(
    ("rows", "schema", "expected"),
    [
        ([], "k string", None),
        ([("b",), ("a",), ("c",)], "k string", ("a", "c")),
        ([(2,), (-1,)], "k bigint", (-1, 2)),
        ([(datetime(2024, 1, 1),)], "k timestamp", None),  # Python knows it in a time zone of its own
    ],
)
def test_the_range_of_rows(spark, rows, schema, expected):
    found = scope.key_range(spark.createDataFrame(rows, schema), ("k",))
    assert (found and (found.low, found.high)) == expected
