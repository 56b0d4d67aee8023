"""What has run: the tables `runs`, `ingested_files` and `rejects` of a lake."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sluice.files.input_file import InputFile
from sluice.lake import lock
from sluice.lake import log as bookkeeping
from sluice.ledger.rejects import Tally
from sluice.runtime.report import Report

_TIME = pa.timestamp("us", "UTC")

RUNS = pa.schema(
    [
        ("run_id", pa.string()),
        ("attempt", pa.int32()),
        ("job", pa.string()),
        ("table", pa.string()),
        ("status", pa.string()),
        ("started_at", _TIME),
        ("finished_at", _TIME),
        ("arguments", pa.string()),
        ("report", pa.string()),
        ("error", pa.string()),
    ]
)

INGESTED_FILES = pa.schema(
    [
        ("table", pa.string()),
        ("table_id", pa.string()),
        ("file", pa.string()),
        ("size", pa.int64()),
        ("modified_at", _TIME),
        ("etag", pa.string()),
        ("options", pa.string()),
        ("run_id", pa.string()),
        ("table_version", pa.int64()),
        ("rows_read", pa.int64()),
        ("rows_rejected", pa.int64()),
    ]
)


def not_ingested(
    lake: str, table: str, files: Sequence[InputFile], options: Sequence[str] | None = None
) -> list[InputFile]:
    """Those of the files that no commit of the table as it is now holds, read with some of the options (None: any)."""
    described = bookkeeping.describe(lake, table)
    if described is None or not files:
        return list(files)
    table_id, version = described
    known = bookkeeping.read(
        lake,
        "ingested_files",
        (pc.field("table") == table)
        & (pc.field("table_id") == table_id)
        & (pc.field("table_version") <= version)
        & (pc.scalar(True) if options is None else pc.field("options").isin(list(options)))
        & pc.field("file").isin([file.uri for file in files]),
        ["file", "size", "modified_at", "etag", "table", "table_id", "table_version", "options"],
    )
    done = set() if known is None else set(zip(*(known.column(i).to_pylist() for i in range(4)), strict=True))
    return [file for file in files if (file.uri, file.size, file.modified_at, file.etag) not in done]


def options_of(lake: str, table: str, files: Sequence[InputFile]) -> dict[str, set[str]]:
    """The options that files of the same names were read with, whose rows are in the table as it is now."""
    described = bookkeeping.describe(lake, table)
    if described is None or not files:
        return {}
    in_table = (pc.field("table_id") == described[0]) & (pc.field("table_version") <= described[1])
    where = (pc.field("table") == table) & in_table & pc.field("file").isin([file.uri for file in files])
    known = bookkeeping.read(lake, "ingested_files", where, ["table", "table_id", "table_version", "file", "options"])
    found: dict[str, set[str]] = {}
    for row in () if known is None else known.to_pylist():
        found.setdefault(row["file"], set()).add(row["options"])
    return found


def record_files(lake: str, table: str, table_id: str, version: int, run_id: str, tallies: Iterable[Tally]) -> None:
    """Notes that the table at `version` holds the files."""
    rows = [
        (
            table,
            table_id,
            tally.file.uri,
            tally.file.size,
            tally.file.modified_at,
            tally.file.etag,
            tally.options,
            run_id,
            version,
            tally.rows_read,
            tally.rows_rejected,
        )
        for tally in tallies
    ]
    bookkeeping.upsert(
        lake, "ingested_files", _arrow(INGESTED_FILES, rows), ("table", "table_id", "file", "options"), run_id
    )


def forget_files(lake: str, table: str, after_version: int, run_id: str) -> None:
    """Makes the files new again that versions after `after_version` brought."""
    bookkeeping.delete(lake, "ingested_files", f"\"table\" = '{table}' and table_version > {after_version}", run_id)


def start_run(lake: str, report: Report, table: str, arguments: dict[str, Any], started_at: datetime) -> int:
    """Records a run as running and gives its attempt; those that claim to run and are dead become `interrupted`.

    The caller holds the lock of what it writes, so an earlier attempt of the run cannot be alive.
    """
    mine = (report.run_id, report.job, table)
    same_run = (pc.field("run_id") == mine[0]) & (pc.field("job") == mine[1]) & (pc.field("table") == table)
    where = same_run | (pc.field("status") == "running")
    found = bookkeeping.read(lake, "runs", where, ["run_id", "job", "table", "attempt", "status"])
    earlier = [] if found is None else found.to_pylist()
    for row in earlier:
        run = (row["run_id"], row["job"], row["table"])
        if row["status"] == "running" and (run == mine or not lock.is_alive(lake, *run)):
            same = " and ".join(f'"{name}" = {_literal(row[name])}' for name in ("run_id", "job", "table"))
            dead = f"{same} and attempt = {row['attempt']} and status = 'running'"
            bookkeeping.update(lake, "runs", dead, {"status": "interrupted"}, report.run_id)
    attempt = 1 + sum((row["run_id"], row["job"], row["table"]) == mine for row in earlier)
    row = _run(report, table, attempt, "running", started_at, None, _json(arguments), None)
    bookkeeping.append(lake, "runs", row, report.run_id)  # by the lock, no other run counts the same attempt
    return attempt


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def finish_run(
    lake: str, report: Report, table: str, arguments: dict[str, Any], started_at: datetime, attempt: int
) -> None:
    """Records how a run ended."""
    done, ended = _json(report.document()), datetime.now(UTC)
    row = _run(report, table, attempt, report.status, started_at, ended, _json(arguments), done)
    bookkeeping.upsert(lake, "runs", row, ("run_id", "job", "table", "attempt"), report.run_id)


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
    return _arrow(RUNS, [row])


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, default=str)


def _arrow(schema: pa.Schema, rows: list[tuple]) -> pa.Table:
    return pa.table([list(column) for column in zip(*rows, strict=True)], schema=schema)
