"""What a table contains, as its log counts it, in one look at it."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from sluice.files.s3.client import is_on_s3
from sluice.lake.log import State, commit_mark, marked_rows_of
from sluice.lake.opened import opened

_AT_ONCE = 8  # tables looked at side by side on S3


@dataclass(frozen=True)
class Contents:
    """A table now: `size` is the bytes of its files; `rows` is None where the log does not count them."""

    state: State
    files: int
    size: int
    rows: int | None


def contents_of(lake: str, table: str) -> Contents | None:
    """What a table contains; None if it does not exist. Raises InputError if its log is damaged."""
    delta = opened(lake, table)
    if delta is None:
        return None
    state = State(str(delta.metadata().id), delta.version(), commit_mark(lake, table, delta.version()))
    files = delta.get_add_actions(flatten=True)
    if files.num_rows == 0:
        return Contents(state, 0, 0, 0)
    counts, sizes = (files.column(name).to_pylist() for name in ("num_records", "size_bytes"))
    return Contents(state, len(sizes), sum(sizes), None if None in counts else sum(counts) - marked_rows_of(delta))


def contents(lake: str, tables: Collection[str]) -> dict[str, Contents | Exception | None]:
    """`contents_of` each table, or what stopped it: one damaged table does not hide the others."""

    def look(table: str) -> Contents | Exception | None:
        try:
            return contents_of(lake, table)
        except NotADirectoryError:  # a file beside the tables
            return None
        except Exception as error:
            return error

    with ThreadPoolExecutor(_AT_ONCE if is_on_s3(lake) else 1) as pool:
        return dict(zip(tables, pool.map(look, tables), strict=True))
