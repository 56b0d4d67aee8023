"""How a run is reported and ends: the outcomes that must add up, the cause of a failure, the line that sums it up."""

from __future__ import annotations

import json
import signal

import pytest
from sluice.cli.job import job
from sluice.errors import InputError, Terminated, TooManyRejects
from sluice.runtime.exit import note_failure
from sluice.runtime.report import Report, summary, text_table


def report_of(**values):
    report = Report("ingest", "r1")
    for name, value in values.items():
        setattr(report, name, value)
    return report


def test_outcomes_that_do_not_add_up_to_the_rows_read_stop_the_run():
    report = report_of(rows_read=3)
    report.set_outcomes({"inserted": 2, "duplicate": 1})
    assert (report.rows_inserted, report.rows_duplicate) == (2, 1)
    with pytest.raises(RuntimeError, match=r"3 rows read, but 2 accounted for \(.*\): nothing was merged"):
        report_of(rows_read=3).set_outcomes({"inserted": 2})


def raised(*chain):
    """The last of exceptions raised each while the one before it was handled."""
    try:
        if len(chain) > 1:
            raised(*chain[:-1])
        raise chain[-1]
    except BaseException as error:
        if len(chain) > 1:
            error.__context__ = error.__context__ or chain[-2]
        return error


@pytest.mark.parametrize(
    ("failure", "code", "status", "error"),
    [
        (None, 0, "running", None),
        (InputError("a.csv: no such file"), 3, "failed", "a.csv: no such file"),
        (TooManyRejects("too many"), 4, "refused", "too many"),
        (ValueError("first\nsecond"), 1, "failed", "unexpected ValueError: first"),
        (
            ValueError("An error occurred:\nthe cause"),
            1,
            "failed",
            "unexpected ValueError: An error occurred: the cause",
        ),
        (ValueError(), 1, "failed", "unexpected ValueError: ValueError"),
        (KeyboardInterrupt(), 130, "failed", "stopped by SIGINT: rerun the same command, it resumes safely"),
        (
            raised(Terminated(signal.SIGTERM), ConnectionError("the JVM is gone")),
            143,
            "failed",
            "stopped by SIGTERM: rerun the same command, it resumes safely",
        ),
    ],
)
def test_the_cause_of_a_failure_and_its_exit_code(failure, code, status, error):
    report = report_of(status="running")
    assert (note_failure(report, failure), report.status, report.error) == (code, status, error)


def test_one_line_sums_a_run_up():
    report = report_of(status="succeeded", rows_read=1200, rows_inserted=1200, table="t", table_version=3)
    assert summary(report) == "succeeded; 1,200 rows read: 1,200 inserted; t is at version 3"
    assert (
        summary(report_of(status="nothing_new", files_skipped=1)) == "nothing new; 1 file skipped: already in the table"
    )
    left_out = report_of(status="nothing_new", files_skipped=3, files_left_out=1)
    assert summary(left_out) == "nothing new; 2 files skipped: already in the table; 1 file left out"
    assert not {"files_left_out", "answer"} & left_out.document().keys()
    assert summary(report_of(status="succeeded", rows_read=1, rows_updated=1)) == "succeeded; 1 row read: 1 updated"


def test_values_are_cut_only_where_a_width_is_given():
    rows = [{"name": "n" * 100, "n": None}]
    assert text_table(rows).splitlines() == [f"name{' ' * 96}  n", "n" * 100]
    assert text_table(rows, widest=10).splitlines()[1] == f"{'n' * 9}…"
    assert text_table([]) == "(none)"


class Panic(BaseException):
    """As delta-rs raises: no Exception."""


def test_whatever_ends_a_job_there_is_one_document_and_a_cause(capsys, monkeypatch, tmp_path):
    monkeypatch.delenv("SLUICE_WRAPPER", raising=False)
    options = {"lake": str(tmp_path), "tables": None, "run_id": "r1", "result_file": None, "log_format": "text"}
    options |= {"metrics_file": None, "shared_filesystem": False, "keep_warm": None}
    with pytest.raises(SystemExit) as ended, job("ingest", {**options, "progress": "none"}):
        raise Panic("a\udcff: no such thing")
    printed = capsys.readouterr()
    assert (ended.value.code, json.loads(printed.out)["status"]) == (1, "failed")
    assert json.loads(printed.out)["error"] == "unexpected Panic: a\udcff: no such thing"
    assert printed.err.splitlines()[-1] == r"ingest: unexpected Panic: a\udcff: no such thing"
