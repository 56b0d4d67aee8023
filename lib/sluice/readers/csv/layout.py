"""One CSV file, and how to read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from sluice.files.input_file import InputFile
from sluice.readers.csv.dialect import Dialect
from sluice.readers.shared.records import reject_batch, text_schema


@dataclass(frozen=True)
class CsvLayout:
    """The file's dialect, its header's names in the order of the file, and the columns to give.

    A column that the header lacks is null in every record. `header_record`: the header's bytes; a record that equals it
    is a reject.
    """

    dialect: Dialect
    header: tuple[str, ...]
    columns: tuple[str, ...]
    header_record: bytes = b""

    @property
    def too_long(self) -> str:
        """Why a record of more than `max_record_bytes` is a reject."""
        return f"the record is longer than {self.dialect.max_record_bytes} bytes"

    def schema(self) -> pa.Schema:
        return text_schema(self.columns)

    def rejects(self, rejects: Sequence[tuple[int, bytes, str]]) -> pa.RecordBatch:
        """Rejects in the file's schema: the position, bytes and reason of each."""
        return reject_batch(self.columns, rejects, self.dialect.encoding)


@dataclass(frozen=True)
class CsvFile:
    """A file whose header fits its table; its records begin at byte `begin` of the decompressed file.

    `new` are the columns of its header that the table lacks.
    """

    file: InputFile
    layout: CsvLayout
    begin: int
    new: tuple[str, ...] = ()
