"""Old days of a table deleted; their aggregates stay."""

from __future__ import annotations

from datetime import date

from sluice.aggregate import refresh as aggregate
from sluice.catalog import derived, drift
from sluice.errors import UsageError
from sluice.lake import log
from sluice.ledger.recording import locked, recorded
from sluice.maintain.versions import current_version
from sluice.model.table import Table
from sluice.runtime.job import Job


def prune(job: Job, table: Table, before: date) -> None:
    """Deletes the days before one, whose aggregates by day stay as they are; later records of them will be rejects.

    Raises UsageError for a table without days, and for a day before which days were pruned already.
    """
    if "date" not in table.partition_by:
        raise UsageError(f"table {table.name} is not kept by days: there is nothing to prune")
    current_version(job, table)
    root = job.settings.lake
    drift.refuse_changed(root, table)
    pruned = log.stored(root, table.name).pruned_before
    if pruned and before < pruned:
        raise UsageError(f"table {table.name} is pruned before {pruned} already: choose that day or a later one")
    lake = job.lake
    with locked(job, table.name), recorded(job, table.name, {"action": "prune", "before": before.isoformat()}):
        for made in derived.kept(root, table):  # what they do not hold yet would be lost
            with job.part("aggregate") as part:
                aggregate.run(part, table, made)
        if not job.settings.dry_run:
            with job.step("prune"):
                job.report.rows_removed = lake.prune(table.name, before)
        current_version(job, table)
        job.report.status = "succeeded"
