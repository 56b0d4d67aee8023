"""A table as it is beside its declaration: columns that it gained, or that a file brings, and days that are pruned."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from sluice import bookkeeping
from sluice.errors import InputError
from sluice.table import Table

CHOICES = ("fail", "add", "ignore")
_OWN = ("ingested_at", "run_id")


def as_it_is(lake: str, table: Table) -> Table:
    """The table with the columns that it gained in the lake, and without the days that were pruned there."""
    known = {*table.column_names, *_OWN}
    gained = table.gaining([name for name in bookkeeping.column_names(lake, table.name) if name not in known])
    return replace(gained, pruned_before=bookkeeping.pruned_before(lake, table.name))


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
