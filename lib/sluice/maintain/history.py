"""What was done to a table, commit by commit."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sluice.lake import log
from sluice.maintain.versions import current_version
from sluice.model.table import AnyTable
from sluice.runtime.job import Job

# operation → where Delta counts the rows that it inserted, updated and deleted
_METRICS = {
    "MERGE": ("numTargetRowsInserted", "numTargetRowsUpdated", "numTargetRowsDeleted"),
    "WRITE": ("numOutputRows", "", "numDeletedRows"),
    "UPDATE": ("", "numUpdatedRows", ""),
    "DELETE": ("", "", "numDeletedRows"),
}


def show(job: Job, source: AnyTable, limit: int) -> None:
    """Shows the newest commits of a table or aggregate first; null where a commit does not say."""
    current_version(job, source)
    job.show([_row(commit) for commit in log.history(job.settings.lake, source.name, limit)])


def _row(commit: dict[str, Any]) -> dict[str, Any]:
    by, metrics = log.marks_of(commit), commit.get("operationMetrics") or {}
    names = _METRICS.get(commit["operation"], ("", "", ""))
    inserted, updated, deleted = (int(metrics[name]) if name in metrics else None for name in names)
    return {
        "version": commit["version"],
        "time": datetime.fromtimestamp(commit["timestamp"] / 1000, UTC),
        "job": by.get("job"),
        "run_id": by.get("run_id"),
        "operation": commit["operation"],
        "rows_inserted": inserted,
        "rows_updated": updated,
        "rows_deleted": deleted,
    }
