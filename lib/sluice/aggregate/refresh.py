"""Aggregate tables kept equal to a full recomputation, from the changes of their table wherever those can be had."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from typing import Any

from sluice.aggregate import groups as grouping
from sluice.aggregate import measures, ranking
from sluice.catalog import drift
from sluice.cli.command import Job
from sluice.errors import UsageError
from sluice.lake import change_feed as feed
from sluice.lake import log as bookkeeping
from sluice.lake.lake import Lake
from sluice.ledger.recording import held, recorded
from sluice.model.table import Aggregate, Derived, Ranking, Table

ROWS_PER_FILE = 500_000  # few rows in one file, though many tasks may have made them


def counting(table: Table, columns: Sequence[str]) -> Aggregate:
    """The aggregate that counts a table's rows by columns. Raises UsageError for a column it does not have."""
    for column in columns:
        if column not in table.column_names:
            raise UsageError(
                f"table {table.name} has no column {column!r}: choose from {', '.join(table.column_names)}"
            )
    if len(set(columns)) != len(columns):
        raise UsageError(f"--by {','.join(columns)} names a column twice: name each once")
    return Aggregate(f"{table.name}_by_{'_'.join(columns)}", tuple(columns), {"count": "count"})


def kept(lake: str, table: Table) -> list[Derived]:
    """The table's declared aggregates, and those that `counting` made in this lake before."""
    prefix, declared = f"{table.name}_by_", {made.name for made in table.aggregates}
    there = os.listdir(lake) if os.path.isdir(lake) else ()
    made = sorted(name for name in there if name.startswith(prefix) and name not in declared)
    built = [(name, bookkeeping.last_built(lake, name)) for name in made]
    counted = [(name, tuple(last["by"])) for name, last in built if last and last.get("measures") == {"count": "count"}]
    return [
        *table.aggregates,
        *(Aggregate(n, by, {"count": "count"}) for n, by in counted if n == prefix + "_".join(by)),
    ]


def run(job: Job, table: Table, made: Derived, *, full_refresh: bool = False) -> None:
    """Refreshes an aggregate to the current version of its table. Raises InputError if that is not there."""
    report, root = job.report, job.settings.lake
    report.table = made.name
    state = _state(root, table, made)
    check_columns(drift.refuse_changed(root, table).columns, table, made)
    if _nothing_new(job, made, *state, full_refresh):
        return
    lake, arguments = job.lake, {"aggregate": made.name, "full_refresh": full_refresh}
    with held(job, made.name):
        source, last = _state(root, table, made)  # another run may have had the lock
        if _nothing_new(job, made, source, last, full_refresh):
            return
        with recorded(job, made.name, arguments), measures.in_range(made.name):
            _refresh(job, lake, table, made, source, last, full_refresh)
            report.table_version = bookkeeping.version(root, made.name)
            report.status = "succeeded"


def check_columns(there: Collection[str], table: Table, made: Derived) -> None:
    """Raises UsageError for a declared column that is not among those `there` are in the lake."""
    for name in made.columns_of_table:
        if name not in there:
            raise UsageError(
                f"{made.name}: table {table.name} does not have the column {name} yet: add it by an ingest with "
                "--on-new-column add"
            )


def _state(lake: str, table: Table, made: Derived) -> tuple[tuple[str, int], dict[str, Any] | None]:
    """The table's id and current version, and what the aggregate was last built on."""
    return bookkeeping.existing(lake, table.name), bookkeeping.last_built(lake, made.name)


def _nothing_new(
    job: Job, made: Derived, source: tuple[str, int], last: dict[str, Any] | None, full_refresh: bool
) -> bool:
    """Whether the aggregate is built on the table's current version; the report then says so."""
    job.report.table_version = bookkeeping.version(job.settings.lake, made.name)
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
    job.progress.tell(f"{made.name}: full refresh: {obstacle}")
    _refresh_from_all(job, lake, table, made, source)


def check_built(lake: str, made: Derived) -> None:
    """Raises UsageError for an aggregate that was built by another definition than it has now."""
    last = bookkeeping.last_built(lake, made.name)
    if last is not None and not _of_definition(last, made):
        raise UsageError(f"{made.name} was built as it was declared before: make it anew with aggregate {made.name}")


def _of_definition(last: dict[str, Any], made: Derived) -> bool:
    return {key: value for key, value in last.items() if key not in ("id", "version")} == made.definition


def _obstacle(
    lake: Lake, table: Table, made: Derived, source: tuple[str, int], last: dict[str, Any] | None
) -> str | None:
    """Why the changes since the last refresh do not lead to the current state; None if they do."""
    if bookkeeping.version(lake.root, made.name) is None:
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
    job.report.files_read, job.report.bytes_read = bookkeeping.size(lake.root, table.name)
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
