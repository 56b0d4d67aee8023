"""The aggregates and rankings of a table, and whether they are as declared."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from typing import Any

from sluice.errors import UsageError
from sluice.lake import log
from sluice.model.aggregate import Aggregate, Derived
from sluice.model.table import Table


def counting(table: Table, columns: Sequence[str]) -> Aggregate:
    """The aggregate that counts a table's rows by columns. Raises UsageError for a column it does not have."""
    for column in columns:
        if column not in table.column_names:
            raise UsageError(
                f"table {table.name} has no column {column!r}: choose from {', '.join(table.column_names)}"
            )
    if len(set(columns)) != len(columns):
        raise UsageError(f"--by {','.join(columns)} names a column twice: name each once")
    return Aggregate(f"{table.name}_by_{'_'.join(columns)}", tuple(columns), {"count": "count"})


def kept(lake: str, table: Table) -> list[Derived]:
    """The table's declared aggregates, and those that `counting` made in this lake before."""
    prefix, declared = f"{table.name}_by_", {made.name for made in table.aggregates}
    there = os.listdir(lake) if os.path.isdir(lake) else ()
    made = sorted(name for name in there if name.startswith(prefix) and name not in declared)
    built = [(name, log.built_on(lake, name)) for name in made]
    counted = [(name, tuple(last["by"])) for name, last in built if last and last.get("measures") == {"count": "count"}]
    return [
        *table.aggregates,
        *(Aggregate(n, by, {"count": "count"}) for n, by in counted if n == prefix + "_".join(by)),
    ]


def check_columns(there: Collection[str], table: Table, made: Derived) -> None:
    """Raises UsageError for a declared column that is not among those `there` are in the lake."""
    for name in made.columns_of_table:
        if name not in there:
            raise UsageError(
                f"{made.name}: table {table.name} does not have the column {name} yet: add it by an ingest with "
                "--on-new-column add"
            )


def check_built(lake: str, made: Derived) -> None:
    """Raises UsageError for an aggregate that was built by another definition than it has now."""
    last = log.built_on(lake, made.name)
    if last is not None and not _of_definition(last, made):
        raise UsageError(f"{made.name} was built as it was declared before: make it anew with aggregate {made.name}")


def _of_definition(last: dict[str, Any], made: Derived) -> bool:
    return {key: value for key, value in last.items() if key not in ("id", "version")} == made.definition
