"""The runs that are under way, and for which run each of those that wait does."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sluice.catalog.schema import OWN_TABLES
from sluice.lake import lock_state
from sluice.status.run_log import RunLog


def under_way(lake: str, run_log: RunLog, now: datetime) -> list[dict[str, Any]]:
    """Runs that write, then those that wait: `run_id`, `job`, `table`, `since`, `seconds`, `waits_for` (a run's id).

    `job` and `since` are null for a run that holds a table and is not in `runs`, as a dry run.
    """
    rows = [_row(run["run_id"], run["job"], run["table"], run["started_at"], now) for run in run_log.alive]
    recorded = {(row["run_id"], row["table"]) for row in rows}
    for table, run_id in run_log.holders.items():
        if (run_id, table) not in recorded and table not in OWN_TABLES:
            rows.append(_row(run_id, None, table, None, now))
    for waiting in lock_state.waiting(lake):
        row = _row(waiting.run_id, None, waiting.table, waiting.since, now)
        rows.append({**row, "waits_for": run_log.holders.get(waiting.table)})
    return rows


def _row(run_id: str, job: str | None, table: str, since: datetime | None, now: datetime) -> dict[str, Any]:
    seconds = None if since is None else round((now - since).total_seconds(), 1)
    return {"run_id": run_id, "job": job, "table": table, "since": since, "seconds": seconds, "waits_for": None}
