"""The net effect of many changes on each key of a table."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from sluice.lake.row_changes import IS_NEW, VERSION
from sluice.model.table import OWN_COLUMNS

CHANGE = "change"
_NUMBER = "_number"


def net_changes(changes: pa.Table, key: Sequence[str]) -> pa.Table:
    """One row for each key that is `inserted`, `updated` or `removed` after all changes, in the order of the key.

    in: the rows of `sluice.lake.row_changes.changes`. out: `change`, the table's columns as they are after the changes
    (null of a removed row, but for the key), and with `old_` before their names as they were before them (null of an
    inserted row). Rows that are as before but for `ingested_at` and `run_id` are left out.
    """
    columns = [name for name in changes.column_names if name not in (VERSION, IS_NEW)]
    ordered = changes.sort_by([(VERSION, "ascending"), (IS_NEW, "ascending")])
    numbered = ordered.append_column(_NUMBER, pa.array(range(len(ordered)), pa.int64()))
    of_keys = numbered.group_by(list(key)).aggregate([(_NUMBER, "min"), (_NUMBER, "max")])
    first, last = (ordered.take(of_keys.column(f"{_NUMBER}_{end}")) for end in ("min", "max"))
    was, remains = pc.invert(first.column(IS_NEW)), last.column(IS_NEW)
    differs = pc.or_(pc.xor(was, remains), pc.and_(pc.and_(was, remains), _differs(first, last, columns, key)))
    change = pc.if_else(was, pc.if_else(remains, "updated", "removed"), "inserted")
    old = _prefix(columns)
    made = {f"_{CHANGE}" if CHANGE in columns else CHANGE: change}
    made |= {name: last.column(name) if name in key else _only(remains, last.column(name)) for name in columns}
    made |= {f"{old}{name}": _only(was, first.column(name)) for name in columns if name not in key}
    return pa.table(made).filter(differs).sort_by([(name, "ascending") for name in key])


def _prefix(columns: Sequence[str]) -> str:
    """`old_`, longer where that would give the name of a column."""
    prefix = "old_"
    while any(f"{prefix}{name}" in columns for name in columns):
        prefix = f"_{prefix}"
    return prefix


def _only(which: pa.ChunkedArray, values: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.if_else(which, values, pa.scalar(None, values.type))


def _differs(one: pa.Table, other: pa.Table, columns: Sequence[str], key: Sequence[str]) -> pa.ChunkedArray:
    different = pa.chunked_array([pa.repeat(pa.scalar(False), len(one))])
    for name in columns:
        if name not in key and name not in OWN_COLUMNS:
            different = pc.or_(different, _unequal(one.column(name), other.column(name)))
    return different


def _unequal(one: pa.ChunkedArray, other: pa.ChunkedArray) -> pa.ChunkedArray:
    """Whether values differ; null is equal to null, NaN to NaN."""
    unequal = pc.fill_null(pc.not_equal(one, other), True)
    same_null = pc.and_(pc.is_null(one), pc.is_null(other))
    if pa.types.is_floating(one.type):
        same_null = pc.or_(same_null, pc.fill_null(pc.and_(pc.is_nan(one), pc.is_nan(other)), False))
    return pc.and_not(unequal, same_null)
