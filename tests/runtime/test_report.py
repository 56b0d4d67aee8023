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
    assert summary(report, 1234.56) == "succeeded; 1,200 rows read: 1,200 inserted; t is at version 3; 1,234.6 s"
    report.dry_run = True
    assert summary(report, 1).startswith("succeeded (dry run: nothing is committed); 1,200 rows read: 1,200 inserted; ")
    report = report_of(status="nothing_new", files_skipped=1)
    assert summary(report, 0) == "nothing new; 1 file skipped: already in the table; 0.0 s"
    left_out = report_of(status="nothing_new", files_skipped=3, files_left_out=1)
    assert summary(left_out, 1) == "nothing new; 2 files skipped: already in the table; 1 file left out; 1.0 s"
    assert not {"files_left_out", "answer", "began"} & left_out.document().keys()
    assert (
        summary(report_of(status="succeeded", rows_read=1, rows_updated=1), 1)
        == "succeeded; 1 row read: 1 updated; 1.0 s"
    )
    removed = report_of(job="maintain", status="succeeded", rows_removed=2)
    assert summary(removed, 1) == "succeeded; 2 rows removed; 1.0 s"


def part_of(job, **values):
    report = Report(job, "r1", status="succeeded")
    for name, value in values.items():
        setattr(report, name, value)
    return report


def test_one_line_sums_the_parts_of_a_run_up():
    full = part_of("aggregate", mode="full", groups_recomputed=3, table="t_agg", table_version=0)
    assert summary(full, 1) == "succeeded; full, 3 groups; t_agg is at version 0; 1.0 s"
    sent = part_of("export", mode="full", rows_read=3, rows_inserted=3, table="t_agg", table_version=0)
    assert summary(sent, 1) == "succeeded; 3 rows read: 3 inserted; full; t_agg is at version 0; 1.0 s"

    ingested = part_of("ingest", rows_read=4, rows_rejected=1, rows_inserted=3, files_skipped=2, table_version=7)
    several = part_of("aggregate", steps=[full, part_of("aggregate", groups_recomputed=1)])
    assert summary(several, 1) == "succeeded; 2 aggregates: 4 groups; 1.0 s"
    exports = part_of("export", steps=[sent, part_of("export", rows_read=2, rows_inserted=1, rows_unchanged=1)])
    assert summary(exports, 1) == "succeeded; 2 exports: 4 inserted, 1 unchanged; 1.0 s"
    assert summary(part_of("run", steps=[ingested, several, exports], table="t", table_version=7), 65) == (
        "succeeded; 4 rows read: 1 rejected, 3 inserted; 2 files skipped: already in the table; t is at version 7; "
        "2 aggregates: 4 groups; 2 exports: 4 inserted, 1 unchanged; 65.0 s"
    )
    current = [part_of("ingest", files_skipped=1), part_of("aggregate"), part_of("export")]
    assert summary(part_of("run", status="nothing_new", steps=current, table="t", table_version=7), 1) == (
        "nothing new; 1 file skipped: already in the table; t is at version 7; 1 aggregate: 0 groups; "
        "1 export: nothing new; 1.0 s"
    )


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
    options |= {"metrics_file": None, "shared_filesystem": False, "keep_warm": None, "profile": None}
    with pytest.raises(SystemExit) as ended, job("ingest", {**options, "progress": "none"}):
        raise Panic("a\udcff: no such thing")
    printed = capsys.readouterr()
    assert (ended.value.code, json.loads(printed.out)["status"]) == (1, "failed")
    assert json.loads(printed.out)["error"] == "unexpected Panic: a\udcff: no such thing"
    assert printed.err.splitlines()[-1] == r"ingest: unexpected Panic: a\udcff: no such thing"
