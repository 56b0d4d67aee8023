"""What the lake says of uploads: the report of a run that was lost, the counts and rejects of one file."""

from __future__ import annotations

from conftest import HEADER
from sluice.serve.reports import ingest_of, of_file, with_recorded


def test_a_report_that_was_lost_is_that_of_the_earlier_attempt(job, csv_file, lake, database):
    first, second = csv_file("a.csv", HEADER, "1,a,", ",b,"), csv_file("b.csv", HEADER, "2,a,")
    arguments = ("run", "products", first, second, "--run-id", "r", "--max-rejects", "50%")
    lost = job(*arguments).report
    again = job(*arguments).report
    assert again["status"] == "nothing_new"
    found = with_recorded(str(lake), again)
    assert found["status"] == "succeeded"
    counts = {name: value for name, value in ingest_of(found).items() if name.startswith("rows_")}
    assert counts == {name: value for name, value in ingest_of(lost).items() if name.startswith("rows_")}
    assert (counts["rows_read"], counts["rows_inserted"], counts["rows_rejected"]) == (3, 2, 1)
    assert [step["job"] for step in found["steps"]] == ["ingest", "aggregate", "export"]
    assert with_recorded(str(lake), lost) == lost
    other = {**again, "run_id": "another"}
    assert with_recorded(str(lake), other) == other

    of_first = of_file(str(lake), "products", str(first), 20)
    reject = {"position": 26, "raw": ",b,", "reason": "sku is empty"}
    assert of_first == {"rows_read": 2, "rows_rejected": 1, "rejects": [reject]}
    assert of_file(str(lake), "products", str(first), 0)["rejects"] == []
    assert of_file(str(lake), "products", str(second), 20) == {"rows_read": 1, "rows_rejected": 0, "rejects": []}
    none = {"rows_read": None, "rows_rejected": None, "rejects": []}
    assert of_file(str(lake), "scores", str(first), 20) == none


def test_without_a_lake_nothing_is_known(lake):
    none = {"rows_read": None, "rows_rejected": None, "rejects": []}
    assert of_file(str(lake), "products", "/landing/a.csv", 20) == none
    report = {"run_id": "r", "steps": [{"job": "ingest", "status": "nothing_new", "table": "products"}]}
    assert with_recorded(str(lake), report) == report
