"""Conditions of `query` that an aggregate cannot answer, though it has a column of that name."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def events(job, tmp_path):
    """40 events of the shipped table `events`, each of amount 3.00; their aggregate has sums called `amount`."""
    path = tmp_path / "events.json"
    kinds = ("click", "view")
    lines = (
        json.dumps(
            {"id": n, "type": kinds[n % 2], "user": {"id": n % 5}, "amount": 3.00, "time": "2024-10-02T05:10:46Z"}
        )
        for n in range(40)
    )
    path.write_text("\n".join(lines))
    return path


def test_a_condition_over_a_column_whose_name_an_aggregates_measure_has_is_answered_from_the_records(job, events):
    done = job("ingest", "events", events)
    assert done.counts == {"read": 40, "inserted": 40}, done.stderr
    assert job("aggregate", "events").exit_code == 0
    question = ("query", "events", "--by", "kind", "--metric", "count", "--format", "json", "--where")
    assert json.loads(job(*question, "amount > 5").answer) == []
    assert json.loads(job(*question, "amount > 2").answer) == [
        {"kind": kind, "count": 20} for kind in ("click", "view")
    ]
    by_dimension = job(*question, "kind = 'view'", "--explain")
    assert json.loads(by_dimension.answer) == [{"kind": "view", "count": 20}]
    assert "answered from events_by" in by_dimension.stderr


NAMES = """
key = ["k"]
[source]
format = "csv"
[columns]
k = "bigint"
count = "int"
x = "int"
distinct_x = "int"
sum_x = "int"
values0 = "int"
"""


def test_columns_named_like_metrics_and_parts_are_not_mixed_up_with_them(job, rows, tmp_path, monkeypatch):
    monkeypatch.setenv("SLUICE_TABLES", str(tmp_path))
    (tmp_path / "names.toml").write_text(NAMES)
    lines = ["k,count,x,distinct_x,sum_x,values0", "1,7,1,,5,100", "2,7,1,4,5,100", "3,8,2,,5,100"]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    assert job("ingest", "names", tmp_path / "a.csv").counts == {"read": 3, "inserted": 3}
    assert job("aggregate", "names", "--by", "count").exit_code == 0
    assert rows("names_by_count", "count", "_count") == [(7, 2), (8, 1)]
    for source in ("auto", "records"):
        done = job("query", "names", "--by", "count", "--metric", "count", "--format", "json", "--source", source)
        assert json.loads(done.answer) == [{"count": 7, "_count": 2}, {"count": 8, "_count": 1}]
    metrics = ("sum:x", "count:distinct_x", "count_distinct:x", "max:values0", "mean:x")
    done = job("query", "names", "--by", "sum_x", *(f"--metric={','.join(metrics)}",), "--format", "json")
    assert json.loads(done.answer) == [
        {
            "sum_x": 5,
            "_sum_x": 4,
            "count_distinct_x": 1,
            "_count_distinct_x": 2,
            "max_values0": 100,
            "mean_x": pytest.approx(4 / 3),
        }
    ]
