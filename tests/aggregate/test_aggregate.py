"""`aggregate products`: whatever happened to the table, its aggregates equal a full recomputation."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import replace

import pyarrow as pa
import pytest
from conftest import HEADER, run_job
from deltalake import DeltaTable, write_deltalake
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sluice.aggregate import groups, refresh
from sluice.catalog import catalog
from sluice.lake import change_feed, log
from sluice.lake.log import State
from sluice.model.aggregate import Aggregate

CHANGES = "g string, v bigint, _change_type string"
PRODUCTS = catalog.BUILT_IN["products"]
[PRODUCTS_AGG] = PRODUCTS.aggregates


def make_lake(folder):
    """For `template`: products, and products_agg; gives what the job that made the latter did."""
    path = folder / "a.csv"
    path.write_text(f"{HEADER}\n1,x,d\n2,x,d\n3,,\n3,y,\n4,,\n5,z,d\n")
    assert run_job("ingest", "products", path).exit_code == 0
    return run_job("aggregate", "products")


def test_products_are_counted_and_only_groups_that_changes_touch_are_recomputed(job, template, rows, csv_file):
    def parts(done):
        return [(step["table"], step["mode"], step["groups_recomputed"]) for step in done.report["steps"]]

    def counts():
        return (
            rows("products_agg", "name", "no_of_products"),
            rows("products_by_name_description", "name", "description", "count"),
        )

    done = template(make_lake)
    assert (done.exit_code, done.report["mode"], done.report["groups_recomputed"]) == (0, "full", 4)
    by = job("aggregate", "products", "--by", "name,description").report
    assert (by["table"], by["mode"], by["groups_recomputed"]) == ("products_by_name_description", "full", 4)
    assert counts() == (
        [("x", 2), ("y", 1), ("z", 1), (None, 1)],
        [("x", "d", 2), ("y", None, 1), ("z", "d", 1), (None, None, 1)],
    )

    # some groups are new, some vanish, the group of null grows
    job("ingest", "products", csv_file("b.csv", HEADER, "1,new,d", "3,,", "5,z,other"))
    done = job("aggregate", "products")
    assert parts(done) == [("products_agg", "incremental", 4), ("products_by_name_description", "incremental", 6)]
    assert all(0 < step["bytes_read"] < 20_000 for step in done.report["steps"])
    assert counts() == (
        [("new", 1), ("x", 1), ("z", 1), (None, 2)],
        [("new", "d", 1), ("x", "d", 1), ("z", "other", 1), (None, None, 2)],
    )

    # where no group changed, the version seen is committed alone
    job("ingest", "products", csv_file("c.csv", HEADER, "2,x,only the description"))
    done = job("aggregate", "products")
    assert parts(done) == [("products_agg", "incremental", 0), ("products_by_name_description", "incremental", 2)]
    assert [step["table_version"] for step in done.report["steps"]] == [2, 2]
    again = job("aggregate", "products_agg").report
    assert (again["status"], again["mode"], again["table_version"]) == ("nothing_new", "none", 2)

    wrong = job("aggregate", "products", "--by", "price")
    assert (wrong.exit_code, "table products has no column 'price'" in wrong.stderr) == (2, True)


def test_a_full_refresh_that_was_requested_or_where_changes_do_not_suffice_says_why(
    job, template, lake, rows, csv_file
):
    template(make_lake)
    job("ingest", "products", csv_file("b.csv", HEADER, "1,y,", "2,y,"))
    shutil.rmtree(lake / "products" / "_change_data")
    done = job("aggregate", "products")
    assert (done.report["mode"], "change feed of products after version 0 is gone" in done.stderr) == ("full", True)
    assert rows("products_agg", "name", "no_of_products") == [("y", 3), ("z", 1), (None, 1)]
    done = job("maintain", "restore", "products", "--version", 0)
    assert (done.report["steps"][0]["mode"], "table products was restored" in done.stderr) == ("full", True)
    assert rows("products_agg", "name", "no_of_products") == [("x", 2), ("y", 1), ("z", 1), (None, 1)]
    done = job("aggregate", "products", "--full-refresh")
    assert (done.report["mode"], done.report["groups_recomputed"]) == ("full", 4)


def test_why_an_aggregate_cannot_be_refreshed_from_changes(template, lake):
    def obstacle(aggregate=PRODUCTS_AGG):
        return refresh._obstacle(str(lake), refresh._look(str(lake), PRODUCTS, aggregate))

    template(make_lake)
    assert obstacle() is None
    assert obstacle(replace(PRODUCTS_AGG, name="products_other")) == "it does not exist yet"
    assert obstacle(replace(PRODUCTS_AGG, measures={"other": "count"})) == "its definition changed"
    write_deltalake(lake / "made_anew", pa.table({"sku": ["1"]}))
    shutil.rmtree(lake / "products")
    (lake / "made_anew").rename(lake / "products")
    assert obstacle() == "table products was made anew"
    for commit in sorted((lake / "products_agg" / "_delta_log").glob("*.json")):
        actions = [json.loads(line) for line in commit.read_text().splitlines()]
        for action in actions:
            action.get("commitInfo", {}).pop("userMetadata", None)
        commit.write_text("\n".join(map(json.dumps, actions)))
    assert obstacle() == "its log does not say what it was built on"


def test_changes_lead_from_a_version_to_a_later_one_of_the_same_table_that_was_not_restored_since(tmp_path):
    lake, path = str(tmp_path), tmp_path / "t"
    for number in range(3):
        write_deltalake(path, pa.table({"n": [number]}), mode="append")
    id, version, _ = current = log.state(lake, "t")
    anew, restored = "table t was made anew", "table t was restored, or its log does not reach back"

    def obstacle(since, current):
        return change_feed.obstacle(lake, "t", State(*since), State(*current))

    assert [obstacle((id, n), current) for n in range(4)] == [None, None, None, anew]
    assert obstacle(("another", 0), current) == anew
    DeltaTable(path).restore(1)
    assert [obstacle((id, n), (id, version + 1)) for n in range(4)] == [restored, restored, restored, None]
    DeltaTable(path).create_checkpoint()
    write_deltalake(path, pa.table({"n": [9]}), mode="append")
    for number in range(version + 2):  # as Delta cleans its log
        (path / "_delta_log" / f"{number:020}.json").unlink()
    assert [obstacle((id, n), (id, version + 2)) for n in (2, 3)] == [restored, None]


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
