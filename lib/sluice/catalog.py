"""Tables and aggregates by name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from sluice.errors import UsageError
from sluice.table import Aggregate, Table
from sluice.tables import products

TABLES = {table.name: table for table in (products.TABLE,)}


def table(name: str) -> Table:
    """Raises UsageError for a name that is no table."""
    if name not in TABLES:
        raise UsageError(f"{name!r} is no table: {_suggestion(name, TABLES)}")
    return TABLES[name]


def aggregates(name: str) -> list[tuple[Table, Aggregate]]:
    """An aggregate by its name, or all those of a table, each with its table."""
    pairs = [(table, aggregate) for table in TABLES.values() for aggregate in table.aggregates]
    chosen = [pair for pair in pairs if name in (pair[1].name, pair[0].name)]
    if not chosen:
        names = [aggregate.name for _, aggregate in pairs]
        raise UsageError(f"{name!r} is no aggregate and no table that has one: {_suggestion(name, [*names, *TABLES])}")
    return chosen


def _suggestion(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(sorted(names))}"
