"""The job `export`: tables and aggregates to PostgreSQL, by staging tables and one transaction over all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from sluice.catalog import derived, drift
from sluice.errors import DatabaseError
from sluice.export.connection import connected, database_url
from sluice.export.database import Database
from sluice.export.rows_to_send import all_rows, changed_rows
from sluice.export.target import DeltaVersion, Target
from sluice.lake import change_feed, log
from sluice.lake.log import State
from sluice.ledger.recording import recorded
from sluice.model.table import AnyTable, Table
from sluice.runtime.job import Job
from sluice.runtime.report import Report


@dataclass(frozen=True)
class _Planned:
    """A table or aggregate to export as it is; `since`: the version that PostgreSQL holds, None for none of it."""

    source: AnyTable
    state: State
    since: int | None

    @property
    def is_current(self) -> bool:
        return self.since == self.state.version


@dataclass(frozen=True)
class _Staged:
    """Rows in a staging table, and the number and bytes of Delta's files that were read for them."""

    target: Target
    files_read: int
    bytes_read: int


def export(job: Job, sources: Sequence[AnyTable], schema: str, *, full: bool = False, take_over: bool = False) -> None:
    """Makes PostgreSQL's tables equal to the sources, and reports each as a part of the job.

    `full`: all rows are compared, so that rows which others changed in PostgreSQL are set right too.
    `take_over`: whether tables that another lake exported are replaced.

    Raises InputError for a source that does not exist, UsageError for one that is not as declared, DatabaseError for
    what PostgreSQL refuses. PostgreSQL is then as before.
    """
    job.report.table = sources[0].name if len(sources) == 1 else None
    for source in sources:
        _check(job.settings.lake, source)
    with connected(database_url(job.progress.log), schema) as database:
        database.check_schema()
        database.prepare(job.writer)
        plans = [_plan(job, database, source, full=full, take_over=take_over) for source in sources]
        reports = _start_reports(job, plans)
        outdated = [(plan, report) for plan, report in zip(plans, reports, strict=True) if not plan.is_current]
        if outdated:
            names = ",".join(plan.source.name for plan in plans)
            with recorded(job, names, {"schema": schema, "database": database.address}):
                _export(job, database, outdated)


def _check(lake: str, source: AnyTable) -> None:
    log.required_state(lake, source.name, "make it with ingest or aggregate")
    if isinstance(source, Table):
        drift.refuse_changed(lake, source)
    else:
        derived.check_built_as_declared(lake, source)


def _plan(job: Job, database: Database, source: AnyTable, *, full: bool, take_over: bool) -> _Planned:
    """What to send: only the changes if PostgreSQL holds an earlier version of the same table, else all rows.

    Raises DatabaseError for a table of another lake that is not to be taken over.
    """
    lake, name = job.settings.lake, source.name
    state = log.required_state(lake, name)
    holds = database.exported_version(name)
    if holds is not None and holds.lake != lake and not take_over:
        raise DatabaseError(
            f"PostgreSQL's table {database.schema}.{name} was exported from the lake {holds.lake}: choose another "
            f"--schema, or replace it by this lake's table with: export {name} --take-over"
        )
    if holds is None or full:
        return _Planned(source, state, None)
    if (holds.lake, holds.table_id) != (lake, state.table_id):
        job.progress.log(f"{name}: PostgreSQL's table holds another Delta table: all its rows are replaced")
        return _Planned(source, state, None)
    obstacle = change_feed.obstacle(lake, name, holds.state, state)
    if obstacle:
        job.progress.log(f"{name}: full export: {obstacle}")
        return _Planned(source, state, None)
    return _Planned(source, state, holds.version)


def _start_reports(job: Job, plans: Sequence[_Planned]) -> list[Report]:
    """One report for each plan, `failed` until it is done: the job's own for a single one, else parts of it."""
    reports = [job.report] if len(plans) == 1 else [Report(job.report.job, job.settings.run_id) for _ in plans]
    for plan, report in zip(plans, reports, strict=True):
        report.table, report.table_version = plan.source.name, plan.state.version
        report.mode, report.status = ("none", "nothing_new") if plan.is_current else ("full", "failed")
    if len(plans) > 1:
        job.report.steps = reports
        job.sum_up()
    return reports


def _export(job: Job, database: Database, outdated: Sequence[tuple[_Planned, Report]]) -> None:
    targets = []
    for plan, report in outdated:
        with job.progress.about(report), job.step(f"send {plan.source.name}"):
            staged = _send(job, database, plan)
        report.mode = "full" if staged.target.full else "incremental"
        report.files_read, report.bytes_read = staged.files_read, staged.bytes_read
        targets.append(staged.target)
    with job.step("apply"):
        counts = database.apply(targets, job.settings.run_id, dry_run=job.settings.dry_run)
    for (_, report), by_outcome in zip(outdated, counts, strict=True):
        report.rows_removed = by_outcome.pop("removed")
        report.rows_read = sum(by_outcome.values())
        report.set_outcomes(by_outcome)
        report.status = "succeeded"
    if job.report.steps:
        job.sum_up()


def _send(job: Job, database: Database, plan: _Planned) -> _Staged:
    """Copies the rows that changed into a staging table, or all rows if there is nothing to start from."""
    lake, name = job.settings.lake, plan.source.name
    if plan.since is not None:
        try:
            changed = changed_rows(job, plan.source, plan.since, plan.state.version)
            target = _stage(database, lake, plan, changed, full=False)
        except Exception as error:
            if not change_feed.feed_gone(error):
                raise
            job.progress.log(f"{name}: full export: its change feed after version {plan.since} is gone")
        else:
            return _Staged(target, *log.size_of_changes(lake, name, plan.since))
    target = _stage(database, lake, plan, all_rows(job, plan.source, plan.state.version), full=True)
    return _Staged(target, *log.size(lake, name))


def _stage(database: Database, lake: str, plan: _Planned, rows: Iterable[pa.RecordBatch], *, full: bool) -> Target:
    source = plan.source
    target = Target(
        name=source.name,
        columns=dict(log.stored(lake, source.name, plan.state.version).columns),
        key=source.key,
        nullable_key=source.nullable_key,
        indexes=source.indexes,
        version=DeltaVersion(lake, *plan.state),
        full=full,
    )
    database.stage(target, rows)
    return target
