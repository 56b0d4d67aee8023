"""Rejects by table and reason, with examples: as many as there are, at the memory of few."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sluice.lake import small_tables
from sluice.ledger import rejects

_COLUMNS = ["table", "reason", "file", "position", "raw"]
_QUOTED = r"'[^']*'|\"[^\"]*\""  # a value in a reason, which makes it another for each record
_EXAMPLES, _RAW = 3, 2000  # of a group, and characters of each
_SHOWN, _KNOWN = 50, 10_000  # groups of a table, and of all while they are counted
OTHERS = "other reasons"


@dataclass
class Group:
    """Rejects of a table with a reason, in which values are `'…'`. `examples`: some of them, as stored."""

    table: str
    reason: str
    count: int = 0
    examples: list[dict[str, Any]] = field(default_factory=list)

    def add(self, count: int, examples: list[dict[str, Any]]) -> None:
        self.count += count
        self.examples += examples[: _EXAMPLES - len(self.examples)]


def reject_groups(lake: str) -> list[Group]:
    """The groups by table, each table's by their counts; those beyond fifty of a table are its `OTHERS`."""
    groups: dict[tuple[str, str], Group] = {}
    for piece in small_tables.pieces(lake, rejects.NAME, _COLUMNS):
        _add(groups, piece)
    return _in_order(groups.values())


def reason_counts(lake: str, tables: Iterable[str], run_id: str = "") -> list[Group]:
    """The groups of these tables, in the same order, without examples; of a run only if it has this id."""
    counts: Counter[tuple[str, str]] = Counter()
    for piece in small_tables.pieces(lake, rejects.NAME, ["table", "reason", "run_id"]):
        chosen = piece.filter(_equal(piece.column("run_id"), run_id)) if run_id else piece
        for table in tables:
            found = chosen.filter(_equal(chosen.column("table"), table))
            for pair in pc.value_counts(_reasons(found)).to_pylist():
                known = (table, pair["values"]) in counts or len(counts) < _KNOWN
                counts[table, pair["values"] if known else OTHERS] += pair["counts"]
    return _in_order(Group(*key, count) for key, count in counts.items())


def _equal(column: pa.ChunkedArray, text: str) -> pa.ChunkedArray:
    """Whether each value is the text; a comparison with it would load pandas, which takes half a second."""
    return pc.match_substring_regex(column.cast(pa.string()), rf"\A{re.escape(text)}\z")


def _in_order(groups: Iterable[Group]) -> list[Group]:
    """By table, each table's most frequent ones first."""
    in_order = sorted(groups, key=lambda group: (group.table, group.reason == OTHERS, -group.count))
    tables = dict.fromkeys(group.table for group in in_order)
    return [group for table in tables for group in _most_frequent([g for g in in_order if g.table == table], table)]


def _most_frequent(groups: list[Group], table: str) -> list[Group]:
    others = Group(table, OTHERS)
    for group in groups[_SHOWN:]:
        others.add(group.count, group.examples)
    return groups[:_SHOWN] + ([others] if others.count else [])


def _add(groups: dict[tuple[str, str], Group], piece: pa.Table) -> None:
    reasons = _reasons(piece)
    numbers = pa.array(range(len(piece)), pa.int64())
    for table, reason, rows in _rows_by_reason(piece.column("table"), reasons, numbers):
        key = (table, reason)
        if key not in groups and len(groups) >= _KNOWN:
            key = (table, OTHERS)
        group = groups.setdefault(key, Group(*key))
        chosen = rows[: _EXAMPLES - len(group.examples)]
        examples = piece.take(pa.array(chosen, pa.int64())).to_pylist()
        group.add(len(rows), [{**each, "raw": (each["raw"] or "")[:_RAW]} for each in examples])


def _reasons(piece: pa.Table) -> pa.ChunkedArray:
    return pc.replace_substring_regex(piece.column("reason").cast(pa.string()), _QUOTED, "'…'")


def _rows_by_reason(tables: pa.Array, reasons: pa.Array, numbers: pa.Array) -> Iterator[tuple[str, str, list[int]]]:
    keys = pa.table({"table": tables, "reason": reasons, "row": numbers})
    found = keys.group_by(["table", "reason"], use_threads=False).aggregate([("row", "list")])
    yield from zip(*(found.column(name).to_pylist() for name in ("table", "reason", "row_list")), strict=True)
