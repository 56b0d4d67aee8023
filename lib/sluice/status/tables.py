"""The state of each table and aggregate of a lake: a row each, as the report has it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sluice.catalog.catalog import Catalog
from sluice.catalog.schema import OWN_TABLES
from sluice.errors import SluiceError, UsageError, closest
from sluice.lake import lake_files, log
from sluice.lake.contents import Contents, contents
from sluice.ledger import rejects
from sluice.model.aggregate import Derived
from sluice.runtime.exit import explained
from sluice.status.lag import hours_between, of_aggregate, of_export
from sluice.status.run_log import RunLog, document


@dataclass(frozen=True)
class Named:
    """A table, or with `of` an aggregate of that table, `derived` as it is declared.

    `error`: what is wrong with the table's declaration.
    """

    name: str
    of: str | None = None
    derived: Derived | None = None
    declared: bool = True
    error: str | None = None


class Tables:
    """What the catalog declares and the lake stores, looked at once, at the moment `now` (UTC).

    `only`: no others than these tables and aggregates, as far as they exist, with the aggregates of a table.
    """

    def __init__(
        self, lake: str, catalog: Catalog, run_log: RunLog, now: datetime, only: Collection[str] | None = None
    ) -> None:
        self._lake, self._runs, self._now = lake, run_log, now
        declared = list(_declared(catalog))
        folders = [name for name in lake_files.folders(lake) if name[:1] not in "._" and name not in OWN_TABLES]
        self._contents = contents(lake, folders if only is None else _needed(folders, declared, only))
        known = [*declared, *self._undeclared(declared)]
        self._names = {item.name: item for item in known if only is None or {item.name, item.of} & {*only}}
        self._rejects = rejects.counts(lake)
        self._latest, self._ingests = run_log.latest(), run_log.latest_ingests()

    def rows(self, names: Sequence[str] = ()) -> list[dict[str, Any]]:
        """A row each, aggregates behind their tables; only those of these names, with the aggregates of a table.

        Raises UsageError for an unknown name.
        """
        for name in names:
            if name not in self._names:
                raise UsageError(f"unknown table or aggregate {name!r}: {closest(name, self._names)}")
        chosen = [item for item in self._names.values() if not names or item.name in names or item.of in names]
        order = {item.name: number for number, item in enumerate(self._names.values())}
        chosen.sort(key=lambda item: (item.of or item.name, item.of is not None, order[item.name]))
        return [self._row(item) for item in chosen]

    def _undeclared(self, declared: Sequence[Named]) -> Iterator[Named]:
        """Tables that are in the lake, but in no declaration, such as aggregates by `--by`."""
        names = {item.name for item in declared}
        for name, found in self._contents.items():
            if name in names or found is None:
                continue
            record = log.built_on(self._lake, name, found.state.version) if isinstance(found, Contents) else None
            of = str(record.get("table") or name.partition("_by_")[0]) if record else None
            yield Named(name, of, declared=False)

    def _row(self, item: Named) -> dict[str, Any]:
        found = self._contents.get(item.name)
        error = item.error
        if isinstance(found, Exception):
            error, found = str(explained(found, self._lake)), None
        elif item.name in self._contents and found is None and item.name not in self._runs.holders:
            error = "its folder has no log: a first run was killed before its commit, or the log was deleted"
        row: dict[str, Any] = {"table": item.name, "aggregate_of": item.of, "declared": item.declared}
        row |= dict.fromkeys(("rows", "files", "bytes", "version"))
        if found:
            row |= {"rows": found.rows, "files": found.files, "bytes": found.size, "version": found.state.version}
        row |= {"last_run": self._last_run(item.name), "updated_at": None, "rejects": None, "lag": None, "exports": []}
        if item.of is None:
            row["rejects"] = self._rejects.get(item.name, 0)
        if found:
            try:
                row |= self._currency(item, found)
            except Exception as failure:  # of one damaged log: the others are shown
                error = str(explained(failure, self._lake))
        return {**row, "error": error}

    def _last_run(self, name: str) -> dict[str, Any] | None:
        run = self._latest.get(name)
        if run is None:
            return None
        shown = {key: run[key] for key in ("run_id", "job", "attempt", "status", "started_at", "finished_at", "error")}
        return {**shown, "hours_ago": hours_between(run["finished_at"] or run["started_at"], self._now)}

    def _currency(self, item: Named, found: Contents) -> dict[str, Any]:
        """How current it and its exports are."""
        exports = []
        for _, exported in sorted(self._runs.exports.get(item.name, {}).items()):
            lag = of_export(self._lake, item.name, found.state, exported)
            exports.append(
                {
                    **{"schema": exported.schema, "version": exported.version, "exported_at": exported.at},
                    **{"last_status": exported.last_status, "lag": lag.document(self._now)},
                }
            )
        if item.of is None:
            return {"updated_at": self._updated_at(item.name, found), "exports": exports}
        return {"lag": self._lag(item, item.of, found), "exports": exports}

    def _lag(self, item: Named, table: str, found: Contents) -> dict[str, Any]:
        of = self._contents.get(table)
        if not isinstance(of, Contents):
            return {"versions": None, "hours": None, "why": f"table {table} cannot be read or is gone"}
        return of_aggregate(self._lake, item.name, found.state, table, of.state, item.derived).document(self._now)

    def _updated_at(self, name: str, found: Contents) -> datetime | None:
        """When a run last brought the table up to date with files, nothing new among them; by its log if no run did.

        A run whose commit is not in the table any more, as after a restore of its folder, does not count.
        """
        run = self._ingests.get(name)
        version = document(run["report"]).get("table_version") if run else None
        if run is not None and version is not None and version <= found.state.version:
            committed = log.commit_time(self._lake, name, version)
            if committed is None or committed <= run["finished_at"]:
                return run["finished_at"]
        return log.changed_at(self._lake, name, found.state.version)


def _needed(folders: Sequence[str], declared: Sequence[Named], only: Collection[str]) -> list[str]:
    """The folders of these tables and aggregates, of a table's aggregates, and of the table that an aggregate is of."""
    tables = {*only, *(name.partition("_by_")[0] for name in only)}
    tables |= {item.of for item in declared if item.name in only and item.of}
    names = tables | {item.name for item in declared if item.of in tables}
    return [name for name in folders if name in names or name.partition("_by_")[0] in names]


def _declared(catalog: Catalog) -> Iterator[Named]:
    for name in catalog.names:
        try:
            table = catalog.table(name)
        except SluiceError as error:
            yield Named(name, error=str(error))
            continue
        yield Named(name)
        yield from (Named(aggregate.name, name, aggregate) for aggregate in table.aggregates)
