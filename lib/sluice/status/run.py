"""The job `status`: the state of the lake's tables, or one run; shown, checked for what is late, written as a page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sluice.catalog.catalog import Catalog
from sluice.errors import UsageError
from sluice.runtime.job import Job
from sluice.runtime.warm import state
from sluice.status.late import refuse_late
from sluice.status.render import render, render_run
from sluice.status.run_log import RunLog, document
from sluice.status.tables import Tables
from sluice.status.under_way import under_way


def show_status(job: Job, catalog: Catalog, names: Sequence[str], form: str, most: timedelta | None) -> None:
    """Shows a row for each table and aggregate, or those of the names; what runs; and the processes that stay.

    Raises UsageError for an unknown name; SluiceError if something is older than `most`.
    """
    lake, now = job.settings.lake, datetime.now(UTC)
    run_log = RunLog(lake)
    job.report.rows = rows = Tables(lake, catalog, run_log, now).rows(names)
    job.report.under_way = under_way(lake, run_log, now)
    job.report.processes = state.processes()
    text = render(rows, job.report.under_way, job.report.processes)
    if most is not None:
        try:
            refuse_late(rows, names, most, now)
        except Exception:
            job.show_text(text)
            raise
    _answer(job, text, form)


def show_run(job: Job, run_id: str, form: str) -> None:
    """Shows a row for each attempt of a run on a table, oldest first. Raises UsageError if there is no such run."""
    found = RunLog(job.settings.lake).of_run(run_id)
    if not found:
        raise UsageError(f"no run {run_id!r} is recorded in lake {job.settings.lake}: `status` shows each table's last")
    job.report.rows = [_attempt(row) for row in found]
    _answer(job, render_run(job.report.rows), form)


def _answer(job: Job, text: str, form: str) -> None:
    job.report.status = "succeeded"
    if form == "table":
        job.report.answer = text
    else:
        job.show_text(text)


def _attempt(row: dict[str, Any]) -> dict[str, Any]:
    """A run's row with the seconds of its steps; those of its parts, as each table's of an export, are among them."""
    report = document(row["report"])
    steps = dict(report.get("seconds") or {})
    for part in report.get("steps") or ():
        for name, seconds in (part.get("seconds") or {}).items():
            steps[f"{part.get('table')}: {name}"] = seconds
    ended = row["finished_at"]
    return {
        **{name: row[name] for name in ("run_id", "attempt", "job", "table", "status", "started_at", "finished_at")},
        "seconds": None if ended is None else (ended - row["started_at"]).total_seconds(),
        "error": row["error"],
        "steps": steps,
        "arguments": document(row["arguments"]),
        "report": report or None,
    }
