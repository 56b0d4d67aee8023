"""The values of a column: how many differ, how many are null, and the shapes that they have."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sluice.draft.seen import Texts

_AS_NINE = bytes(ord("9") if 48 <= byte <= 57 else byte for byte in range(256))
_MOST_SHAPES = 400  # of a column that is more than text: numbers of all lengths have fewer
_WHITE_SPACE = " \t\n\r\f\v"  # ingest takes it off text that it converts


@dataclass(frozen=True)
class Values:
    """The different values of a column, without white space around them: `distinct`, each of them `times` often."""

    name: str
    kinds: frozenset[str]
    rows: int
    distinct: pa.StringArray
    times: np.ndarray

    @classmethod
    def of(cls, column: Texts) -> Values:
        counts = pc.value_counts(pc.utf8_trim(column.texts, _WHITE_SPACE).drop_null())
        distinct, times = counts.field("values"), counts.field("counts").to_numpy()
        filled = np.asarray(pc.greater(pc.binary_length(distinct), 0))
        return cls(column.name, column.kinds, len(column.texts), distinct.filter(pa.array(filled)), times[filled])

    @property
    def filled(self) -> int:
        """How many rows have a value."""
        return int(self.times.sum())

    @property
    def empty(self) -> int:
        """How many rows have none."""
        return self.rows - self.filled

    def without(self, words: Collection[str]) -> Values:
        """The values without those that stand for null."""
        if not words:
            return self
        others = ~np.asarray(pc.is_in(self.distinct, pa.array(words, pa.string())))
        return Values(self.name, self.kinds, self.rows, self.distinct.filter(pa.array(others)), self.times[others])

    def counts(self, words: Collection[str]) -> Mapping[str, int]:
        """How often each of these texts is there, if it is."""
        found = np.flatnonzero(np.asarray(pc.is_in(self.distinct, pa.array(words, pa.string()))))
        return {self.distinct[int(i)].as_py(): int(self.times[i]) for i in found}

    def match(self, pattern: str) -> bool:
        """Whether all values match a regular expression, which begins with ^ and ends with $."""
        return bool(pc.all(pc.match_substring_regex(self.distinct, pattern)).as_py())

    def count(self, pattern: str) -> int:
        """How many rows have a value that the regular expression finds something in."""
        return int(self.times[np.asarray(pc.match_substring_regex(self.distinct, pattern), bool)].sum())

    @cached_property
    def shapes(self) -> tuple[str, ...]:
        """The values with each digit as 9; none if they are so many that the values are plain text, or none at all."""
        if not len(self.distinct):
            return ()
        column = self.distinct if self.distinct.offset == 0 else pa.concat_arrays([self.distinct])
        _, offsets, data = column.buffers()
        nines = pa.py_buffer(data.to_pybytes().translate(_AS_NINE) if data else b"")
        found = pc.unique(pa.StringArray.from_buffers(len(column), offsets, nines))
        return tuple(found.to_pylist()) if len(found) <= _MOST_SHAPES else ()

    @cached_property
    def shown(self) -> list[str]:
        """The values, the most frequent first."""
        return self.distinct.take(pa.array(np.argsort(-self.times, kind="stable"))).to_pylist()
