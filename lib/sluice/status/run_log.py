"""The table `runs` as it is to be read now: newest first, and a run whose process is dead is not running."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, NamedTuple

import pyarrow as pa

from sluice.lake import lock_state, small_tables
from sluice.ledger import runs
from sluice.runtime.report import DONE


class Exported(NamedTuple):
    """The newest successful export of a table to a schema, as its run reports it, and the newest attempt of one."""

    schema: str
    version: int | None
    at: datetime | None
    last_status: str


class RunLog:
    """The runs of a lake. `holders`: table → the run that holds its lock. `rows`: those of `runs`, newest first.

    The status of a run is how it ended, or `running`; one that died is `interrupted`, as the next run will record it.
    """

    def __init__(self, lake: str) -> None:
        self._lake = lake
        self.rows = _read(lake)
        self.holders = lock_state.holders(lake)
        if any(not self._is_alive(row) for row in self._running()):  # or one ended between the two looks
            self.rows = _read(lake)
        self.alive = []
        for row in self._running():
            if self._is_alive(row):
                self.alive.append(row)
            else:
                row["status"] = "interrupted"

    def _running(self) -> list[dict[str, Any]]:
        return [row for row in self.rows if row["status"] == "running"]

    def _is_alive(self, row: dict[str, Any]) -> bool:
        """Whether a run lives: it shows it, and holds its table's lock; exports lock PostgreSQL's table instead."""
        holds = row["job"] == "export" or self.holders.get(row["table"]) == row["run_id"]
        return holds and lock_state.shows_life(self._lake, row["run_id"], row["job"], row["table"])

    def of_run(self, run_id: str) -> list[dict[str, Any]]:
        """The rows of a run, oldest first."""
        return [row for row in reversed(self.rows) if row["run_id"] == run_id]

    def latest(self) -> dict[str, dict[str, Any]]:
        """Table or aggregate → its newest run, exports left out."""
        return _first_of_tables(row for row in self.rows if row["job"] != "export")

    def latest_ingests(self) -> dict[str, dict[str, Any]]:
        """Table → its newest run that succeeded in bringing it up to date with files."""
        return _first_of_tables(self.ingests())

    def ingests(self) -> Iterator[dict[str, Any]]:
        """The runs that succeeded in reading files."""
        return (row for row in self.rows if row["job"] in ("ingest", "rejects") and row["status"] in DONE)

    @cached_property
    def exports(self) -> dict[str, dict[str, Exported]]:
        """By name and schema. Of a run that exported several names each part's report says which version it sent."""
        found: dict[str, dict[str, Exported]] = {}
        for row in self.rows:
            if row["job"] != "export":
                continue
            schema = str(document(row["arguments"]).get("schema"))
            sent: dict[str, int] | None = None
            for name in row["table"].split(","):
                known = found.setdefault(name, {})
                exported = known.setdefault(schema, Exported(schema, None, None, row["status"]))
                if exported.version is None:
                    sent = dict(_sent(row)) if sent is None else sent
                    known[schema] = exported._replace(version=sent.get(name), at=row["finished_at"])
        return found


def _first_of_tables(rows: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    first: dict[str, dict[str, Any]] = {}
    for row in rows:
        first.setdefault(row["table"], row)
    return first


def _sent(row: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """The names that an export brought up to date, and their versions."""
    if row["status"] in DONE:
        report = document(row["report"])
        for part in report.get("steps") or [report]:
            if part.get("status") in DONE and part.get("table_version") is not None:
                yield part["table"], int(part["table_version"])


def document(text: str | None) -> dict[str, Any]:
    """A JSON object; empty for what is none."""
    try:
        values = json.loads(text or "{}")
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}


def attempt(row: dict[str, Any]) -> dict[str, Any]:
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


def _read(lake: str) -> list[dict[str, Any]]:
    rows = small_tables.read(lake, runs.NAME)
    if rows is None:
        return []
    columns = {name: _values(rows.column(name)) for name in rows.column_names}
    read = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    return sorted(read, key=lambda row: row["started_at"], reverse=True)


def _values(column: pa.ChunkedArray) -> list[Any]:
    """The column's values; pyarrow would load pandas for times with a zone."""
    if not pa.types.is_timestamp(column.type):
        return column.to_pylist()
    return [time and time.replace(tzinfo=UTC) for time in column.cast(pa.timestamp("us")).to_pylist()]
