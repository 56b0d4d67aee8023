"""Ingest, aggregate and export of one table, one after the other."""

from __future__ import annotations

from sluice.aggregate import refresh as aggregate
from sluice.catalog import derived
from sluice.export import run as export
from sluice.ingest.plan import Plan
from sluice.ingest.run import ingest
from sluice.lake import log
from sluice.model.table import AnyTable
from sluice.runtime.job import Job


def run(job: Job, plan: Plan, schema: str, *, with_records: bool) -> None:
    """Runs the three as parts of the job; each does what is left to do, so that what a killed run left is made up."""
    table, lake = plan.table, job.settings.lake
    job.report.table = table.name
    with job.part("ingest") as part:
        ingest(part, plan)
    if part.report.table_version is not None and not job.settings.dry_run:
        aggregates = derived.aggregates_of(lake, table)
        with job.part("aggregate") as part:
            part.each(aggregates, lambda each, made: aggregate.run(each, table, made))
        sources: list[AnyTable] = [*aggregates, *([table] if with_records else [])]
        with job.part("export") as part:
            export.run(part, sources, schema)
    job.report.table_version = log.version(lake, table.name)
    job.sum_up()
