"""Tables and aggregates by name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from sluice import aggregate, drift
from sluice.errors import UsageError
from sluice.table import Aggregate, Table
from sluice.tables import processes, products, requests, scores

TABLES = {table.name: table for table in (products.TABLE, requests.TABLE, processes.TABLE, scores.TABLE)}


def table(name: str) -> Table:
    """Raises UsageError for a name that is no table."""
    if name not in TABLES:
        raise UsageError(f"{name!r} is no table: {_suggestion(name, TABLES)}")
    return TABLES[name]


def aggregates(lake: str, names: Sequence[str], by: Sequence[str] | None = None) -> list[tuple[Table, Aggregate]]:
    """Aggregates by their names, or all those of a table, each with its table; `by`: the one that counts by columns.

    Raises UsageError for a name that is neither.
    """
    if by:
        tables = [drift.as_it_is(lake, table(name)) for name in names]
        return [(each, aggregate.counting(each, by)) for each in tables]
    pairs = [(each, made) for each in TABLES.values() for made in aggregate.kept(lake, each)]
    chosen: dict[str, tuple[Table, Aggregate]] = {}
    for name in names:
        found = [pair for pair in pairs if name in (pair[0].name, pair[1].name)]
        if not found:
            known = [made.name for _, made in pairs]
            raise UsageError(
                f"{name!r} is no aggregate and no table that has one: {_suggestion(name, [*known, *TABLES])}"
            )
        chosen.update((pair[1].name, pair) for pair in found)
    return list(chosen.values())


def sources(lake: str, names: Sequence[str]) -> list[Table | Aggregate]:
    """Tables and aggregates by their names, each once. Raises UsageError for a name that is neither."""
    known: dict[str, Table | Aggregate] = dict(TABLES)
    known.update((made.name, made) for each in TABLES.values() for made in aggregate.kept(lake, each))
    for name in names:
        if name not in known:
            raise UsageError(f"{name!r} is no table and no aggregate: {_suggestion(name, known)}")
    return [known[name] for name in dict.fromkeys(names)]


def _suggestion(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(sorted(names))}"
