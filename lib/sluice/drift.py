"""A table as it is beside its declaration: declared otherwise before, columns gained or to be gained, pruned days."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sluice import bookkeeping
from sluice.errors import InputError, UsageError
from sluice.table import Column, Table

CHOICES = ("fail", "add", "ignore")
_OWN = ("ingested_at", "run_id")


def as_it_is(lake: str, table: Table, *, adding: bool = False) -> Table:
    """The table with the columns that it gained in the lake, and without the days that were pruned there.

    Declared columns that it does not have there yet are left out, but for `adding`.
    """
    there = bookkeeping.column_types(lake, table.name)
    stored = bookkeeping.declaration(lake, table.name) or {"columns": ()}
    known = {*table.column_names, *stored["columns"], *_OWN}
    gained = table.gaining([name for name in there if name not in known])
    columns = tuple(column for column in gained.columns if adding or not there or column.name in there)
    return replace(gained, columns=columns, pruned_before=bookkeeping.pruned_before(lake, table.name))


def columns_to_add(lake: str, table: Table, on_new_column: str) -> tuple[Column, ...]:
    """The declared columns that the table in the lake is to gain.

    Raises UsageError if there are any and `on_new_column` is not `add`, or if anything else is declared otherwise than
    when the table's rows were written.
    """
    there, stored = bookkeeping.column_types(lake, table.name), bookkeeping.declaration(lake, table.name)
    if not there:
        return ()
    place = f"{table.origin}: " if table.origin else ""
    if found := _differences(table, there, stored):
        raise UsageError(
            f"{place}table {table.name} was made by another declaration: {'; '.join(found)}: go back to that, or "
            "declare a table of another name"
        )
    added = tuple(column for column in table.columns if column.name not in there)
    if added and on_new_column != "add":
        names = ", ".join(column.name for column in added)
        raise UsageError(
            f"{place}table {table.name} does not have the declared column {names} yet: add it with --on-new-column add"
        )
    return added


def _differences(table: Table, there: Mapping[str, str], stored: Mapping[str, Any] | None) -> list[str]:
    """How the declaration differs from the one that the rows were written by, or if that is unknown from the table."""
    now = json.loads(json.dumps(table.declaration))
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


def new_columns(uri: str, names: Iterable[str], table: Table, on_new_column: str) -> list[str]:
    """Those of a file's columns that the table lacks: to be added or to be ignored.

    Raises InputError if there are any and `on_new_column` is `fail`, or if one to `add` cannot be a column's name.
    """
    found = [name for name in names if name not in (*table.input_columns, *table.gained)]
    if on_new_column == "fail" and found:
        raise InputError(
            f"{uri}: {_named(found)} not in table {table.name}: take them into it with --on-new-column add, leave them "
            "out with --on-new-column ignore, or remove them from the file"
        )
    if on_new_column == "add":
        check_names(uri, (*table.column_names, *_OWN), found)
    return found


def check_names(uri: str, taken: Sequence[str], found: Iterable[str]) -> None:
    """Raises InputError for a name that cannot be a column beside those `taken`; Spark does not tell cases apart."""
    known = {name.lower(): name for name in taken}
    for name in found:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,62}", name):
            raise InputError(
                f"{uri}: {name[:80]!r} cannot be a column's name (letters, digits and _, at most 63): rename it in the "
                "file, or use --on-new-column ignore"
            )
        if known.setdefault(name.lower(), name) != name or name in taken:
            raise InputError(
                f"{uri}: column {name!r} is in the way of {known[name.lower()]!r}: rename it in the file, or use "
                "--on-new-column ignore"
            )


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:40]) for name in names[:10])
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return f"column {shown} is" if len(names) == 1 else f"columns {shown}{more} are"
