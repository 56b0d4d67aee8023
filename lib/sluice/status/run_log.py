"""The table `runs` as it is to be read now: newest first, and a run whose process is dead is not running."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from sluice.lake import lock_state, small_tables
from sluice.ledger import runs

_IDENTITY = ("run_id", "job", "table")
_DONE = ("succeeded", "nothing_new")


class Exported(NamedTuple):
    """The newest successful export of a table to a schema, as its run reports it, and the newest attempt of one."""

    schema: str
    version: int | None
    at: datetime | None
    last_status: str


class RunLog:
    """The runs of a lake. `holders`: table → the run that holds its lock. `rows`: those of `runs`, newest first."""

    def __init__(self, lake: str) -> None:
        self._lake = lake
        self.rows = _read(lake)
        self.holders = lock_state.holders(lake)
        self.alive = self._alive()
        if len(self.alive) < len(_running(self.rows)):  # one may have ended between the two looks
            self.rows = _read(lake)
            self.alive = self._alive()
        self._exports: dict[str, dict[str, Exported]] | None = None

    def _alive(self) -> list[dict[str, Any]]:
        return [row for row in _running(self.rows) if self._is_alive(row)]

    def _is_alive(self, row: dict[str, Any]) -> bool:
        """Whether a run lives: it shows it, and holds its table's lock; exports lock PostgreSQL's table instead."""
        holds = row["job"] == "export" or self.holders.get(row["table"]) == row["run_id"]
        return holds and lock_state.shows_life(self._lake, *(row[name] for name in _IDENTITY))

    def status_of(self, row: dict[str, Any]) -> str:
        """How a run ended, or `running`; one that died is `interrupted`, as the next run will record it."""
        identities = [tuple(other[name] for name in (*_IDENTITY, "attempt")) for other in self.alive]
        dead = tuple(row[name] for name in (*_IDENTITY, "attempt")) not in identities
        return "interrupted" if row["status"] == "running" and dead else str(row["status"])

    def newest(self, number: int) -> list[dict[str, Any]]:
        """So many runs, newest first."""
        return self._with_status(self.rows.slice(0, number))

    def of_run(self, run_id: str) -> list[dict[str, Any]]:
        """The rows of a run, oldest first."""
        return self._with_status(self.rows.filter(pc.field("run_id") == run_id))[::-1]

    def latest(self) -> dict[str, dict[str, Any]]:
        """Table or aggregate → its newest run, exports left out."""
        return self._first_of_tables(self.rows.filter(pc.field("job") != "export"))

    def latest_ingests(self) -> dict[str, dict[str, Any]]:
        """Table → its newest run that succeeded in bringing it up to date with files."""
        return self._first_of_tables(self._ingests)

    def ingests(self) -> list[dict[str, Any]]:
        """The runs that succeeded in reading files: `table`, `finished_at`, `report`."""
        return self._ingests.select(["table", "finished_at", "report"]).to_pylist()

    @property
    def _ingests(self) -> pa.Table:
        of_files = pc.field("job").isin(["ingest", "rejects"])
        return self.rows.filter(of_files & pc.field("status").isin(list(_DONE)))

    def exports_of(self, name: str) -> list[Exported]:
        """The exports of a table or aggregate, one for each schema."""
        if self._exports is None:
            self._exports = self._all_exports()
        return [self._exports[name][schema] for schema in sorted(self._exports.get(name, {}))]

    def _first_of_tables(self, rows: pa.Table) -> dict[str, dict[str, Any]]:
        first: dict[str, int] = {}
        for number, table in enumerate(rows.column("table").to_pylist()):
            first.setdefault(table, number)
        chosen = rows.take(pa.array(list(first.values()), pa.int64()))
        return dict(zip(first, self._with_status(chosen), strict=True))

    def _with_status(self, rows: pa.Table) -> list[dict[str, Any]]:
        return [{**row, "status": self.status_of(row)} for row in rows.to_pylist()]

    def _all_exports(self) -> dict[str, dict[str, Exported]]:
        """By name and schema. Of a run that exported several names each part's report says which version it sent."""
        found: dict[str, dict[str, Exported]] = {}
        rows = self.rows.filter(pc.field("job") == "export")
        for row in rows.to_pylist():
            schema = str(document(row["arguments"]).get("schema"))
            sent = dict(_sent(row))
            for name in row["table"].split(","):
                known = found.setdefault(name, {})
                if schema not in known:
                    known[schema] = Exported(schema, None, None, self.status_of(row))
                if known[schema].version is None and name in sent:
                    known[schema] = known[schema]._replace(version=sent[name], at=row["finished_at"])
        return found


def _sent(row: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """The names that an export brought up to date, and their versions."""
    if row["status"] in _DONE:
        report = document(row["report"])
        for part in report.get("steps") or [report]:
            if part.get("status") in _DONE and part.get("table_version") is not None:
                yield part["table"], int(part["table_version"])


def document(text: str | None) -> dict[str, Any]:
    """A JSON object; empty for what is none."""
    try:
        values = json.loads(text or "{}")
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}


def _running(rows: pa.Table) -> list[dict[str, Any]]:
    return rows.filter(pc.field("status") == "running").to_pylist()


def _read(lake: str) -> pa.Table:
    rows = small_tables.read(lake, runs.NAME)
    return (runs.SCHEMA.empty_table() if rows is None else rows).sort_by([("started_at", "descending")])
