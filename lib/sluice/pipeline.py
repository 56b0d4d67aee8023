"""The job `run`: ingest a table, refresh its aggregates and export them, in one Spark application."""

from __future__ import annotations

from sluice.aggregate.refresh import refresh
from sluice.catalog import derived
from sluice.export.run import export
from sluice.ingest.plan import Plan
from sluice.ingest.run import ingest
from sluice.lake import log
from sluice.model.table import AnyTable
from sluice.runtime.job import Job


def run(job: Job, plan: Plan, schema: str, *, with_records: bool) -> None:
    """Runs the three steps as parts of the job. `with_records`: whether the table is exported beside its aggregates.

    Each step does whatever is left to do, also if nothing is new to the one before it: that is how what a killed run
    left undone is finished. A dry run ends after the ingest, since nothing has changed for the others to see.
    """
    table, lake = plan.table, job.settings.lake
    job.report.table = table.name
    with job.part("ingest") as part:
        ingest(part, plan)
    if part.report.table_version is not None and not job.settings.dry_run:
        job.expect([table.name])  # if there was nothing to ingest, Spark has not started
        aggregates = derived.aggregates_of(lake, table)
        with job.part("aggregate") as part:
            part.each(aggregates, lambda step, aggregate: refresh(step, table, aggregate))
        sources: list[AnyTable] = [*aggregates, *([table] if with_records else [])]
        with job.part("export") as part:
            export(part, sources, schema)
    job.report.table_version = log.version(lake, table.name)
    job.sum_up()
