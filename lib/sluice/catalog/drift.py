"""How a stored table differs from its declaration: changed declarations, extra columns, columns still to be added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sluice.errors import UsageError, with_article
from sluice.lake import log
from sluice.lake.log import Stored
from sluice.model.table import OWN_COLUMNS, Column, Table


def refuse_changed(lake: str, table: Table) -> Stored:
    """What the lake stores of the table. Raises UsageError if its rows were written under another declaration.

    Declared columns that the stored table does not have yet are not a difference.
    """
    stored = log.stored(lake, table.name)
    if differences := _differences(table, stored):
        raise UsageError(
            f"{_place(table)}table {table.name} was written under another declaration: {'; '.join(differences)}: go "
            "back to that one, or declare a table of another name"
        )
    return stored


def as_stored(lake: str, table: Table) -> Table:
    """The table with the columns that it has in the lake: with those added by files, without those still to be added.

    Raises UsageError as `refuse_changed` does.
    """
    stored = refuse_changed(lake, table)
    table = _with_gained_columns(table, stored)
    columns = tuple(column for column in table.columns if not stored.columns or column.name in stored.columns)
    return replace(table, columns=columns)


def for_ingest(lake: str, table: Table, on_new_column: str) -> tuple[Table, tuple[Column, ...]]:
    """The table with all declared columns and those added by files; and the declared ones still to be added.

    Raises UsageError if there are any of the latter and `on_new_column` is not `add`, or as `refuse_changed` does.
    """
    stored = refuse_changed(lake, table)
    to_add = tuple(column for column in table.columns if stored.columns and column.name not in stored.columns)
    if to_add and on_new_column != "add":
        names = ", ".join(column.name for column in to_add)
        raise UsageError(
            f"{_place(table)}table {table.name} does not have the declared column {names} yet: add it with "
            "--on-new-column add"
        )
    return _with_gained_columns(table, stored), to_add


def _with_gained_columns(table: Table, stored: Stored) -> Table:
    """The table with the stored columns that no declaration of it, the present or the stored one, names."""
    once_declared = stored.declaration["columns"] if stored.declaration else ()
    known = {*table.column_names, *once_declared, *OWN_COLUMNS}
    table = table.gaining([name for name in stored.columns if name not in known])
    return replace(table, pruned_before=stored.pruned_before)


def _place(table: Table) -> str:
    return f"{table.origin}: " if table.origin else ""


def _differences(table: Table, stored: Stored) -> list[str]:
    """How the declaration differs from the stored columns, and from the declaration under which they were written."""
    changed_types = [
        f"column {column.name} was {with_article(stored_type)}, is {with_article(column.type)}"
        for column in table.columns
        if (stored_type := stored.columns.get(column.name, column.type)) != column.type
    ]
    if stored.declaration is None:
        return changed_types
    return [
        *changed_types,
        *_changed_settings(table, stored.declaration),
        *_changed_columns(table, stored.columns, stored.declaration["columns"]),
    ]


def _changed_settings(table: Table, before: Mapping[str, Any]) -> list[str]:
    """The changed ones of all that a declaration says apart from its columns."""
    return [
        f"{key} was {_shown(before.get(key))}, is {_shown(value)}"
        for key, value in table.declaration.items()
        if key != "columns" and value != before.get(key)
    ]


def _changed_columns(table: Table, stored: Mapping[str, str], before: Mapping[str, str]) -> list[str]:
    """Says of each column what changed: it is not declared any more, or it has another source or SQL than before."""
    now = table.declaration["columns"]
    types = {column.name: column.type for column in table.columns}
    differences = []
    for name, text in before.items():
        if name not in now:
            differences.append(f"column {name} was {text}, is no longer declared")
        elif now[name] != text and stored.get(name, types[name]) == types[name]:
            differences.append(f"column {name} was {text}, is {now[name]}")
    return differences


def _shown(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) and value else str(value or "nothing")
