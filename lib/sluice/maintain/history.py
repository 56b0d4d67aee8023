"""The history of a table or aggregate: its commits, and which run made each."""

from __future__ import annotations

from typing import Any

from sluice.lake import log
from sluice.maintain.versions import report_version
from sluice.model.table import AnyTable
from sluice.runtime.job import Job

# operation → the metrics in which Delta counts the rows that it inserted, updated and deleted
_METRICS = {
    "MERGE": ("numTargetRowsInserted", "numTargetRowsUpdated", "numTargetRowsDeleted"),
    "WRITE": ("numOutputRows", "", "numDeletedRows"),
    "UPDATE": ("", "numUpdatedRows", ""),
    "DELETE": ("", "", "numDeletedRows"),
}


def show_history(job: Job, source: AnyTable, limit: int) -> None:
    """Shows the last commits, newest first: `version`, `time` (UTC), `job`, `run_id`, `operation`, and the counts
    `rows_inserted`, `rows_updated`, `rows_deleted`; null where a commit does not say.

    Raises InputError if the table does not exist.
    """
    report_version(job, source)
    job.show([_row(commit) for commit in log.history(job.settings.lake, source.name, limit)])


def _row(commit: dict[str, Any]) -> dict[str, Any]:
    marks, metrics = log.marks_of(commit), commit.get("operationMetrics") or {}
    names = _METRICS.get(commit["operation"], ("", "", ""))
    inserted, updated, deleted = (int(metrics[name]) if name in metrics else None for name in names)
    return {
        "version": commit["version"],
        "time": log.time_of(commit),
        "job": marks.get("job"),
        "run_id": marks.get("run_id"),
        "operation": commit["operation"],
        "rows_inserted": inserted,
        "rows_updated": updated,
        "rows_deleted": deleted,
    }
