"""The state of tables as metrics: the rows that `status` shows of them, and the runs that are under way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sluice.metrics.families import Metrics

Row = Mapping[str, Any]


def add_table(metrics: Metrics, row: Row) -> None:
    """Adds a row of `Tables.rows`; nothing for a table that is not in the lake, unless something is wrong with it."""
    name = row["table"]
    if row["version"] is None and row["error"] is None:
        return
    metrics.add("sluice_table_error", float(row["error"] is not None), name)
    for column, metric in (("version", "version"), ("rows", "rows"), ("files", "files"), ("bytes", "size_bytes")):
        metrics.add(f"sluice_table_{metric}", row[column], name)
    metrics.add("sluice_table_rejects", row["rejects"], name)
    if row["updated_at"] is not None:
        metrics.add("sluice_table_updated_timestamp_seconds", row["updated_at"].timestamp(), name)
    if row["lag"] is not None:
        _add_lag(metrics, "sluice_aggregate", row["lag"], name, row["aggregate_of"])
    for export in row["exports"]:
        _add_lag(metrics, "sluice_export", export["lag"], name, export["schema"])


def _add_lag(metrics: Metrics, kind: str, lag: Row, *labels: str) -> None:
    """A lag of which nobody knows since when is endless, so that it is late by any measure, as it is for `status`."""
    metrics.add(f"{kind}_lag_versions", lag["versions"], *labels)
    metrics.add(f"{kind}_lag_seconds", float("inf") if lag["hours"] is None else lag["hours"] * 3600, *labels)


def add_locks(metrics: Metrics, rows: Sequence[Row], under_way: Sequence[Row]) -> None:
    """Adds for each table how long its lock has been held, and how many runs wait for it.

    `under_way` as the report of `status` has them: a run that waits has no job there, but the time since it does; one
    that holds a table and is not in `runs`, as a dry run, has neither. Exports lock PostgreSQL's tables instead.
    """
    waiting = Counter(run["table"] for run in under_way if run["job"] is None and run["since"] is not None)
    holding = {run["table"]: run["seconds"] for run in under_way if run["since"] is None}
    holding |= {run["table"]: run["seconds"] for run in under_way if run["job"] not in (None, "export")}
    tables = [row["table"] for row in rows if row["version"] is not None]
    for table in dict.fromkeys([*tables, *waiting, *holding]):
        metrics.add("sluice_table_lock_held_seconds", holding.get(table, 0.0), table)
        metrics.add("sluice_table_waiting_runs", waiting[table], table)
