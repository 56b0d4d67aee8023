"""What has run: the tables `runs`, `ingested_files` and `rejects` of a lake."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sluice.lake import lock, small_tables
from sluice.lake.small_tables import TIME, arrow_table
from sluice.runtime.report import Report

RUNS = pa.schema(
    [
        ("run_id", pa.string()),
        ("attempt", pa.int32()),
        ("job", pa.string()),
        ("table", pa.string()),
        ("status", pa.string()),
        ("started_at", TIME),
        ("finished_at", TIME),
        ("arguments", pa.string()),
        ("report", pa.string()),
        ("error", pa.string()),
    ]
)


def start_run(lake: str, report: Report, table: str, arguments: dict[str, Any], started_at: datetime) -> int:
    """Records a run as running and gives its attempt; those that claim to run and are dead become `interrupted`.

    The caller holds the lock of what it writes, so an earlier attempt of the run cannot be alive.
    """
    mine = (report.run_id, report.job, table)
    same_run = (pc.field("run_id") == mine[0]) & (pc.field("job") == mine[1]) & (pc.field("table") == table)
    where = same_run | (pc.field("status") == "running")
    found = small_tables.read(lake, "runs", where, ["run_id", "job", "table", "attempt", "status"])
    earlier = [] if found is None else found.to_pylist()
    for row in earlier:
        run = (row["run_id"], row["job"], row["table"])
        if row["status"] == "running" and (run == mine or not lock.is_alive(lake, *run)):
            same = " and ".join(f'"{name}" = {_literal(row[name])}' for name in ("run_id", "job", "table"))
            dead = f"{same} and attempt = {row['attempt']} and status = 'running'"
            small_tables.update(lake, "runs", dead, {"status": "interrupted"}, report.run_id)
    attempt = 1 + sum((row["run_id"], row["job"], row["table"]) == mine for row in earlier)
    row = _run(report, table, attempt, "running", started_at, None, _json(arguments), None)
    small_tables.append(lake, "runs", row, report.run_id)  # by the lock, no other run counts the same attempt
    return attempt


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def finish_run(
    lake: str, report: Report, table: str, arguments: dict[str, Any], started_at: datetime, attempt: int
) -> None:
    """Records how a run ended."""
    done, ended = _json(report.document()), datetime.now(UTC)
    row = _run(report, table, attempt, report.status, started_at, ended, _json(arguments), done)
    small_tables.upsert(lake, "runs", row, ("run_id", "job", "table", "attempt"), report.run_id)


def _run(
    report: Report,
    table: str,
    attempt: int,
    status: str,
    started_at: datetime,
    finished_at: datetime | None,
    arguments: str,
    document: str | None,
) -> pa.Table:
    row = (
        report.run_id,
        attempt,
        report.job,
        table,
        status,
        started_at,
        finished_at,
        arguments,
        document,
        report.error,
    )
    return arrow_table(RUNS, [row])


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, default=str)
