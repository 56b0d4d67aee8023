"""Aggregate tables kept equal to a full recomputation, from the changes of their table wherever those can be had."""

from __future__ import annotations

from typing import Any

from sluice.aggregate import groups as grouping
from sluice.aggregate import measures, ranking
from sluice.catalog import drift
from sluice.catalog.derived import _of_definition, check_columns
from sluice.lake import change_feed as feed
from sluice.lake import log
from sluice.lake.lake import Lake
from sluice.ledger.recording import locked, recorded
from sluice.model.aggregate import Derived, Ranking
from sluice.model.table import Table
from sluice.runtime.job import Job

ROWS_PER_FILE = 500_000  # few rows in one file, though many tasks may have made them


def run(job: Job, table: Table, made: Derived, *, full_refresh: bool = False) -> None:
    """Refreshes an aggregate to the current version of its table. Raises InputError if that is not there."""
    report, root = job.report, job.settings.lake
    report.table = made.name
    state = _state(root, table, made)
    check_columns(drift.refuse_changed(root, table).columns, table, made)
    if _nothing_new(job, made, *state, full_refresh):
        return
    lake, arguments = job.lake, {"aggregate": made.name, "full_refresh": full_refresh}
    with locked(job, made.name):
        source, last = _state(root, table, made)  # another run may have had the lock
        if _nothing_new(job, made, source, last, full_refresh):
            return
        with recorded(job, made.name, arguments), measures.in_range(made.name):
            _refresh(job, lake, table, made, source, last, full_refresh)
            report.table_version = log.version(root, made.name)
            report.status = "succeeded"


def _state(lake: str, table: Table, made: Derived) -> tuple[tuple[str, int], dict[str, Any] | None]:
    """The table's id and current version, and what the aggregate was last built on."""
    return log.required_state(lake, table.name), log.built_on(lake, made.name)


def _nothing_new(
    job: Job, made: Derived, source: tuple[str, int], last: dict[str, Any] | None, full_refresh: bool
) -> bool:
    """Whether the aggregate is built on the table's current version; the report then says so."""
    job.report.table_version = log.version(job.settings.lake, made.name)
    current = last == _built(made, source)["built"] and not full_refresh
    job.report.status = "nothing_new" if current else "failed"
    return current


def _built(made: Derived, source: tuple[str, int]) -> dict[str, Any]:
    return {"built": {"id": source[0], "version": source[1], **made.definition}}


def _refresh(
    job: Job,
    lake: Lake,
    table: Table,
    made: Derived,
    source: tuple[str, int],
    last: dict[str, Any] | None,
    full: bool,
) -> None:
    obstacle = "asked for" if full else _obstacle(lake, table, made, source, last)
    if obstacle is None and last is not None:
        try:
            _refresh_from_changes(job, lake, table, made, source, last["version"])
            return
        except feed.NotEnough as error:
            obstacle = str(error)
        except Exception as error:
            if not feed.feed_gone(error):
                raise
            obstacle = f"the change feed of {table.name} after version {last['version']} is gone"
    job.progress.log(f"{made.name}: full refresh: {obstacle}")
    _refresh_from_all(job, lake, table, made, source)


def _obstacle(
    lake: Lake, table: Table, made: Derived, source: tuple[str, int], last: dict[str, Any] | None
) -> str | None:
    """Why the changes since the last refresh do not lead to the current state; None if they do."""
    if log.version(lake.root, made.name) is None:
        return "it is not there yet"
    if last is None:
        return "its log does not say what it was built on"
    if not _of_definition(last, made):
        return "its definition changed"
    return feed.obstacle(lake.root, table.name, (last["id"], last["version"]), source)


def _refresh_from_all(job: Job, lake: Lake, table: Table, made: Derived, source: tuple[str, int]) -> None:
    with job.step("aggregate"):
        rows = _kind(made).from_all(lake, table, made, source[1])
        job.report.groups_recomputed = rows.count()
    job.report.mode = "full"
    job.report.files_read, job.report.bytes_read = log.size(lake.root, table.name)
    if not job.settings.dry_run:
        with job.step("write"):
            files = -(-job.report.groups_recomputed // ROWS_PER_FILE) or 1
            lake.overwrite(made.name, rows.coalesce(files), **_built(made, source))
    rows.unpersist()


def _refresh_from_changes(
    job: Job, lake: Lake, table: Table, made: Derived, source: tuple[str, int], after: int
) -> None:
    with job.step("aggregate"):
        rows, read = _kind(made).from_changes(lake, table, made, after, source[1])
        job.report.groups_recomputed = rows.count()
    job.report.mode = "incremental"
    job.report.files_read, job.report.bytes_read = read
    if not job.settings.dry_run:
        with job.step("write"):
            if job.report.groups_recomputed:
                lake.merge_groups(made.name, rows, made.key, made.values, **_built(made, source))
            else:
                lake.note(made.name, **_built(made, source))
    rows.unpersist()


def _kind(made: Derived) -> Any:
    """The module whose `from_all` and `from_changes` compute its rows; both give them kept in memory."""
    return ranking if isinstance(made, Ranking) else grouping
