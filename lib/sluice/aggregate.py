"""Aggregate tables kept equal to a full recomputation from their table."""

from __future__ import annotations

from typing import Any

from sluice import ledger
from sluice.cli import Job
from sluice.errors import InputError
from sluice.lake import Lake
from sluice.recording import held, recorded
from sluice.table import Aggregate, Table


def run(job: Job, spark: Any, table: Table, aggregate: Aggregate) -> None:
    """Computes an aggregate anew from the current version of its table. Raises InputError without such a table."""
    job.report.table = aggregate.name
    lake = Lake(spark, job.settings.lake, job.settings.run_id)
    version = ledger.table_version(job.settings.lake, table.name)
    if version is None:
        raise InputError(f"table {table.name} is not in lake {lake.root}: ingest files into it first")
    with held(job, lake, aggregate.name), recorded(job, {"aggregate": aggregate.name}):
        with job.step("aggregate"):
            groups = compute(lake.read(table.name, version), aggregate).persist()
            job.report.groups_recomputed = groups.count()
        job.report.mode = "full"
        if not job.settings.dry_run:
            with job.step("write"):
                lake.overwrite(aggregate.name, groups)
        groups.unpersist()
        job.report.table_version = ledger.table_version(job.settings.lake, aggregate.name)
        job.report.status = "succeeded"


def compute(rows: Any, aggregate: Aggregate) -> Any:
    """The aggregate of all rows: one row for each combination of its dimensions, null among them."""
    from pyspark.sql import functions as F

    measures = [F.count(F.lit(1)).alias(name) for name, measure in aggregate.measures.items() if measure == "count"]
    return rows.groupBy(*aggregate.by).agg(*measures)
