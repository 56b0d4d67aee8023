"""What was seen of the input: its columns, and how its files are to be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True)
class Texts:
    """A column of the input: a text or null for each row that was looked at.

    `kinds`: what JSON has there (`string`, `number`, `boolean`, `array`, `object`); empty for CSV. `in_all_files`:
    whether every file has the column. `named`: whether the input names it, rather than its place.
    """

    name: str
    texts: pa.StringArray
    kinds: frozenset[str] = frozenset()
    in_all_files: bool = True
    named: bool = True

    def without(self, null: str) -> Texts:
        """The column where this text is null too."""
        return replace(self, texts=pc.if_else(pc.equal(self.texts, null), None, self.texts))


@dataclass(frozen=True)
class Seen:
    """What a sample showed.

    `source`: the keys of `[source]` that files need, `notes`: what is to be said beside them. `files`: the number of
    the file that each row is of. `rejects`: why records would be rejects, each with how many. `remarks`: what else a
    user should know.
    """

    source: Mapping[str, Any]
    columns: tuple[Texts, ...]
    files: np.ndarray
    notes: Mapping[str, str] = field(default_factory=dict)
    rejects: Mapping[str, int] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        return len(self.files)


def combined(batches: list[tuple[int, Mapping[str, pa.StringArray]]], names: tuple[str, ...]) -> dict[str, Any]:
    """Batches of columns, each with its number of rows, as whole columns; one that a batch lacks is null there."""
    return {
        name: pa.chunked_array(
            [columns.get(name, pa.nulls(rows, pa.string())) for rows, columns in batches], pa.string()
        ).combine_chunks()
        for name in names
    }
