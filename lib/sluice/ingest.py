"""Files into a table: read, reject or keep, one row per key, merge. Every row read is accounted for once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sluice import bookkeeping, dedupe, files, key_range, ledger, rejects
from sluice.cli import Job
from sluice.conform import conform
from sluice.errors import InputError, TooManyRejects
from sluice.input_file import InputFile
from sluice.key_range import KeyRange
from sluice.lake import Lake
from sluice.limit import Limit
from sluice.readers import csv
from sluice.readers.dialect import Dialect
from sluice.recording import held, recorded
from sluice.table import Table

CHANGES = ("inserted", "updated")
FEW = 10  # rows are few if the table has so many times more
PARTITION_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Plan:
    """What to ingest: `new` files are not in the table yet, `skipped` is how many others are."""

    table: Table
    dialect: Dialect
    max_record_bytes: int
    max_rejects: Limit
    reprocess: bool
    found: tuple[InputFile, ...]
    new: tuple[InputFile, ...] = ()
    sources: tuple[csv.CsvFile, ...] = ()

    @property
    def options(self) -> str:
        """Those that change the rows of a file."""
        return json.dumps({**asdict(self.dialect), "max_record_bytes": self.max_record_bytes}, sort_keys=True)

    def without_ingested(self, lake: str) -> Plan:
        new = self.found if self.reprocess else ledger.not_ingested(lake, self.table.name, self.options, self.found)
        return replace(self, new=tuple(new))

    def opened(self) -> Plan:
        """With the headers read. Raises InputError where one does not fit the table."""
        sources = csv.open_all(self.new, self.table, self.dialect, self.max_record_bytes)
        return replace(self, sources=tuple(sources))


def plan(
    job: Job,
    table: Table,
    inputs: Sequence[str],
    *,
    dialect: Dialect,
    max_record_bytes: int,
    max_rejects: Limit,
    reprocess: bool,
    min_age: float = 0,
) -> Plan:
    """Finds the files and what is new among them, without Spark."""
    job.report.table, lake = table.name, job.settings.lake
    job.report.table_version = bookkeeping.version(lake, table.name)
    found = [file for file in files.find(inputs) if not min_age or files.age(file) >= min_age]
    return Plan(table, dialect, max_record_bytes, max_rejects, reprocess, tuple(found)).without_ingested(lake).opened()


def run(job: Job, plan: Plan) -> None:
    """Ingests the plan's new files in Spark; without any the table stays as it is."""
    job.report.table = plan.table.name
    _note_files(job, plan)
    if not plan.new:
        return
    lake = job.lake
    with held(job, plan.table.name):
        plan = plan.without_ingested(lake.root).opened()  # another run may have had the lock
        _note_files(job, plan)
        if plan.new:
            with recorded(
                job, plan.table.name, {"files": [file.uri for file in plan.new], "reprocess": plan.reprocess}
            ):
                _ingest(job, lake, plan)


def _note_files(job: Job, plan: Plan) -> None:
    job.report.files = len(plan.new)
    job.report.files_skipped = len(plan.found) - len(plan.new)
    job.report.status = "succeeded" if plan.new else "nothing_new"
    job.report.table_version = bookkeeping.version(job.settings.lake, plan.table.name)


def _ingest(job: Job, lake: Lake, plan: Plan) -> None:
    with job.step("read"):
        rows = conform(csv.read(lake.spark, plan.sources), plan.table).persist()
        tallies = rejects.tally(rows, plan.new)
    job.report.rows_read = sum(tally.rows_read for tally in tallies)
    job.report.rows_rejected = sum(tally.rows_rejected for tally in tallies)
    _refuse_unreadable(tallies, plan)
    if not job.settings.dry_run:
        with job.step("keep rejects"):
            rejects.keep(lake, plan.table, rows, tallies, plan.new)
    _refuse_rejected(tallies, plan)
    with job.step("classify"):
        version = bookkeeping.version(lake.root, plan.table.name)
        few = job.report.rows_read * FEW < bookkeeping.row_count(lake.root, plan.table.name)
        existing, within = _existing(lake, plan.table, rows, version, few=few)
        classified = _classified(plan.table, rows, existing, _partitions(lake.spark, plan), few=few).persist()
        counts = {row["outcome"]: row["count"] for row in classified.groupBy("outcome").count().collect()}
        job.report.set_outcomes({"rejected": job.report.rows_rejected, **counts})
    if job.settings.dry_run:
        return
    with job.step("merge"):
        _merge(lake, plan.table, classified, counts, version, within)
    with job.step("record"):
        _record(job, plan, tallies)
    rows.unpersist()
    classified.unpersist()


def _refuse_unreadable(tallies: Sequence[rejects.Tally], plan: Plan) -> None:
    for tally in tallies:
        if tally.failure:
            raise InputError(tally.failure)
        if tally.unclosed and not plan.max_rejects.everything:
            raise InputError(
                f"{tally.file.uri}: {tally.unclosed}: mend the file, or ingest what comes before "
                "it with --max-rejects 100%"
            )


def _refuse_rejected(tallies: Sequence[rejects.Tally], plan: Plan) -> None:
    for tally in tallies:
        if plan.max_rejects.exceeded(tally.rows_rejected, tally.rows_read):
            raise TooManyRejects(
                f"{tally.file.uri}: {tally.rows_rejected:,} of {tally.rows_read:,} records rejected, more than "
                f"{plan.max_rejects} allowed, so nothing was merged: see them with `rejects list`, or allow more with "
                "--max-rejects"
            )


def _partitions(spark: Any, plan: Plan) -> int:
    """So many that one task's rows fit into its memory, and no more: each may become a file of the table."""
    size = sum(source.file.size * (5 if source.file.compression else 1) for source in plan.sources)
    return max(spark.sparkContext.defaultParallelism, -(-size // PARTITION_BYTES))


def _existing(
    lake: Lake, table: Table, rows: Any, version: int | None, *, few: bool
) -> tuple[Any | None, KeyRange | None]:
    """The table's rows, None without any; where `few` are to come, only those in the range of their keys, and it."""
    if version is None:
        return None, None
    within = key_range.of(rows.where("reason is null"), table.key) if few else None
    return lake.read(table.name, version, within), within


def _classified(table: Table, rows: Any, existing: Any | None, partitions: int, *, few: bool) -> Any:
    """The rows with their outcome; only those that change the table keep their values."""
    from pyspark.sql import functions as F

    kept = rows.where("reason is null").drop("raw", "reason").repartition(partitions, *table.key)
    marked = dedupe.mark_superseded(kept, table.key, ("file", "position"))
    outcomes = dedupe.classify(marked, existing, table.key, table.column_names, few=few)
    changes = F.col("outcome").isin(*CHANGES)
    return outcomes.select("outcome", *(F.when(changes, F.col(name)).alias(name) for name in table.column_names))


def _merge(
    lake: Lake, table: Table, classified: Any, counts: dict[str, int], version: int | None, within: KeyRange | None
) -> None:
    from pyspark.sql import functions as F

    changes = classified.where(F.col("outcome").isin(*CHANGES)).select(
        *table.column_names, F.lit(datetime.now(UTC)).alias("ingested_at"), F.lit(lake.run_id).alias("run_id")
    )
    expected = {outcome: counts.get(outcome, 0) for outcome in CHANGES}
    if version is None:
        lake.create(table.name, changes, table.partition_by)
    elif any(expected.values()):
        merged = lake.merge(table.name, changes, table.key, within)
        if merged != expected:
            raise RuntimeError(f"table {table.name}: Delta merged {merged}, expected {expected}: maintain restore it")


def _record(job: Job, plan: Plan, tallies: Sequence[rejects.Tally]) -> None:
    lake, table, run_id = job.settings.lake, plan.table.name, job.settings.run_id
    table_id, version = bookkeeping.existing(lake, table)
    ledger.record_files(lake, table, table_id, version, plan.options, run_id, tallies)
    job.report.table_version = version
