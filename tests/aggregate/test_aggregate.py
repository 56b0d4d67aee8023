"""`aggregate products`: whatever happened to the table, its aggregates equal a full recomputation."""

from __future__ import annotations

import json
import shutil
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sluice.aggregate import groups
from sluice.model.aggregate import Aggregate

HEADER = "sku,name,description"
CHANGES = "g string, v bigint, _change_type string"


def test_products_agg_counts_products_by_name_null_among_them(job, rows, csv_file):
    job("ingest", "products", csv_file("a.csv", HEADER, "1,x,", "2,x,", "3,,", "3,y,", "4,,"))
    done = job("aggregate", "products")
    assert (done.exit_code, done.report["mode"], done.report["groups_recomputed"]) == (0, "full", 3)
    assert rows("products_agg", "name", "no_of_products") == [("x", 2), ("y", 1), (None, 1)]
    again = job("aggregate", "products_agg")
    assert (again.report["status"], again.report["mode"], again.report["table_version"]) == ("nothing_new", "none", 0)


def test_only_touched_groups_are_recomputed_and_those_that_vanish_are_deleted(job, rows, csv_file):
    job("ingest", "products", csv_file("a.csv", HEADER, "1,x,", "2,x,", "3,y,", "4,,", "5,z,"))
    job("aggregate", "products")
    job("ingest", "products", csv_file("b.csv", HEADER, "1,new,", "3,,", "5,z,other"))
    done = job("aggregate", "products")
    assert (done.report["mode"], done.report["groups_recomputed"]) == ("incremental", 4)
    assert 0 < done.report["bytes_read"] < 20_000
    assert rows("products_agg", "name", "no_of_products") == [("new", 1), ("x", 1), ("z", 1), (None, 2)]


def test_where_no_group_changed_the_version_seen_is_committed_alone(job, lake, csv_file):
    job("ingest", "products", csv_file("a.csv", HEADER, "1,x,"))
    job("aggregate", "products")
    job("ingest", "products", csv_file("b.csv", HEADER, "1,x,only the description"))
    done = job("aggregate", "products")
    assert (done.report["mode"], done.report["groups_recomputed"], done.report["table_version"]) == (
        "incremental",
        0,
        1,
    )
    assert job("aggregate", "products").report["mode"] == "none"


def test_a_full_refresh_where_changes_cannot_be_told_says_why(job, lake, rows, csv_file):
    first, second = csv_file("a.csv", HEADER, "1,x,"), csv_file("b.csv", HEADER, "1,y,", "2,y,")
    job("ingest", "products", first)
    job("aggregate", "products")
    job("ingest", "products", second)
    job("aggregate", "products")
    done = job("maintain", "restore", "products", "--version", 0)
    assert (done.report["steps"][0]["mode"], "table products was restored" in done.stderr) == ("full", True)
    assert rows("products_agg", "name", "no_of_products") == [("x", 1)]
    shutil.rmtree(lake / "products")
    job("ingest", "products", second)
    done = job("aggregate", "products")
    assert (done.report["mode"], "table products was made anew" in done.stderr) == ("full", True)
    job("ingest", "products", first)
    shutil.rmtree(lake / "products" / "_change_data")
    done = job("aggregate", "products")
    assert (done.report["mode"], "change feed of products after version 0 is gone" in done.stderr) == ("full", True)
    done = job("aggregate", "products", "--full-refresh")
    assert (done.report["mode"], done.report["groups_recomputed"]) == ("full", 2)
    assert rows("products_agg", "name", "no_of_products") == [("x", 1), ("y", 1)]
    for log in sorted((lake / "products_agg" / "_delta_log").glob("*.json")):
        actions = [json.loads(line) for line in log.read_text().splitlines()]
        for action in actions:
            action.get("commitInfo", {}).pop("userMetadata", None)
        log.write_text("\n".join(map(json.dumps, actions)))
    done = job("aggregate", "products")
    assert (done.report["mode"], "its log does not say what it was built on" in done.stderr) == ("full", True)


def test_counts_by_any_columns_are_kept_up_later(job, rows, csv_file):
    job("ingest", "products", csv_file("a.csv", HEADER, "1,x,d", "2,x,d", "3,x,"))
    done = job("aggregate", "products", "--by", "name,description")
    assert done.report["table"] == "products_by_name_description"
    job("ingest", "products", csv_file("b.csv", HEADER, "4,x,d"))
    done = job("aggregate", "products")
    assert [(step["table"], step["mode"]) for step in done.report["steps"]] == [
        ("products_agg", "full"),
        ("products_by_name_description", "incremental"),
    ]
    assert rows("products_by_name_description", "name", "description", "count") == [("x", "d", 3), ("x", None, 1)]
    wrong = job("aggregate", "products", "--by", "price")
    assert (wrong.exit_code, "table products has no column 'price'" in wrong.stderr) == (2, True)


def test_without_its_table_or_by_an_unknown_name(job):
    missing = job("aggregate", "products")
    assert (missing.exit_code, "ingest files into it first" in missing.stderr) == (3, True)
    unknown = job("aggregate", "products_ag")
    assert (unknown.exit_code, "did you mean 'products_agg'?" in unknown.stderr) == (2, True)


def test_measures_that_changes_cannot_adjust_are_recomputed_for_touched_groups(spark):
    extremes = Aggregate("e", ("g",), {"n": "count", "least": "min:v", "most": "max:v", "total": "sum:v"})
    assert not extremes.adjustable
    rows = spark.createDataFrame([("a", 1), ("a", 7), ("b", 5), (None, 2), ("same", 1)], "g string, v bigint")
    old = spark.createDataFrame(
        [("a", 3, 0, 7, 8), ("b", 1, 5, 5, 5), ("gone", 1, 1, 1, 1), ("same", 1, 1, 1, 1), ("untouched", 9, 9, 9, 9)],
        "g string, n bigint, least bigint, most bigint, total bigint",
    )
    changes = spark.createDataFrame(
        [("a", 0, "delete"), (None, 2, "insert"), ("gone", 1, "delete"), ("same", 1, "update_postimage")], CHANGES
    )
    changed = groups.recomputed(changes, rows, old, extremes).collect()
    assert sorted(map(tuple, changed), key=repr) == [
        ("a", 2, 1, 7, 8, False),
        ("gone", None, None, None, None, True),
        (None, 1, 2, 2, 2, False),
    ]


NAMES = st.sampled_from(["x", "y", "", "z"])
STEPS = st.one_of(
    st.lists(st.tuples(st.integers(0, 5), NAMES), min_size=1, max_size=5),
    st.just("clear"),
    st.floats(0, 1),  # restore to the version at this share of the history
)


def _run_sequence(job, rows, lake, csv_file, steps):
    shutil.rmtree(lake, ignore_errors=True)
    job("ingest", "products", csv_file("0.csv", HEADER, "0,x,"))
    job("aggregate", "products")
    modes = []
    for number, step in enumerate(steps, 1):
        done = None
        if step == "clear":
            done = job("maintain", "clear", "products")
        elif isinstance(step, float):
            version = round(step * (len(list((lake / "products" / "_delta_log").glob("*.json"))) - 1))
            done = job("maintain", "restore", "products", "--version", version)
        else:
            job("ingest", "products", csv_file(f"{number}.csv", HEADER, *(f"{sku},{name}," for sku, name in step)))
        modes.append(done.report["steps"][0]["mode"] if done else job("aggregate", "products").report["mode"])
        expected = Counter(name for (name,) in rows("products", "name"))
        assert dict(rows("products_agg", "name", "no_of_products")) == expected
    return modes


@pytest.mark.slow
def test_after_a_sequence_of_all_kinds_it_equals_a_full_recomputation(job, rows, lake, csv_file):
    steps = [[(0, "y"), (1, "")], [(1, "x")], "clear", [(2, "z")], 0.5, [(2, "x"), (0, "")]]
    modes = _run_sequence(job, rows, lake, csv_file, steps)
    assert modes == ["incremental", "incremental", "full", "incremental", "full", "incremental"]


@pytest.mark.slow
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEPS, min_size=2, max_size=6))
def test_after_random_sequences_it_equals_a_full_recomputation(job, rows, lake, csv_file, steps):
    _run_sequence(job, rows, lake, csv_file, steps)
