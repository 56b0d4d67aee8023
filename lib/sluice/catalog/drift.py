"""A table as it is beside its declaration: declared otherwise before, columns gained or to be gained, pruned days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sluice.errors import UsageError
from sluice.lake import log
from sluice.lake.log import Stored
from sluice.model.table import OWN_COLUMNS, Column, Table


def as_it_is(lake: str, table: Table) -> Table:
    """The table with the columns that it gained in the lake, and without those declared that are not there yet.

    Raises UsageError as `refuse_changed` does.
    """
    stored = refuse_changed(lake, table)
    made = _with_gained(table, stored)
    columns = tuple(column for column in made.columns if not stored.columns or column.name in stored.columns)
    return replace(made, columns=columns)


def to_be(lake: str, table: Table, on_new_column: str) -> tuple[Table, tuple[Column, ...]]:
    """The table as it is, with all that is declared; and the declared columns that it is to gain.

    Raises UsageError if there are any and `on_new_column` is not `add`, or as `refuse_changed` does.
    """
    stored = refuse_changed(lake, table)
    added = tuple(column for column in table.columns if stored.columns and column.name not in stored.columns)
    if added and on_new_column != "add":
        names = ", ".join(column.name for column in added)
        raise UsageError(
            f"{_place(table)}table {table.name} does not have the declared column {names} yet: add it with "
            "--on-new-column add"
        )
    return _with_gained(table, stored), added


def refuse_changed(lake: str, table: Table) -> Stored:
    """What is stored of the table. Raises UsageError if its rows were written by another declaration of it.

    Columns that are declared and not there yet are no difference.
    """
    stored = log.stored(lake, table.name)
    if found := _differences(table, stored.columns, stored.declaration):
        raise UsageError(
            f"{_place(table)}table {table.name} was made by another declaration: {'; '.join(found)}: go back to that, "
            "or declare a table of another name"
        )
    return stored


def _with_gained(table: Table, stored: Stored) -> Table:
    declared = (stored.declaration or {"columns": ()})["columns"]
    known = {*table.column_names, *declared, *OWN_COLUMNS}
    gained = table.gaining([name for name in stored.columns if name not in known])
    return replace(gained, pruned_before=stored.pruned_before)


def _place(table: Table) -> str:
    return f"{table.origin}: " if table.origin else ""


def _differences(table: Table, there: Mapping[str, str], stored: Mapping[str, Any] | None) -> list[str]:
    """How the declaration differs from the one that the rows were written by, or if that is unknown from the table."""
    now = table.declaration
    kinds = {column.name: column.type for column in table.columns if column.name in there}
    found = [f"column {name} was a {there[name]}, is a {kind}" for name, kind in kinds.items() if there[name] != kind]
    if stored is None:
        return found
    for key in (key for key in now if key != "columns" and now[key] != stored.get(key)):
        found.append(f"{key} was {_shown(stored.get(key))}, is {_shown(now[key])}")
    for name, was in stored["columns"].items():
        if (is_now := now["columns"].get(name)) != was and there.get(name) == kinds.get(name):
            found.append(f"column {name} was {was}, is {is_now}")
        elif name not in now["columns"]:
            found.append(f"column {name} was {was}, is gone")
    return found


def _shown(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) and value else str(value or "nothing")
