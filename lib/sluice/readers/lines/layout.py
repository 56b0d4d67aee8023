"""How to read one file of lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from sluice.readers.lines.formats import JsonLines, LinePattern
from sluice.readers.shared.json_values import Members, known_members
from sluice.readers.shared.records import reject_batch, text_schema


@dataclass(frozen=True)
class LineLayout:
    """The columns to give: groups of the pattern, or members of the objects by dotted names.

    A column that is neither is null in every record. An object with a member that is not a column is a reject, unless
    such members are `ignored`.
    """

    reading: LinePattern | JsonLines
    columns: tuple[str, ...]
    ignored: bool = False

    @cached_property
    def members(self) -> Members:
        """The members of an object that are columns, or contain some."""
        return known_members(self.columns)

    @property
    def too_long(self) -> str:
        """Why a line of more than `max_record_bytes` is a reject."""
        return f"the line is longer than {self.reading.max_record_bytes} bytes"

    def schema(self) -> pa.Schema:
        return text_schema(self.columns)

    def rejects(self, rejects: Sequence[tuple[int, bytes, str]], encoding: str = "utf-8") -> pa.RecordBatch:
        """Rejects in the file's schema: the position, bytes and reason of each."""
        return reject_batch(self.columns, rejects, encoding)

    def unread(self, lines: Iterable[tuple[int, bytes, str]]) -> pa.RecordBatch:
        """Rejects that cannot be read, in the file's encoding.

        Of a longer line the first `max_record_bytes` are kept, so its text does not depend on where pieces end.
        """
        limit = self.reading.max_record_bytes
        return self.rejects([(at, line[:limit], reason) for at, line, reason in lines], self.reading.encoding)
