"""Emptying a table, and setting it back to an earlier version.

Files whose rows are gone by it become new again, and the aggregates of the table in the lake are refreshed.
"""

from __future__ import annotations

from dataclasses import replace

from sluice.aggregate.refresh import refresh
from sluice.catalog import derived, drift
from sluice.lake import log
from sluice.lake.lake import Lake
from sluice.ledger import deletes, ingested_files
from sluice.ledger.recording import locked, recorded
from sluice.maintain.versions import check_restorable, report_version
from sluice.model.aggregate import Derived
from sluice.model.table import Table
from sluice.runtime.job import Job


def clear(job: Job, table: Table) -> None:
    """Deletes all rows, and those of the table's aggregates; every file is new again.

    Raises InputError if the table does not exist, UsageError if it or an aggregate is not as declared; then nothing is
    changed.
    """
    _check_can_follow(job, table, report_version(job, table))
    job.expect([table.name])
    lake = job.lake
    with locked(job, table.name), recorded(job, table.name, {"action": "clear"}):
        with job.step("clear"):
            job.report.rows_removed = lake.read(table.name, report_version(job, table)).count()
            if not job.settings.dry_run:
                _forget_later_than(lake, table, -1)
                lake.clear(table.name)
        _refresh_aggregates(job, table, full_refresh=True)  # the statistics of pruned days go too


def restore(job: Job, table: Table, version: int) -> None:
    """Sets the rows back to those of a version, and the table's aggregates; files ingested after it are new again.

    Raises InputError if the table does not exist, UsageError for a version that it cannot go back to, or if it or an
    aggregate is not as declared; then nothing is changed.
    """
    check_restorable(job, table, version)
    _check_can_follow(job, table, version)
    job.expect([table.name])
    lake = job.lake
    with locked(job, table.name), recorded(job, table.name, {"action": "restore", "version": version}):
        with job.step("restore"):
            check_restorable(job, table, version)  # another run may have had the lock
            if not job.settings.dry_run:
                _forget_later_than(lake, table, version)
                lake.restore(table.name, version)
                _declare_again(lake, table)
        _refresh_aggregates(job, table)


def _forget_later_than(lake: Lake, table: Table, version: int) -> None:
    """Makes files new again that came with later versions (-1: all), and forgets what was deleted in those.

    This comes before the rows change: if the run is killed in between, the files are read again and their rows found
    unchanged. The other way round rows would be missing whose files count as ingested.
    """
    ingested_files.forget_files(lake.root, table.name, version, lake.writer)
    deletes.forget(lake.root, table.name, version, lake.writer)


def _declare_again(lake: Lake, table: Table) -> None:
    """Stores the declaration in a restored table, whose own is that of its version, which may have had none."""
    stored = log.stored(lake.root, table.name)
    declared = replace(table, columns=tuple(column for column in table.columns if column.name in stored.columns))
    if table.origin and stored.declaration != declared.declaration:
        lake.declare(declared)


def _check_can_follow(job: Job, table: Table, version: int) -> None:
    """Raises UsageError if the table is not as declared, or if an aggregate needs a column that the version lacks."""
    drift.refuse_changed(job.settings.lake, table)
    for aggregate in _stored_aggregates(job, table):
        derived.check_columns_exist(log.stored(job.settings.lake, table.name, version).columns, table, aggregate)


def _refresh_aggregates(job: Job, table: Table, *, full_refresh: bool = False) -> None:
    """Refreshes the table's aggregates, unless a dry run left it as it was."""
    if not job.settings.dry_run:
        for aggregate in _stored_aggregates(job, table):
            with job.part("aggregate") as part:
                refresh(part, table, aggregate, full_refresh=full_refresh)
    report_version(job, table)
    job.report.status = "succeeded"


def _stored_aggregates(job: Job, table: Table) -> list[Derived]:
    """The table's aggregates that exist in the lake."""
    lake = job.settings.lake
    aggregates = derived.aggregates_of(lake, table)
    return [aggregate for aggregate in aggregates if log.version(lake, aggregate.name) is not None]
