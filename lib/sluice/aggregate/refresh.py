"""Brings an aggregate up to date: always equal to a full recomputation, from the table's changes where they suffice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from sluice.aggregate import groups, measures, ranking
from sluice.aggregate.computed import Computed
from sluice.catalog import drift
from sluice.catalog.derived import build_record, built_from, check_columns_exist, is_current, was_built_as_declared
from sluice.lake import change_feed, log
from sluice.lake.log import State
from sluice.ledger.recording import locked, recorded
from sluice.model.aggregate import Derived, Ranking
from sluice.model.table import Table
from sluice.runtime.job import Job

ROWS_PER_FILE = 500_000  # so that few rows are one file, though many tasks may have computed them


@dataclass(frozen=True)
class _State:
    """How far an aggregate is behind its table.

    `table_state`: what the table holds. `last`: the `build_record` of the aggregate's last commit; None
    if there is no commit, or it has none.
    """

    table: Table
    aggregate: Derived
    table_state: State
    last: Mapping[str, Any] | None

    @property
    def record(self) -> dict[str, Any]:
        """What the next commit of the aggregate is built from."""
        return build_record(self.aggregate, self.table.name, self.table_state)

    @property
    def module(self) -> ModuleType:
        """The module whose `from_all` and `from_changes` compute the rows."""
        return ranking if isinstance(self.aggregate, Ranking) else groups


def refresh(job: Job, table: Table, aggregate: Derived, *, full_refresh: bool = False) -> None:
    """Refreshes an aggregate to the current version of its table, and reports it.

    Raises InputError if the table does not exist, UsageError if it is not as declared or a value is out of range.
    """
    lake = job.settings.lake
    job.report.table = aggregate.name
    state = _look(lake, table, aggregate)
    check_columns_exist(drift.refuse_changed(lake, table).columns, table, aggregate)
    if _report_if_current(job, state, full_refresh):
        return
    with locked(job, aggregate.name):
        state = _look(lake, table, aggregate)  # another run may have refreshed it while this one waited for the lock
        if _report_if_current(job, state, full_refresh):
            return
        arguments = {"aggregate": aggregate.name, "table": table.name, "full_refresh": full_refresh}
        with recorded(job, aggregate.name, arguments), measures.refuse_overflow(aggregate.name):
            _refresh(job, state, full_refresh)
            job.report.table_version = log.version(lake, aggregate.name)
            job.report.status = "succeeded"


def _look(lake: str, table: Table, aggregate: Derived) -> _State:
    return _State(table, aggregate, log.required_state(lake, table.name), log.built_on(lake, aggregate.name))


def _report_if_current(job: Job, state: _State, full_refresh: bool) -> bool:
    """Whether there is nothing to do. The report then says so; else it says `failed` until the refresh is done."""
    job.report.table_version = log.version(job.settings.lake, state.aggregate.name)
    up_to_date = state.last is not None and is_current(state.last, state.aggregate, state.table_state)
    current = up_to_date and not full_refresh
    job.report.status = "nothing_new" if current else "failed"
    return current


def _refresh(job: Job, state: _State, full_refresh: bool) -> None:
    """Refreshes from the changes, or from all rows if that was requested or the changes do not suffice."""
    obstacle = "it was requested" if full_refresh else _obstacle(job.settings.lake, state)
    if obstacle is None and state.last is not None:
        try:
            _refresh_from_changes(job, state, state.last["version"])
            return
        except change_feed.NotEnough as error:
            obstacle = str(error)
        except Exception as error:
            if not change_feed.feed_gone(error):
                raise
            obstacle = f"the change feed of {state.table.name} after version {state.last['version']} is gone"
    job.progress.log(f"{state.aggregate.name}: full refresh: {obstacle}")
    _refresh_from_all(job, state)


def _obstacle(lake: str, state: _State) -> str | None:
    """Why the changes since the last refresh do not lead to the current state; None if they do."""
    if log.version(lake, state.aggregate.name) is None:
        return "it does not exist yet"
    if state.last is None:
        return "its log does not say what it was built on"
    if not was_built_as_declared(state.last, state.aggregate):
        return "its definition changed"
    return change_feed.obstacle(lake, state.table.name, built_from(state.last), state.table_state)


def _refresh_from_all(job: Job, state: _State) -> None:
    lake, aggregate, version = job.lake, state.aggregate, state.table_state.version
    with job.step("aggregate"):
        computed = state.module.from_all(lake, state.table, aggregate, version)
    _report(job, "full", computed)
    if not job.settings.dry_run:
        with job.step("write"):
            files = -(-computed.count // ROWS_PER_FILE) or 1  # rounded up
            lake.overwrite(aggregate.name, computed.rows.coalesce(files), built=state.record)
    computed.rows.unpersist()


def _refresh_from_changes(job: Job, state: _State, after: int) -> None:
    lake, aggregate, version = job.lake, state.aggregate, state.table_state.version
    with job.step("aggregate"):
        computed = state.module.from_changes(lake, state.table, aggregate, after, version)
    _report(job, "incremental", computed)
    if not job.settings.dry_run:
        with job.step("write"):
            if computed.count:
                lake.merge_groups(aggregate.name, computed.rows, aggregate.key, aggregate.values, built=state.record)
            else:
                lake.note(aggregate.name, built=state.record)
    computed.rows.unpersist()


def _report(job: Job, mode: str, computed: Computed) -> None:
    job.report.mode, job.report.groups_recomputed = mode, computed.count
    job.report.files_read, job.report.bytes_read = computed.files_read, computed.bytes_read
