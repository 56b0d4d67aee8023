"""Upkeep of a table: emptied, or set back to an earlier version; its files become new, what is built on it follows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from sluice.aggregate import refresh as aggregate
from sluice.catalog import drift
from sluice.cli.command import Job
from sluice.errors import UsageError
from sluice.lake import log as bookkeeping
from sluice.lake.lake import Lake
from sluice.ledger import deletes
from sluice.ledger import runs as ledger
from sluice.ledger.recording import held, recorded
from sluice.model.table import AnyTable, Derived, Table


def current_version(job: Job, table: AnyTable) -> int:
    """Raises InputError if the table is not there."""
    job.report.table = table.name
    _, version = bookkeeping.existing(job.settings.lake, table.name, "make it with ingest or aggregate")
    job.report.table_version = version
    return version


def check_version(job: Job, table: Table, version: int) -> None:
    """Raises UsageError if the table never had the version, or has its files no more."""
    current = current_version(job, table)
    if version > current:
        raise UsageError(f"table {table.name} has no version {version}: choose one from 0 to {current}")
    if not bookkeeping.whole(job.settings.lake, table.name, version):
        raise UsageError(
            f"table {table.name}: files of version {version} were vacuumed: choose a later one, see `maintain history`"
        )


def clear(job: Job, table: Table) -> None:
    """Deletes all rows; every file is new again. What is built on the table is emptied too."""
    _check_followed(job, table, current_version(job, table))
    lake = job.lake
    with held(job, table.name), recorded(job, table.name, {"action": "clear"}):
        with job.step("clear"):
            job.report.rows_removed = lake.read(table.name, current_version(job, table)).count()
            if not job.settings.dry_run:
                # the ledger first: killed in between, the files' rows are found unchanged, never missing
                ledger.forget_files(lake.root, table.name, -1, lake.run_id)
                deletes.forget(lake.root, table.name, -1, lake.run_id)
                lake.clear(table.name)
        _followed(job, table, full_refresh=True)  # statistics of pruned days go too


def restore(job: Job, table: Table, version: int) -> None:
    """Sets the rows back to what they were at a version, and what is built on them; files ingested after it are new."""
    check_version(job, table, version)
    _check_followed(job, table, version)
    lake = job.lake
    with held(job, table.name), recorded(job, table.name, {"action": "restore", "version": version}):
        with job.step("restore"):
            check_version(job, table, version)
            if not job.settings.dry_run:
                ledger.forget_files(lake.root, table.name, version, lake.run_id)
                deletes.forget(lake.root, table.name, version, lake.run_id)
                lake.restore(table.name, version)
                _declare_again(lake, table)
        _followed(job, table)


def _declare_again(lake: Lake, table: Table) -> None:
    """A restore took along what the table was declared as at that version, which may be nothing."""
    stored = bookkeeping.stored(lake.root, table.name)
    declared = replace(table, columns=tuple(column for column in table.columns if column.name in stored.columns))
    if table.origin and stored.declaration != declared.declaration:
        lake.declare(declared)


def _check_followed(job: Job, table: Table, version: int) -> None:
    """Raises UsageError, before anything is done, where what is built on the table could not follow it to a version."""
    drift.refuse_changed(job.settings.lake, table)
    for each in _built_on(job, table):
        aggregate.check_columns(bookkeeping.stored(job.settings.lake, table.name, version).columns, table, each)


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
    return [each for each in aggregate.kept(root, table) if bookkeeping.version(root, each.name) is not None]


def prune(job: Job, table: Table, before: date) -> None:
    """Deletes the days before one, whose aggregates by day stay as they are; later records of them will be rejects.

    Raises UsageError for a table without days, and for a day before which days were pruned already.
    """
    if "date" not in table.partition_by:
        raise UsageError(f"table {table.name} is not kept by days: there is nothing to prune")
    current_version(job, table)
    root = job.settings.lake
    drift.refuse_changed(root, table)
    pruned = bookkeeping.stored(root, table.name).pruned_before
    if pruned and before < pruned:
        raise UsageError(f"table {table.name} is pruned before {pruned} already: choose that day or a later one")
    lake = job.lake
    with held(job, table.name), recorded(job, table.name, {"action": "prune", "before": before.isoformat()}):
        for made in aggregate.kept(root, table):  # what they do not hold yet would be lost
            with job.part("aggregate") as part:
                aggregate.run(part, table, made)
        if not job.settings.dry_run:
            with job.step("prune"):
                job.report.rows_removed = lake.prune(table.name, before)
        current_version(job, table)
        job.report.status = "succeeded"
