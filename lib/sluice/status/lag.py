"""How far an aggregate or an export is behind its table: how many versions, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sluice.catalog.derived import built_from, was_built_as_declared
from sluice.lake import log
from sluice.lake.log import State
from sluice.model.aggregate import Derived
from sluice.status.run_log import Exported

_ANEW = "its table was made anew or put back from a backup"


@dataclass(frozen=True)
class Lag:
    """`versions` that are lacking, the first of them committed at `since`; None, and `why`, if they cannot be counted.

    `since` is then when it was last brought up to date; None if that is not known either.
    """

    versions: int | None
    since: datetime | None = None
    why: str | None = None

    def hours(self, now: datetime) -> float | None:
        """How long it has been behind; 0 if it is not."""
        if self.versions == 0:
            return 0.0
        return None if self.since is None else hours_between(self.since, now)

    def document(self, now: datetime) -> dict[str, Any]:
        return {"versions": self.versions, "hours": self.hours(now), "why": self.why}


def hours_between(earlier: datetime, later: datetime) -> float:
    return round(max(0.0, (later - earlier).total_seconds()) / 3600, 4)


def of_aggregate(lake: str, name: str, state: State, table: str, table_state: State, declared: Derived | None) -> Lag:
    """How far an aggregate in a state is behind its table; `declared` as the catalog has it, if it does."""
    last = log.commit_time(lake, name, state.version)
    record = log.built_on(lake, name, state.version)
    if record is None:
        return Lag(None, last, "its log does not say what it was built on")
    if declared is not None and not was_built_as_declared(record, declared):
        return Lag(None, last, "it was built by an earlier declaration")
    return _behind(lake, table, table_state, built_from(record), last)


def of_export(lake: str, name: str, state: State, exported: Exported) -> Lag:
    """How far PostgreSQL's table is behind the table or aggregate, as the lake's runs know it."""
    if exported.version is None or exported.at is None:
        return Lag(None, None, "no export of it has succeeded")
    committed = log.commit_time(lake, name, min(exported.version, state.version))
    if committed is not None and committed > exported.at:
        return Lag(None, exported.at, _ANEW)
    return _behind(lake, name, state, State(state.table_id, exported.version), exported.at)


def _behind(lake: str, table: str, state: State, held: State, last: datetime | None) -> Lag:
    """`held`: the table's state that it holds, since `last`."""
    is_part = held.table_id == state.table_id and held.version <= state.version
    if not is_part or not log.is_same_commit(lake, table, held.version, held.mark):
        return Lag(None, last, _ANEW)
    lacking = state.version - held.version
    return Lag(lacking, log.commit_time(lake, table, held.version + 1) or last if lacking else None)
