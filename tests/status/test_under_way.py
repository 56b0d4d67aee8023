"""Which runs are under way, which are dead, and who waits for whom, on disk and on S3."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
from conftest import run_job
from processes import held, wait_for
from sluice.lake import file_lock, lease, lock, lock_state
from sluice.lake.lock import held_by_python
from sluice.lake.writer import Writer
from sluice.ledger import runs
from sluice.ledger.runs import Run
from sluice.runtime.report import Report

HOLDER = "another-run"  # as tests/processes.py writes it


def start(lake, run_id=HOLDER, job="ingest", table="scores"):
    """Records a run as running."""
    run = Run(Report(job, run_id), table, {}, datetime.now(UTC))
    return run, runs.start(str(lake), run, Writer(run_id, 1, print))


def second_run(lake):
    """Starts a run that waits for `scores` until another one frees it."""

    def wait():
        with held_by_python(str(lake), "scores", Writer("second", 30, lambda line: None)):
            pass

    thread = threading.Thread(target=wait)
    thread.start()
    wait_for(lambda: lock_state.waiting(str(lake)), 20)
    return thread


def last_status(done):
    return next(row["last_run"]["status"] for row in done.report["rows"] if row["table"] == "scores")


def test_a_run_that_writes_and_one_that_waits_for_it(lake):
    start(lake)
    with lock.living(str(lake), HOLDER, "ingest", "scores"):
        with held(lake, "scores"):
            second = second_run(lake)
            done = run_job("status")
        second.join()
        writes, waits = done.report["under_way"]
        assert (writes["run_id"], writes["job"], writes["table"], writes["waits_for"]) == (
            HOLDER,
            "ingest",
            "scores",
            None,
        )
        assert (waits["run_id"], waits["table"], waits["waits_for"]) == ("second", "scores", HOLDER)
        assert 0 <= waits["seconds"] < 20
        assert last_status(done) == "running"
        assert "ingest running for " in done.stderr
        lines = done.stderr.splitlines()
        assert lines[lines.index("runs under way") + 3].split()[-1] == HOLDER
    assert run_job("status").report["under_way"] == []
    assert list((lake / "_locks" / "_waiting").iterdir()) == []


def test_a_killed_run_is_interrupted_and_so_is_one_whose_lock_another_has(lake):
    start(lake)
    done = run_job("status")
    assert (last_status(done), done.report["under_way"]) == ("interrupted", [])
    assert run_job("status", "--run", HOLDER).report["rows"][0]["status"] == "interrupted"
    with lock.living(str(lake), HOLDER, "ingest", "scores"):  # as on S3, where signs of life outlive a run
        assert last_status(run_job("status")) == "interrupted"
        with held(lake, "scores"):
            assert last_status(run_job("status")) == "running"


def test_an_export_holds_no_lock_in_the_lake(lake):
    start(lake, job="export", table="products,scores")
    with lock.living(str(lake), HOLDER, "export", "products,scores"):
        (run,) = run_job("status").report["under_way"]
        assert (run["job"], run["table"]) == ("export", "products,scores")
    assert run_job("status").report["under_way"] == []
    assert run_job("status", "--run", HOLDER).report["rows"][0]["status"] == "interrupted"


def test_a_run_that_ends_between_two_looks_is_not_taken_for_dead(lake, monkeypatch):
    run, attempt = start(lake)
    run.report.status = "succeeded"

    def end_meanwhile(*_):
        runs.finish(str(lake), run, attempt, Writer(HOLDER, 1, print))
        return {}

    monkeypatch.setattr(lock_state, "holders", end_meanwhile)
    assert last_status(run_job("status", "--lake", lake)) == "succeeded"


def test_a_dry_run_holds_a_table_without_being_recorded(lake):
    with held(lake, "scores"):
        (run,) = run_job("status").report["under_way"]
    assert (run["run_id"], run["job"], run["table"], run["seconds"]) == (HOLDER, None, "scores", None)


def test_looking_changes_nothing_and_frees_no_lock(lake):
    start(lake)
    with held_by_python(str(lake), "t", Writer("mine", 0, print)):
        before = {path: path.stat().st_mtime_ns for path in lake.rglob("*")}
        assert lock_state.holders(str(lake))["t"] == "mine"
        run_job("status")
        assert {path: path.stat().st_mtime_ns for path in lake.rglob("*")} == before
    assert "t" not in lock_state.holders(str(lake))


def test_a_file_of_a_run_killed_while_it_waited_says_nothing_and_goes_with_the_next(lake):
    folder = lake / "_locks" / "_waiting"
    folder.mkdir(parents=True)
    (folder / "dead").write_bytes(Writer("dead", 1, print).sign_of_waiting("scores")[1])
    (folder / "torn").write_text("{")
    assert lock_state.waiting(str(lake)) == []
    with held(lake, "scores"):
        thread = second_run(lake)
        assert len(list(folder.iterdir())) == 1
    thread.join()


def test_on_s3_a_lease_that_is_not_renewed_is_no_run(s3_lake, monkeypatch):
    monkeypatch.setattr(lease, "_LOOK", 0.1)
    start(s3_lake)
    with lock.living(s3_lake, HOLDER, "ingest", "scores"):
        assert last_status(run_job("status")) == "interrupted"
        with held_by_python(s3_lake, "scores", Writer(HOLDER, 1, print)):
            second = second_run(s3_lake)
            done = run_job("status")
            assert last_status(done) == "running"
            assert [(run["run_id"], run["waits_for"]) for run in done.report["under_way"]] == [
                (HOLDER, None),
                ("second", HOLDER),
            ]
            monkeypatch.setattr(lease, "_TAKEN_OVER", 0.0)
            assert last_status(run_job("status")) == "interrupted"
            monkeypatch.setattr(lease, "_TAKEN_OVER", 30.0)
        second.join()


@pytest.mark.parametrize("left", ["", '"text"', '{"run_id": 1}', '{"run_id": "r", "table": "t", "since": "yesterday"}'])
def test_a_sign_that_cannot_be_read_is_passed_over(lake, left):
    path = lake / "_locks" / "_waiting" / "odd"
    path.parent.mkdir(parents=True)
    with file_lock.living(str(path), left.encode()):
        assert lock_state.waiting(str(lake)) == []
