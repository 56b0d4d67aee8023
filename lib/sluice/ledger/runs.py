"""The table `runs`: one row for each attempt of a run on a table, first as `running`, then as it ended."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sluice.lake import lock, small_tables
from sluice.lake.small_tables import TIME, arrow_table
from sluice.lake.sql_text import delta_rs_text
from sluice.lake.writer import Writer
from sluice.runtime.report import Report

NAME = "runs"
SCHEMA = pa.schema(
    [
        ("run_id", pa.string()),
        ("attempt", pa.int32()),
        ("job", pa.string()),
        ("table", pa.string()),
        ("status", pa.string()),
        ("started_at", TIME),
        ("finished_at", TIME),
        ("arguments", pa.string()),  # JSON
        ("report", pa.string()),  # JSON
        ("error", pa.string()),
    ]
)
_RUN = ("run_id", "job", "table")  # what an attempt is counted by


@dataclass(frozen=True)
class Run:
    """A run of a job on a table (or several, their names joined by commas), as its report says, since `started_at`."""

    report: Report
    table: str
    arguments: dict[str, Any]
    started_at: datetime

    @property
    def identity(self) -> tuple[str, str, str]:
        return (self.report.run_id, self.report.job, self.table)


def start(lake: str, run: Run, writer: Writer) -> int:
    """Records a run as running and gives its attempt, 1 for the first; dead runs become `interrupted`.

    The caller holds the lock of what it writes, so an earlier attempt of the run is dead.
    """
    run_id, job, table = run.identity
    same_run = (pc.field("run_id") == run_id) & (pc.field("job") == job) & (pc.field("table") == table)
    where = same_run | (pc.field("status") == "running")
    rows = small_tables.read(lake, NAME, where, [*_RUN, "attempt", "status"])
    earlier = [] if rows is None else rows.to_pylist()
    for row in earlier:
        if row["status"] == "running" and _is_dead(lake, run, row):
            _mark_interrupted(lake, row, writer)
    attempt = 1 + sum(_identity(row) == run.identity for row in earlier)
    # under the caller's lock no other run counts the same attempt
    small_tables.append(lake, NAME, _row(run, attempt, "running"), writer)
    return attempt


def finish(lake: str, run: Run, attempt: int, writer: Writer) -> None:
    """Records how a run ended."""
    row = _row(run, attempt, run.report.status, datetime.now(UTC), _json(run.report.document()))
    small_tables.upsert(lake, NAME, row, (*_RUN, "attempt"), writer)


def _identity(row: dict[str, Any]) -> tuple[str, str, str]:
    return (row["run_id"], row["job"], row["table"])


def _is_dead(lake: str, run: Run, row: dict[str, Any]) -> bool:
    """Whether a run that is recorded as running has died: this run holds its lock, or it shows no sign of life."""
    if _identity(row) == run.identity:
        return True
    _, job, table = run.identity
    if row["table"] == table and "export" not in (job, row["job"]):  # exports lock PostgreSQL's table instead
        lock.remove_sign_of_life(lake, *_identity(row))
        return True
    return not lock.is_alive(lake, *_identity(row))


def _mark_interrupted(lake: str, row: dict[str, Any], writer: Writer) -> None:
    same_run = " and ".join(f'"{name}" = {delta_rs_text(row[name])}' for name in _RUN)
    attempt = f"{same_run} and attempt = {row['attempt']} and status = 'running'"
    small_tables.update(lake, NAME, attempt, {"status": "interrupted"}, writer)


def _row(
    run: Run, attempt: int, status: str, finished_at: datetime | None = None, document: str | None = None
) -> pa.Table:
    report = run.report
    identity = (report.run_id, attempt, report.job, run.table)
    values = (*identity, status, run.started_at, finished_at, _json(run.arguments), document, report.error)
    return arrow_table(SCHEMA, [values])


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, default=str)
