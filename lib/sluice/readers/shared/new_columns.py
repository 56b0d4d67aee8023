"""The columns of a file that its table lacks, and what `--on-new-column` does with them: fail, add or ignore."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sluice.errors import InputError, listed
from sluice.model.table import Table, is_taken

CHOICES = ("fail", "add", "ignore")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")  # PostgreSQL cuts longer names
_SHOWN = 10  # names in a message


def find_new_columns(uri: str, names: Iterable[str], table: Table, on_new_column: str) -> list[str]:
    """The names of a file's columns that the table lacks; they will be added or ignored.

    Raises InputError if there are any and `on_new_column` is `fail`, or if it is `add` and one cannot be the name of a
    column.
    """
    new = [name for name in names if name not in (*table.input_columns, *table.gained)]
    if on_new_column == "fail" and new:
        raise InputError(
            f"{uri}: {_named(new)} not in table {table.name}: add to the table with --on-new-column add, leave out "
            "with --on-new-column ignore, or remove from the file"
        )
    if on_new_column == "add":
        check_names(uri, table, new)
    return new


def check_names(uri: str, table: Table, new: Iterable[str]) -> None:
    """Raises InputError for a name that cannot be a column beside the table's; Spark ignores the case of names."""
    taken = dict.fromkeys((*table.column_names, *table.input_columns))
    by_lower_case = {name.lower(): name for name in taken}
    for name in new:
        if not _NAME.fullmatch(name):
            problem = f"{name[:80]!r} cannot be the name of a column (letters, digits and _, at most 63)"
        elif is_taken(name):
            problem = f"{name!r} cannot be the name of a column: Sluice or PostgreSQL has one of that name"
        elif by_lower_case.setdefault(name.lower(), name) != name or name in taken:
            problem = f"column {name!r} clashes with {by_lower_case[name.lower()]!r}"
        else:
            continue
        raise InputError(f"{uri}: {problem}: rename it in the file, or use --on-new-column ignore")


def _named(names: Sequence[str]) -> str:
    return f"column {listed(names, _SHOWN)} is" if len(names) == 1 else f"columns {listed(names, _SHOWN)} are"
