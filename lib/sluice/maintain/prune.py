"""Deleting old days of a table while their aggregates stay."""

from __future__ import annotations

from datetime import date

from sluice.aggregate.refresh import refresh
from sluice.catalog import derived, drift
from sluice.errors import UsageError
from sluice.lake import log
from sluice.ledger.recording import locked, recorded
from sluice.maintain.versions import report_version
from sluice.model.table import Table
from sluice.runtime.job import Job


def prune(job: Job, table: Table, before: date) -> None:
    """Deletes the days before a date. Their aggregates by day stay as they are; later records of them are rejects.

    Aggregates are refreshed first: rows that they do not include yet would be lost to them. Raises InputError if the
    table does not exist, UsageError if it is not partitioned by date, or was pruned up to a later day before.
    """
    if "date" not in table.partition_by:
        raise UsageError(f"table {table.name} is not partitioned by date: only tables that are can be pruned")
    report_version(job, table)
    root = job.settings.lake
    drift.refuse_changed(root, table)
    pruned = log.stored(root, table.name).pruned_before
    if pruned and before < pruned:
        raise UsageError(f"table {table.name} is pruned before {pruned} already: choose that day or a later one")
    job.expect([table.name])
    lake = job.lake
    with locked(job, table.name), recorded(job, table.name, {"action": "prune", "before": before.isoformat()}):
        for aggregate in derived.aggregates_of(root, table):
            with job.part("aggregate") as part:
                refresh(part, table, aggregate)
        if not job.settings.dry_run:
            with job.step("prune"):
                job.report.rows_removed = lake.prune(table.name, before)
        report_version(job, table)
        job.report.status = "succeeded"
