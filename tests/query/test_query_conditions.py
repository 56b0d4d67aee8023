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
