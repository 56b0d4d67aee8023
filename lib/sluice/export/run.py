"""Delta tables and aggregates to PostgreSQL: JDBC into staging tables, then one transaction over all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sluice.catalog import derived, drift
from sluice.errors import DatabaseError
from sluice.export import database as postgres
from sluice.export.database import GONE, Database, Exported, Target
from sluice.lake import change_feed as changes
from sluice.lake import log
from sluice.lake.lake import Lake
from sluice.ledger.recording import recorded
from sluice.model.table import AnyTable, Table
from sluice.runtime.job import Job
from sluice.runtime.report import Report


@dataclass(frozen=True)
class Item:
    """What to export: a table or aggregate at a version; `since`: the version that PostgreSQL holds, None for none."""

    source: AnyTable
    table_id: str
    version: int
    since: int | None

    @property
    def current(self) -> bool:
        return self.since == self.version


def run(job: Job, sources: Sequence[AnyTable], schema: str) -> None:
    """Exports the sources; a part of the job for each. Raises DatabaseError; PostgreSQL is then as before.

    Raises InputError for a source that is not there, UsageError for one that is declared otherwise than it is.
    """
    for source in sources:
        log.required_state(job.settings.lake, source.name, "make it with ingest or aggregate")
        if isinstance(source, Table):
            drift.refuse_changed(job.settings.lake, source)
        else:
            derived.check_built_as_declared(job.settings.lake, source)
    with postgres.connected(postgres.url(job.progress.log), schema) as database:
        database.check_schema()
        database.prepare(job.settings.lock_timeout)
        items = [_plan(job, database, source) for source in sources]
        reports = _reports(job, items)
        outdated = [(item, report) for item, report in zip(items, reports, strict=True) if not item.current]
        if outdated:
            names = ",".join(item.source.name for item in items)
            _ = job.spark  # from here on the run is recorded: not in a start that only looks whether Spark is needed
            with recorded(job, names, {"schema": schema}):
                _export(job, database, outdated)


def _export(job: Job, database: Database, outdated: Sequence[tuple[Item, Report]]) -> None:
    targets = []
    for item, report in outdated:
        with job.step(f"send {item.source.name}"):
            targets.append(_send(job, database, item, report))
    with job.step("apply"):
        counts = database.apply(targets, job.settings.run_id, dry_run=job.settings.dry_run)
    for (_, report), counted in zip(outdated, counts, strict=True):
        report.rows_removed = counted.pop("removed")
        report.rows_read = sum(counted.values())
        report.set_outcomes(counted)
        report.status = "succeeded"
    if job.report.steps:
        job.sum_up()


def _reports(job: Job, items: Sequence[Item]) -> list[Report]:
    """One report for each item: the job's own for a single one."""
    reports = [job.report] if len(items) == 1 else [Report(job.report.job, job.settings.run_id) for _ in items]
    for item, report in zip(items, reports, strict=True):
        report.table, report.table_version = item.source.name, item.version
        report.mode, report.status = ("none", "nothing_new") if item.current else ("full", "failed")
    if len(items) > 1:
        job.report.steps = reports
        job.sum_up()
    return reports


def _plan(job: Job, database: Database, source: AnyTable) -> Item:
    lake, name = job.settings.lake, source.name
    described = log.required_state(lake, name)
    held = database.exported(name)
    if held is None:
        return Item(source, *described, None)
    if held.lake != lake or held.table_id != described[0]:
        job.progress.log(f"{name}: PostgreSQL holds another table of that name: all its rows are replaced")
        return Item(source, *described, None)
    obstacle = changes.obstacle(lake, name, (held.table_id, held.version), described)
    if obstacle:
        job.progress.log(f"{name}: full export: {obstacle}")
        return Item(source, *described, None)
    return Item(source, *described, held.version)


def _send(job: Job, database: Database, item: Item, report: Report) -> Target:
    """Writes an item's rows, or those that changed, into a staging table."""
    root, name = job.settings.lake, item.source.name
    if item.since is not None:
        try:
            rows = changed_rows(job.lake, item)
            target = _stage(job, database, item, rows, full=False)
        except Exception as error:
            if not changes.feed_gone(error):
                raise
            job.progress.log(f"{name}: full export: its change feed after version {item.since} is gone")
        else:
            report.mode = "incremental"
            report.files_read, report.bytes_read = log.size_of_changes(root, name, item.since)
            return target
    from pyspark.sql import functions as F

    rows = job.lake.read(name, item.version).withColumn(GONE, F.lit(False))
    report.files_read, report.bytes_read = log.size(root, name)
    return _stage(job, database, item, rows, full=True)


def changed_rows(lake: Lake, item: Item) -> Any:
    """The last state of each key that changed after `since`: its row, or only the key with `sluice_gone`."""
    assert item.since is not None
    feed = lake.changes(item.source.name, item.since, item.version)
    last = changes.last_states(feed, item.source.key).withColumn(GONE, ~changes.is_new_state())
    return last.drop("_change_type", "_commit_version", "_commit_timestamp")


def _stage(job: Job, database: Database, item: Item, rows: Any, *, full: bool) -> Target:
    source = item.source
    columns = {field.name: field.dataType.simpleString() for field in rows.schema if field.name != GONE}
    target = Target(
        name=source.name,
        columns=columns,
        key=source.key,
        nullable_key=source.nullable_key,
        indexes=source.indexes,
        holds=Exported(job.settings.lake, item.table_id, item.version),
        full=full,
    )
    database.check_columns(target)
    staging = database.create_staging(target)
    try:
        writer = rows.coalesce(8).write.format("jdbc").options(**database.jdbc_options(), dbtable=staging)
        writer.mode("append").save()
    except Exception as error:
        if "org.postgresql" in str(error) or "java.sql" in str(error):
            cause = next(
                (line for line in str(error).splitlines() if "PSQLException" in line), "the connection was lost"
            )
            raise DatabaseError(f"PostgreSQL refused rows of {source.name}: {cause.strip()[:300]}") from None
        raise
    return target
