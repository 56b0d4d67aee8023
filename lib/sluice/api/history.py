"""The runs of a lake, with the counts of their reports as columns."""

from __future__ import annotations

import json
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from sluice.errors import UsageError, closest
from sluice.lake import small_tables
from sluice.ledger import runs
from sluice.runtime.report import ROWS

_STATUSES = ("running", "succeeded", "nothing_new", "refused", "failed", "interrupted")
_COUNTS = (
    "files",
    "files_skipped",
    "rows_read",
    *(f"rows_{outcome}" for outcome in ROWS),
    "rows_removed",
    "table_version",
)


def runs_of(lake: str, table: str | None, status: str | None, since: datetime | None) -> pa.Table:
    """The attempts of runs, newest first, as `ReadableLake.runs` describes them."""
    if status is not None and status not in _STATUSES:
        raise UsageError(f"unknown status {status!r}: {closest(status, _STATUSES)}")
    where = pc.scalar(True)
    if table is not None:
        where = where & _names(table)
    if status is not None:
        where = where & (pc.field("status") == status)
    if since is not None:
        where = where & (pc.field("started_at") >= pa.scalar(since, small_tables.TIME))
    found = small_tables.read(lake, runs.NAME, where)
    found = runs.SCHEMA.empty_table() if found is None else found
    return _with_counts(found.sort_by([("started_at", "descending"), ("attempt", "descending")]))


def _names(table: str) -> pc.Expression:
    """Whether a run was on the table; the names of several are joined by commas."""
    comma = pc.scalar(",")
    names = pc.binary_join_element_wise(comma, pc.field("table"), comma, pc.scalar(""))
    return pc.match_substring(names, f",{table},")


def _with_counts(found: pa.Table) -> pa.Table:
    """The rows with columns for what the reports count."""
    reports = [json.loads(text) if text else {} for text in found.column("report").to_pylist()]
    times = zip(found.column("started_at").to_pylist(), found.column("finished_at").to_pylist(), strict=True)
    made = {"seconds": pa.array([_seconds(*both) for both in times], pa.float64())}
    made |= {name: pa.array([report.get(name) for report in reports], pa.int64()) for name in _COUNTS}
    place = found.column_names.index("finished_at") + 1
    for name, values in reversed(made.items()):
        found = found.add_column(place, name, values)
    return found


def _seconds(started: datetime, finished: datetime | None) -> float | None:
    return None if finished is None else (finished - started).total_seconds()
