"""Candidates for the key, by how many different values columns have in the rows of each file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pyarrow.compute as pc

from sluice.draft.columns import Column
from sluice.errors import UsageError, no_column
from sluice.model.table import MAX_KEY_BYTES

_ID = re.compile(
    r"(^|_)(id|uuid|guid|key|pk|nr|no|num|number|nummer|numero|code|sku|isbn|ean|ref|reference|hash|serial|token)($|_)"
    r"|(nr|nummer|uuid|guid)$"
)
_COMBINED = 8  # columns that are combined in pairs, and of these so many in threes
_TRIPLED = 6
_NAMED = 4  # further candidates in a comment
_QUICK = 4096  # rows in which most combinations are seen not to differ


@dataclass(frozen=True)
class Key:
    """The columns of a key and what was seen of them; `others`: what was seen of other candidates."""

    columns: tuple[str, ...]
    note: str
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Candidate:
    """A column that may be of a key: in each row a number, the same for equal values of a file."""

    column: Column
    codes: np.ndarray
    distinct: int
    place: int

    @property
    def name(self) -> str:
        return self.column.name

    @property
    def rank(self) -> tuple[bool, bool, int]:
        """The least is the likeliest of those that differ in all rows."""
        return not _ID.search(self.name), self.column.is_measured, self.place


def choose_key(columns: Sequence[Column], files: np.ndarray, given: Sequence[str]) -> Key:
    """The key that was asked for, or else the likeliest. Raises UsageError for a column that there is not."""
    candidates = [_candidate(column, files, place) for place, column in enumerate(columns) if column.texts]
    rows = len(files)
    if given:
        chosen = _given(candidates, columns, given)
        return Key(tuple(item.name for item in chosen), _seen(chosen, rows) + _nulls(chosen))
    fitting = [item for item in candidates if _fits(item)]
    if not fitting:
        least = min(candidates, key=lambda item: (item.column.texts.texts.null_count, item.rank))  # type: ignore[union-attr]
        return Key(
            (least.name,), f"TO CHOOSE: every column has empty fields, which a key may not have{_nulls([least])}"
        )
    single = sorted((item for item in fitting if item.distinct == rows), key=lambda item: item.rank)
    sure = single if rows <= 1 else [item for item in single if not all(item.rank[:2])]
    if sure:
        others = tuple(_seen([item], rows) for item in sure[1 : _NAMED + 1]) if rows > 1 else ()
        return Key((sure[0].name,), _seen(sure[:1], rows) if rows > 1 else "A GUESS by its name: too few rows", others)
    return _combination(fitting, single, rows)


def _combination(fitting: Sequence[_Candidate], single: Sequence[_Candidate], rows: int) -> Key:
    """The first pair or three of columns that differ in all rows; else one that does; else that of the most values."""
    likely = sorted(fitting, key=lambda item: (-item.distinct, item.rank))[:_COMBINED]
    seen = tuple(_seen([item], rows) for item in likely[:_NAMED])
    for group in _groups(sorted((item for item in likely if item.distinct > 1), key=lambda item: item.rank)):
        if _count(group, rows) == rows:
            ids = [item for item in group if not item.column.tells_change]
            if len(ids) < len(group) and all(_ID.search(item.name) for item in ids):
                note = f"{_seen(ids, rows)}, all differ with {group[-1].name}: the latest row of each is kept"
                return Key(
                    tuple(item.name for item in ids), note, tuple(text for text in seen if text != _seen(ids, rows))
                )
            return Key(tuple(item.name for item in group), _seen(group, rows), seen)
    best = single[0] if single else min(likely, key=lambda item: (not _ID.search(item.name), -item.distinct))
    others = tuple(_seen([item], rows) for item in likely[:_NAMED] if item is not best)
    warning = (
        "" if single else "TO CHOOSE: no columns were found that differ in all rows; rows of a key replace others; "
    )
    return Key((best.name,), warning + _seen([best], rows), others)


def _groups(ranked: Sequence[_Candidate]) -> Iterator[tuple[_Candidate, ...]]:
    yield from combinations(ranked, 2)
    yield from combinations(ranked[:_TRIPLED], 3)


def _candidate(column: Column, files: np.ndarray, place: int) -> _Candidate:
    assert column.texts is not None
    encoded = column.texts.texts.dictionary_encode()
    codes = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False).astype(np.int64)
    codes = codes * (int(files.max(initial=0)) + 1) + files
    return _Candidate(column, codes, len(np.unique(codes)), place)


def _fits(item: _Candidate) -> bool:
    """Whether a column may be of a key: never empty, of exact values, not too long."""
    texts = item.column.texts
    assert texts is not None
    longest = pc.max(pc.binary_length(texts.texts)).as_py() or 0
    is_exact = item.column.guess.type not in ("double", "boolean")
    return not texts.texts.null_count and longest <= MAX_KEY_BYTES and is_exact and texts.in_all_files


def _count(group: Sequence[_Candidate], rows: int) -> int:
    """How many different combinations of values the rows have; not all are counted once some are equal."""
    for end in (min(_QUICK, rows), rows):
        codes = np.zeros(end, np.int64)
        for item in group:
            _, codes = np.unique(codes * (int(item.codes.max(initial=0)) + 1) + item.codes[:end], return_inverse=True)
        distinct = int(codes.max(initial=-1)) + 1
        if distinct < end:
            break
    return distinct


def _given(candidates: Sequence[_Candidate], columns: Sequence[Column], names: Sequence[str]) -> list[_Candidate]:
    """The columns that are named, by the input's names or the table's."""
    known = {item.name: item for item in candidates}
    by_input = {item.column.texts.name: item for item in candidates if item.column.texts}
    chosen = []
    for name in names:
        if name not in known and name not in by_input:
            raise UsageError(f"--key: the files have {no_column(name, [column.name for column in columns])}")
        chosen.append(known.get(name) or by_input[name])
    return chosen


def _seen(group: Sequence[_Candidate], rows: int) -> str:
    names = ", ".join(item.name for item in group)
    distinct = group[0].distinct if len(group) == 1 else _count(group, rows)
    return f"{names}: {distinct:,} values in {rows:,} rows"


def _nulls(group: Sequence[_Candidate]) -> str:
    counts = [(item.name, item.column.texts.texts.null_count) for item in group if item.column.texts]
    shown = [f"{name} is empty in {count:,}, which will be rejects" for name, count in counts if count]
    return f"; {'; '.join(shown)}" if shown else ""
