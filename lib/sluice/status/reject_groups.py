"""Rejects by table and reason, with examples: as many as there are, at the memory of few."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sluice.lake import small_tables
from sluice.ledger import rejects

_COLUMNS = ["table", "reason", "file", "position", "raw", "rejected_at"]
_QUOTED = r"'[^']*'|\"[^\"]*\""  # a value in a reason, which makes it another for each record
_EXAMPLES, _GROUPS = 3, 50
OTHERS = "other reasons"


@dataclass
class Group:
    """Rejects of a table with a reason, in which values are `'…'`. `examples`: the first ones, as stored."""

    table: str
    reason: str
    count: int = 0
    examples: list[dict[str, Any]] = field(default_factory=list)


def reject_groups(lake: str) -> list[Group]:
    """The groups by table, each table's by their counts; those beyond fifty of a table are its `OTHERS`."""
    groups: dict[tuple[str, str], Group] = {}
    for piece in small_tables.pieces(lake, rejects.NAME, _COLUMNS):
        _add(groups, piece)
    return sorted(groups.values(), key=lambda group: (group.table, group.reason == OTHERS, -group.count, group.reason))


def _add(groups: dict[tuple[str, str], Group], piece: pa.Table) -> None:
    reasons = pc.replace_substring_regex(piece.column("reason").cast(pa.string()), _QUOTED, "'…'")
    keys = pa.table({"table": piece.column("table"), "reason": reasons, "row": pa.array(range(len(piece)), pa.int64())})
    for table, reason, rows in _rows_of(keys):
        of_table = sum(other == table for other, _ in groups)
        key = (table, reason if (table, reason) in groups or of_table < _GROUPS else OTHERS)
        group = groups.setdefault(key, Group(*key))
        group.count += len(rows)
        chosen = rows[: _EXAMPLES - len(group.examples)]
        group.examples += piece.take(chosen).to_pylist() if chosen else []


def _rows_of(keys: pa.Table) -> Iterator[tuple[str, str, list[int]]]:
    found = keys.group_by(["table", "reason"], use_threads=False).aggregate([("row", "list")])
    yield from zip(*(found.column(name).to_pylist() for name in ("table", "reason", "row_list")), strict=True)
