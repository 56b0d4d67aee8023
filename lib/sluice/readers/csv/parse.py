"""One range of a CSV file into rows and rejects, in Arrow batches; plain Python, no Spark.

The range is read in pieces, which end anywhere. Of each piece the records that end in it are parsed as one `block`; the
rest is carried over to the next piece. Two records need care:

- one longer than allowed would be carried over for ever: it becomes a reject, and its rest is skipped unseen;
- the file's last one may lack its line end, or leave a quote open, which nothing but the file's end shows.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from sluice.files.reading import Stream
from sluice.readers.csv.block import parse_block
from sluice.readers.csv.dialect import Dialect
from sluice.readers.csv.layout import CsvLayout
from sluice.readers.csv.scan import Scanner, find_marks
from sluice.readers.shared import pieces
from sluice.readers.shared.encoding import LF
from sluice.readers.shared.records import UNCLOSED_QUOTE


def parse_csv(stream: Stream, begin: int, end: int | None, layout: CsvLayout) -> Iterator[pa.RecordBatch]:
    """Rows and rejects of the records in `begin`…`end` of a file (`end` None: to its end).

    `stream` is at `begin`, which is the start of a record, as `end` is unless it is the file's end.
    """
    offset, carry = begin, b""
    while True:
        piece = _read_piece(stream, offset + len(carry), end)
        data = carry + piece
        record_ends = _record_ends(data, layout.dialect)
        complete = int(record_ends[-1]) + 1 if len(record_ends) else 0
        if not piece and complete < len(data):
            yield from _parse_last(data[complete:], offset + complete, layout)
        yield from parse_block(data, record_ends, offset, layout)
        if not piece:
            return
        offset, carry = offset + complete, data[complete:]
        if len(carry) > layout.dialect.max_record_bytes:
            offset, carry = yield from _skip_long_record(stream, carry, offset, end, layout)


def _read_piece(stream: Stream, at: int, end: int | None) -> bytes:
    return stream.read(pieces.PIECE_BYTES if end is None else min(pieces.PIECE_BYTES, end - at))


def _record_ends(data: bytes, dialect: Dialect) -> np.ndarray:
    """The offsets of the record ends in data that begin with a record."""
    if not data:
        return np.empty(0, np.int64)
    marks = find_marks(data, LF, dialect)
    return marks.record_ends(False, marks.quoted_after_runs(False))


def _parse_last(record: bytes, position: int, layout: CsvLayout) -> Iterator[pa.RecordBatch]:
    """The file's last record, which no line end follows."""
    scanner = Scanner(layout.dialect, position)
    scanner.feed(record)
    (state,) = scanner.finish()
    if state.quoted:
        yield layout.rejects([(position, record, f"{UNCLOSED_QUOTE}{state.opened_at}")])
    else:
        yield from parse_block(record, np.array([len(record)]), position, layout)


class _Rest(NamedTuple):
    """What was read behind a skipped record: the offset at which the next one begins, and its first bytes."""

    offset: int
    carry: bytes


def _skip_long_record(
    stream: Stream, beginning: bytes, position: int, end: int | None, layout: CsvLayout
) -> Generator[pa.RecordBatch, None, _Rest]:
    """Rejects a record that is longer than allowed. Only its beginning is held in memory."""
    scanner = Scanner(layout.dialect, position)
    scanner.feed(beginning)
    read_to, record_ends = position + len(beginning), np.empty(0, np.int64)
    while not len(record_ends) and (piece := _read_piece(stream, read_to, end)):
        read_to += len(piece)
        (record_ends,) = scanner.feed(piece)
    if not len(record_ends):
        (state,) = scanner.finish()
        reason = f"{UNCLOSED_QUOTE}{state.opened_at}" if state.quoted else layout.too_long
        yield layout.rejects([(position, beginning, reason)])
        return _Rest(read_to, b"")
    yield layout.rejects([(position, beginning, layout.too_long)])
    next_record = int(record_ends[0]) + 1
    return _Rest(next_record, piece[len(piece) - (read_to - next_record) :])
