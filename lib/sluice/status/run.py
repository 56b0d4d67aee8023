"""The job `status`: the state of the lake's tables, or one run; shown, checked for what is late, written as a page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sluice.catalog.catalog import Catalog
from sluice.errors import UsageError
from sluice.files.output_file import output_file
from sluice.runtime.job import Job
from sluice.runtime.warm import state
from sluice.status.days import rows_by_day
from sluice.status.late import refuse_late
from sluice.status.page import Facts, page
from sluice.status.reject_groups import reject_groups
from sluice.status.render import render, render_run
from sluice.status.run_log import RunLog, attempt
from sluice.status.tables import Tables
from sluice.status.under_way import under_way

_RUNS_ON_PAGE = 100


def show_status(
    job: Job, catalog: Catalog, names: Sequence[str], form: str, most: timedelta | None, page_file: str | None
) -> None:
    """Shows a row for each table and aggregate, or those of the names; what runs; and the processes that stay.

    Writes a page of it to `page_file`. Raises UsageError for an unknown name, or if that cannot be written; SluiceError
    if something is older than `most`.
    """
    lake, now = job.settings.lake, datetime.now(UTC)
    run_log = RunLog(lake)
    job.report.rows = rows = Tables(lake, catalog, run_log, now).rows(names)
    job.report.under_way = under_way(lake, run_log, now)
    job.report.processes = state.processes()
    if page_file is not None:
        _write_page(job, run_log, now, page_file)
    text = render(rows, job.report.under_way, job.report.processes)
    if most is not None:
        try:
            refuse_late(rows, names, most, now)
        except Exception:
            job.show_text(text)
            raise
    _answer(job, text, form)


def _write_page(job: Job, run_log: RunLog, now: datetime, file: str) -> None:
    report, lake = job.report, job.settings.lake
    facts = Facts(
        lake=lake,
        now=now,
        rows=report.rows or (),
        under_way=report.under_way or (),
        processes=report.processes or (),
        runs=[attempt(row) for row in run_log.rows[:_RUNS_ON_PAGE]],
        rejects=reject_groups(lake),
        days=rows_by_day(run_log.ingests(), now.date()),
    )
    try:
        with output_file(Path(file).expanduser()) as output:
            output.write(page(facts).encode(errors="backslashreplace"))
    except OSError as error:
        raise UsageError(
            f"--html {file}: cannot be written ({error.strerror}): name a file in a folder of yours"
        ) from None


def show_run(job: Job, run_id: str, form: str) -> None:
    """Shows a row for each attempt of a run on a table, oldest first. Raises UsageError if there is no such run."""
    found = RunLog(job.settings.lake).of_run(run_id)
    if not found:
        raise UsageError(f"no run {run_id!r} is recorded in lake {job.settings.lake}: `status` shows each table's last")
    job.report.rows = [attempt(row) for row in found]
    _answer(job, render_run(job.report.rows), form)


def _answer(job: Job, text: str, form: str) -> None:
    job.report.status = "succeeded"
    if form == "table":
        job.report.answer = text
    else:
        job.show_text(text)
