"""Measures of groups: percentiles in memory and on disk are the same, and those of Spark's percentile_disc."""

from __future__ import annotations

import math
import os
import random
import subprocess
import sys
from fractions import Fraction

import pytest
from conftest import PROJECT, spark_environment
from pyspark.sql import functions as F
from sluice.aggregate import measures
from sluice.errors import UsageError
from sluice.model.aggregate import Aggregate

KINDS = {
    "rows": "count",
    "values": "count:v",
    "total": "sum:v",
    "least": "min:v",
    "most": "max:v",
    **{f"p{n}": f"p{n}:v" for n in (1, 25, 50, 75, 90, 99)},
}
OF = Aggregate("a", ("g", "h"), KINDS)


@pytest.fixture(scope="module")
def rows(spark):
    chance = random.Random(3)
    values = [
        (chance.choice(["a", "b", None]), chance.choice([1, None]), chance.choice([None, *range(20)]))
        for _ in range(3000)
    ]
    values += [
        ("alone", 1, 7),
        ("null", 1, None),
        *(("hundred", 1, n) for n in range(1, 101)),
        ("two", 1, 4),
        ("two", 1, 2),
    ]
    return spark.createDataFrame(values, "g string, h int, v int").persist()


def collected(frame):
    return sorted(map(tuple, frame.collect()), key=repr)


@pytest.mark.parametrize("largest_list", [10, 10**6])
def test_all_measures_equal_sparks_own(rows, largest_list, monkeypatch):
    monkeypatch.setattr(measures, "LARGEST_LIST", largest_list)
    ranks = [
        F.expr(f"percentile_disc(0.{n:02}) WITHIN GROUP (ORDER BY v)").alias(f"p{n}") for n in (1, 25, 50, 75, 90, 99)
    ]
    wanted = rows.groupBy("g", "h").agg(
        F.count("*").alias("rows"), F.count("v").alias("values"), F.sum("v"), F.min("v"), F.max("v"), *ranks
    )
    assert collected(measures.compute(rows, OF)) == collected(wanted)


def test_groups_are_counted_by_value_only_where_one_is_large(rows, monkeypatch):
    def plan(**options):
        return measures.compute(rows, OF, **options)._jdf.queryExecution().optimizedPlan().toString()

    assert "collect_list" in plan()
    monkeypatch.setattr(measures, "LARGEST_LIST", 10)
    assert "collect_list" not in plan()
    assert "collect_list" not in plan(largest_group=11)
    assert "collect_list" in plan(largest_group=10)  # known from the table's log: the rows are not counted


def test_two_values_take_the_lower_one_at_half(rows):
    two = {
        row.g: (row.p50, row.p99)
        for row in measures.compute(rows, OF).collect()
        if row.g in ("two", "hundred", "null", "alone")
    }
    assert two == {"two": (2, 4), "hundred": (50, 99), "null": (None, None), "alone": (7, 7)}


def test_an_aggregate_without_dimensions(rows, monkeypatch):
    total = Aggregate("a", (), {"rows": "count", "p50": "p50:v"})
    in_memory = collected(measures.compute(rows, total))
    monkeypatch.setattr(measures, "LARGEST_LIST", 10)
    assert collected(measures.compute(rows, total)) == in_memory


def test_inputs_and_derived_columns(rows):
    share = Aggregate(
        "a",
        ("g",),
        {"big": "count:is_big", "all": "count:v"},
        inputs={"is_big": "CASE WHEN v > 50 THEN 1 END"},
        derived={"share": "big / nullif(all, 0)"},
    )
    assert {row.g: row.share for row in measures.compute(rows, share).collect()}["hundred"] == 0.5


HUGE = """
from pyspark.sql import SparkSession
from sluice.aggregate import measures
from sluice.errors import UsageError
from sluice.model.aggregate import Aggregate
spark = SparkSession.builder.getOrCreate()
rows = spark.range(100_000_000).selectExpr("'g' AS g", "pmod(id * 7919, 100000000) / 1000D AS v")
of = Aggregate("a", ("g",), {"rows": "count", "p50": "p50:v", "p99": "p99:v"})
print(*measures.compute(rows, of).collect()[0])
"""


@pytest.mark.slow
def test_one_group_of_100_million_distinct_values_in_4_gb():
    environment = {**os.environ, **spark_environment("shipped"), "PYTHONPATH": str(PROJECT / "lib")}
    environment["PYSPARK_SUBMIT_ARGS"] = f"--driver-memory 4g {environment['PYSPARK_SUBMIT_ARGS']}"
    done = subprocess.run([sys.executable, "-c", HUGE], env=environment, capture_output=True, text=True, timeout=1800)
    assert done.stdout.split() == ["g", "100000000", "49999.999", "98999.999"], done.stderr[-2000:]


DOUBLES = {
    "fractions": [0.1, 0.2, 0.3, None, 1e15, -1e15],
    "tiny": [4e-10] * 3,
    "elementary charges": [1.6e-19, 3.2e-19],
    "near a whole": [123456.0000000004],
    "one is huge": [6.02e23, 1.0, -6.02e23],
    "all of the range": [1.7976931348623157e308, 5e-324, -1.7976931348623157e308],
    "the least": [5e-324] * 3,
    "too large": [1.7976931348623157e308] * 2,
    "too small": [-1.7976931348623157e308] * 2,
    "half way": [1.0, 2.0**-53, 2.0**-106],
    "zeros": [0.0, -0.0],
    "none": [None],
    "infinite": [float("inf"), 1.0],
    "not a number": [float("inf"), float("-inf"), 1.0],
    "random": [random.Random(1).uniform(-1, 1) * 2.0 ** random.Random(n).randint(-1070, 1000) for n in range(500)],
    "alike": [random.Random(n).gauss(100, 20) for n in range(500)],
    "powers of two": [sign * 2.0**n for n in range(-1074, 1024) for sign in (1, 1, -1)],
}


def exact_sum(values):
    finite = [value for value in values if value is not None and math.isfinite(value)]
    others = [value for value in values if value is not None and not math.isfinite(value)]
    if others or not finite:
        return sum(others) if others else None
    total = sum(map(Fraction, finite))
    try:
        return float(total)
    except OverflowError:
        return math.inf if total > 0 else -math.inf


def test_sums_of_doubles_are_correct_to_the_last_bit_in_any_order(spark):
    expected = {}
    for name, values in DOUBLES.items():
        total, count = exact_sum(values), sum(value is not None for value in values)
        expected[name] = (repr(total), repr(total / count if count else None), len(values))
    values = [(name, value) for name, values in DOUBLES.items() for value in values]
    of = Aggregate("a", ("g",), {"total": "sum:x", "mean": "mean:x", "rows": "count"})
    for seed in range(3):
        random.Random(seed).shuffle(values)
        rows = spark.createDataFrame(values, "g string, x double").repartition(1 + seed * 2)
        found = {
            row["g"]: (repr(row["total"]), repr(row["mean"]), row["rows"])
            for row in measures.compute(rows, of).collect()
        }
        assert found == expected


def test_sums_of_doubles_of_all_rows_with_percentiles_and_of_no_rows(spark):
    of = Aggregate("a", (), {"total": "sum:x", "mean": "mean:x", "p50": "p50:x", "other": "sum:y"})
    rows = spark.createDataFrame([(0.1, 1.5), (0.2, None), (0.3, 2.5)], "x double, y float")
    assert tuple(measures.compute(rows, of).first()) == (0.6, 0.6 / 3, 0.2, 4.0)
    assert tuple(measures.compute(rows.where("false"), of).first()) == (None, None, None, None)


def test_a_sum_that_is_out_of_range(spark):
    rows = spark.createDataFrame([(2**62,), (2**62,)], "x bigint")
    message = "aggregate a: a value is out of range, so nothing was written: "
    with pytest.raises(UsageError, match=message), measures.refuse_overflow("a"):
        measures.compute(rows, Aggregate("a", (), {"total": "sum:x"})).collect()
