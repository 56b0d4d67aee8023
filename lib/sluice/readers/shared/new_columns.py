"""The columns of a file that its table lacks: refused, added or ignored."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sluice.errors import InputError
from sluice.model.table import Table, is_taken

CHOICES = ("fail", "add", "ignore")


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
        check_names(uri, table, found)
    return found


def check_names(uri: str, table: Table, found: Iterable[str]) -> None:
    """Raises InputError for a name that cannot be a column beside the table's; Spark does not tell cases apart."""
    taken = dict.fromkeys((*table.column_names, *table.input_columns))
    known = {name.lower(): name for name in taken}
    for name in found:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,62}", name):
            raise InputError(
                f"{uri}: {name[:80]!r} cannot be a column's name (letters, digits and _, at most 63): rename it in the "
                "file, or use --on-new-column ignore"
            )
        if is_taken(name):
            raise InputError(
                f"{uri}: {name!r} cannot be a column's name, Sluice or PostgreSQL has one of its own: rename it in the "
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
