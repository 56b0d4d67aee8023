"""What has run: the tables `runs`, `ingested_files` and `rejects` of a lake."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sluice import bookkeeping
from sluice.files import InputFile
from sluice.report import Report

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

_RUN_KEY = ("run_id", "job", "table", "attempt")

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

REJECTS = (
    "run_id string, `table` string, file string, position bigint, raw string, reason string, rejected_at timestamp"
)


@dataclass(frozen=True)
class IngestedFile:
    """A file that is in the table, and how many of its records were read and rejected."""

    file: InputFile
    rows_read: int
    rows_rejected: int


def describe(lake: str, table: str) -> tuple[str, int] | None:
    """A table's id and current version; None if there is no such table."""
    return bookkeeping.describe(lake, table)


def table_version(lake: str, table: str) -> int | None:
    described = describe(lake, table)
    return described[1] if described else None


def not_ingested(lake: str, table: str, options: str, files: Sequence[InputFile]) -> list[InputFile]:
    """Those of the files that no commit of the table as it is now holds, read with these options."""
    described = bookkeeping.describe(lake, table)
    if described is None:
        return list(files)
    table_id, version = described
    known = bookkeeping.read(lake, "ingested_files", INGESTED_FILES)
    known = known.filter(
        (pc.field("table") == table)
        & (pc.field("table_id") == table_id)
        & (pc.field("table_version") <= version)
        & (pc.field("options") == options)
    )
    names = ("file", "size", "modified_at", "etag")
    done = set(zip(*(known.column(name).to_pylist() for name in names), strict=True))
    return [file for file in files if (file.uri, file.size, file.modified_at, file.etag) not in done]


def record_files(
    lake: str, table: str, table_id: str, version: int, options: str, run_id: str, files: Iterable[IngestedFile]
) -> None:
    """Notes that the table at `version` holds the files."""
    rows = [
        (
            table,
            table_id,
            done.file.uri,
            done.file.size,
            done.file.modified_at,
            done.file.etag,
            options,
            run_id,
            version,
            done.rows_read,
            done.rows_rejected,
        )
        for done in files
    ]
    bookkeeping.upsert(
        lake, "ingested_files", _arrow(INGESTED_FILES, rows), ("table", "table_id", "file", "options"), run_id
    )


def forget_files(lake: str, table: str, after_version: int, run_id: str) -> None:
    """Makes the files new again that versions after `after_version` brought."""
    bookkeeping.delete(lake, "ingested_files", f"\"table\" = '{table}' and table_version > {after_version}", run_id)


def start_run(lake: str, report: Report, table: str, arguments: dict[str, Any]) -> int:
    """Records a run as running and gives its attempt; earlier ones that still claim to run are dead.

    The caller holds the lock of what it writes: the table's, or for exports that of the database.
    """
    same_lock = "job = 'export'" if report.job == "export" else "job <> 'export'"
    dead = f"\"table\" = '{table}' and status = 'running' and {same_lock}"
    bookkeeping.update(lake, "runs", dead, {"status": "interrupted"}, report.run_id)
    runs = bookkeeping.read(lake, "runs", RUNS)
    mine = (pc.field("run_id") == report.run_id) & (pc.field("job") == report.job) & (pc.field("table") == table)
    attempt = 1 + len(runs.filter(mine))
    now = datetime.now(UTC)
    row = (report.run_id, attempt, report.job, table, "running", now, None, _json(arguments), None, None)
    bookkeeping.upsert(lake, "runs", _arrow(RUNS, [row]), _RUN_KEY, report.run_id)
    return attempt


def finish_run(
    lake: str, report: Report, table: str, attempt: int, started_at: datetime, arguments: dict[str, Any]
) -> None:
    """Records how a run ended."""
    row = (
        report.run_id,
        attempt,
        report.job,
        table,
        report.status,
        started_at,
        datetime.now(UTC),
        _json(arguments),
        _json(report.document()),
        report.error,
    )
    bookkeeping.upsert(lake, "runs", _arrow(RUNS, [row]), _RUN_KEY, report.run_id)


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, default=str)


def _arrow(schema: pa.Schema, rows: list[tuple]) -> pa.Table:
    return pa.table([list(column) for column in zip(*rows, strict=True)], schema=schema)
