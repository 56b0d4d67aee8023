"""Upkeep of a table: emptied, or set back to an earlier version; its files become new, what is built on it follows."""

from __future__ import annotations

from dataclasses import replace

from sluice.aggregate import refresh as aggregate
from sluice.catalog import derived, drift
from sluice.lake import log
from sluice.lake.lake import Lake
from sluice.ledger import deletes, ingested_files
from sluice.ledger.recording import locked, recorded
from sluice.maintain.versions import check_version, current_version
from sluice.model.aggregate import Derived
from sluice.model.table import Table
from sluice.runtime.job import Job


def clear(job: Job, table: Table) -> None:
    """Deletes all rows; every file is new again. What is built on the table is emptied too."""
    _check_followed(job, table, current_version(job, table))
    lake = job.lake
    with locked(job, table.name), recorded(job, table.name, {"action": "clear"}):
        with job.step("clear"):
            job.report.rows_removed = lake.read(table.name, current_version(job, table)).count()
            if not job.settings.dry_run:
                # the ledger first: killed in between, the files' rows are found unchanged, never missing
                ingested_files.forget_files(lake.root, table.name, -1, lake.writer)
                deletes.forget(lake.root, table.name, -1, lake.writer)
                lake.clear(table.name)
        _followed(job, table, full_refresh=True)  # statistics of pruned days go too


def restore(job: Job, table: Table, version: int) -> None:
    """Sets the rows back to what they were at a version, and what is built on them; files ingested after it are new."""
    check_version(job, table, version)
    _check_followed(job, table, version)
    lake = job.lake
    with locked(job, table.name), recorded(job, table.name, {"action": "restore", "version": version}):
        with job.step("restore"):
            check_version(job, table, version)
            if not job.settings.dry_run:
                ingested_files.forget_files(lake.root, table.name, version, lake.writer)
                deletes.forget(lake.root, table.name, version, lake.writer)
                lake.restore(table.name, version)
                _declare_again(lake, table)
        _followed(job, table)


def _declare_again(lake: Lake, table: Table) -> None:
    """A restore took along what the table was declared as at that version, which may be nothing."""
    stored = log.stored(lake.root, table.name)
    declared = replace(table, columns=tuple(column for column in table.columns if column.name in stored.columns))
    if table.origin and stored.declaration != declared.declaration:
        lake.declare(declared)


def _check_followed(job: Job, table: Table, version: int) -> None:
    """Raises UsageError, before anything is done, where what is built on the table could not follow it to a version."""
    drift.refuse_changed(job.settings.lake, table)
    for each in _built_on(job, table):
        derived.check_columns_exist(log.stored(job.settings.lake, table.name, version).columns, table, each)


def _followed(job: Job, table: Table, *, full_refresh: bool = False) -> None:
    """Refreshes what is built on the table; a dry run has nothing for it to follow."""
    for each in _built_on(job, table) if not job.settings.dry_run else ():
        with job.part("aggregate") as part:
            aggregate.run(part, table, each, full_refresh=full_refresh)
    current_version(job, table)
    job.report.status = "succeeded"


def _built_on(job: Job, table: Table) -> list[Derived]:
    """Those of the table's aggregates that are in the lake."""
    root = job.settings.lake
    return [each for each in derived.aggregates_of(root, table) if log.version(root, each.name) is not None]
