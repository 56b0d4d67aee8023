"""One stretch of a CSV file into rows and rejects, in Arrow batches; plain Python, no Spark.

The scanner says where records begin and end, so offsets never depend on how pyarrow counts rows; records that pyarrow
cannot judge (bad bytes, NUL, too long, a quote left open) are taken out before it parses the rest.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import pyarrow as pa
from pyarrow import csv as pa_csv

from sluice.readers.csv.dialect import Dialect
from sluice.readers.csv.scan import Scanner, find_marks
from sluice.readers.shared import encoding, records
from sluice.readers.shared.encoding import LF
from sluice.readers.shared.records import MAX_RAW_BYTES, UNCLOSED_QUOTE, raw_text


@dataclass(frozen=True)
class Layout:
    """How to read one file: its dialect, its header's names in file order, and the columns to give.

    A column that the header lacks is null in every record.
    """

    dialect: Dialect
    header: tuple[str, ...]
    columns: tuple[str, ...]

    def schema(self) -> pa.Schema:
        return records.schema(self.columns)


def parse(stream: BinaryIO, begin: int, end: int | None, layout: Layout) -> Iterator[pa.RecordBatch]:
    """Rows and rejects of the records in `begin`…`end` of a file (`end` None: to its end).

    `stream` stands at `begin`, which is the start of a record, as `end` is unless it is the file's end.
    """
    offset, carry = begin, b""
    while True:
        piece = _read_up_to(stream, offset + len(carry), end)
        block, last = carry + piece, not piece
        record_ends = _record_ends(block, layout.dialect)
        whole = int(record_ends[-1]) + 1 if len(record_ends) else 0
        if last and whole < len(block):
            yield from _last_record(block[whole:], offset + whole, layout)
        yield from _parse_records(block, record_ends, offset, layout)
        if last:
            return
        offset, carry = offset + whole, block[whole:]
        if len(carry) > layout.dialect.max_record_bytes:
            offset, carry = yield from _skip_long_record(stream, carry, offset, end, layout)


def _read_up_to(stream: BinaryIO, at: int, end: int | None) -> bytes:
    return stream.read(encoding.PIECE_BYTES if end is None else min(encoding.PIECE_BYTES, end - at))


def _record_ends(block: bytes, dialect: Dialect) -> np.ndarray:
    if not block:
        return np.empty(0, np.int64)
    marks = find_marks(block, LF, dialect)
    return marks.record_ends(False, marks.quoted_after_runs(False))


def _last_record(record: bytes, position: int, layout: Layout) -> Iterator[pa.RecordBatch]:
    """The file's last record where no line end follows it."""
    scanner = Scanner(layout.dialect, position)
    scanner.feed(record)
    (state,) = scanner.finish()
    if state.quoted:
        yield _rejects(layout, [(position, record, f"{UNCLOSED_QUOTE}{state.opened_at}")])
    else:
        yield from _parse_records(record, np.array([len(record)]), position, layout)


def _skip_long_record(
    stream: BinaryIO, carry: bytes, position: int, end: int | None, layout: Layout
) -> Generator[pa.RecordBatch, None, tuple[int, bytes]]:
    """Rejects a record that is longer than allowed without holding it; gives the offset after it and what was read."""
    scanner = Scanner(layout.dialect, position)
    scanner.feed(carry)
    reason, read = _too_long(layout), len(carry)
    while True:
        read += len(piece := _read_up_to(stream, position + read, end))
        (record_ends,) = scanner.feed(piece)
        if not piece or len(record_ends):
            break
    if not piece and (state := scanner.finish()[0]).quoted:
        reason = f"{UNCLOSED_QUOTE}{state.opened_at}"
    yield _rejects(layout, [(position, carry, reason)])
    after = int(record_ends[0]) + 1 if len(record_ends) else position + read
    return after, piece[len(piece) - (position + read - after) :]


def _parse_records(block: bytes, record_ends: np.ndarray, offset: int, layout: Layout) -> Iterator[pa.RecordBatch]:
    """`record_ends` are offsets in the block; two of them together enclose a blank line, which is no record."""
    starts = np.concatenate(([0], record_ends[:-1] + 1)) if len(record_ends) else record_ends
    filled = record_ends > starts
    starts, ends = starts[filled], record_ends[filled]
    if not len(starts):
        return
    reasons = _unreadable(block, starts, ends, layout)
    if reasons:
        yield _rejects(layout, [(offset + int(starts[i]), block[starts[i] : ends[i]], reasons[i]) for i in reasons])
        good = np.ones(len(starts), bool)
        good[list(reasons)] = False
        positions, starts, ends = starts[good] + offset, starts[good], ends[good]
        block = b"\n".join([block[start:end] for start, end in zip(starts, ends, strict=True)])
        ends = np.cumsum(ends - starts + 1) - 1
        starts = np.concatenate(([0], ends[:-1] + 1)) if len(ends) else ends
    else:
        positions = starts + offset
    if len(positions):
        yield from _parse_readable(block, starts, ends, positions, layout)


def _unreadable(block: bytes, starts: np.ndarray, ends: np.ndarray, layout: Layout) -> dict[int, str]:
    """Record number → why pyarrow must not see it; looks at single records only where the block as a whole is bad."""
    reasons = {int(i): _too_long(layout) for i in np.flatnonzero(ends - starts > layout.dialect.max_record_bytes)}
    if b"\0" in block:
        nuls = np.flatnonzero(np.frombuffer(block, np.uint8) == 0)
        for i in np.unique(np.searchsorted(starts, nuls, "right") - 1):
            if np.any((nuls >= starts[i]) & (nuls < ends[i])):
                reasons.setdefault(int(i), "the record holds a NUL byte")
    if not layout.dialect.decodes(block[starts[0] : ends[-1]]):
        for i, (start, end) in enumerate(zip(starts, ends, strict=True)):
            if not layout.dialect.decodes(block[start:end]):
                reasons.setdefault(i, f"bytes that are not {layout.dialect.encoding}")
    return dict(sorted(reasons.items()))


def _parse_readable(
    block: bytes, starts: np.ndarray, ends: np.ndarray, positions: np.ndarray, layout: Layout
) -> Iterator[pa.RecordBatch]:
    """Parses records that decode; those with a wrong number of fields become rejects."""
    wrong: list[tuple[int, int]] = []

    def note(row: pa_csv.InvalidRow) -> str:
        wrong.append((row.number - 1, row.actual_columns))
        return "skip"

    data = block[starts[0] : ends[-1]]
    if layout.dialect.encoding != "utf-8":
        data = data.decode(layout.dialect.encoding).encode()
    table = pa_csv.read_csv(pa.py_buffer(data), *_pyarrow_options(layout, len(data), note)).combine_chunks()
    if table.num_rows + len(wrong) != len(starts):
        raise RuntimeError(f"{len(starts)} records from byte {positions[0]}, but {table.num_rows} rows parsed")
    raw = _raw_texts(block, starts, ends, layout.dialect)
    if wrong:
        expected = len(layout.header)
        yield _rejects(
            layout,
            [(int(positions[i]), block[starts[i] : ends[i]], f"{n} fields, expected {expected}") for i, n in wrong],
        )
        good = np.ones(len(starts), bool)
        good[[i for i, _ in wrong]] = False
        positions, raw = positions[good], raw.filter(pa.array(good))
    if table.num_rows:
        columns = [table.column(column).chunk(0) for column in layout.columns]
        no_reason = pa.nulls(table.num_rows, pa.string())
        yield pa.record_batch([pa.array(positions, pa.int64()), *columns, raw, no_reason], schema=layout.schema())


def _pyarrow_options(layout: Layout, size: int, note) -> tuple:  # type: ignore[no-untyped-def]
    dialect = layout.dialect
    return (
        pa_csv.ReadOptions(use_threads=False, block_size=size + 1, column_names=list(layout.header)),
        pa_csv.ParseOptions(
            delimiter=dialect.delimiter,
            quote_char=dialect.quote or False,
            escape_char=dialect.escape or False,
            newlines_in_values=True,
            invalid_row_handler=note,
        ),
        pa_csv.ConvertOptions(
            include_columns=list(layout.columns),
            include_missing_columns=True,
            column_types={column: pa.string() for column in layout.columns},
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
            null_values=[""],
            check_utf8=False,  # the whole block was decoded before
        ),
    )


def _raw_texts(block: bytes, starts: np.ndarray, ends: np.ndarray, dialect: Dialect) -> pa.StringArray:
    """The records' text, a view of the block wherever records are short and stand close together."""
    if dialect.encoding == "utf-8" and np.max(ends - starts, initial=0) <= MAX_RAW_BYTES:
        # a slice up to the next record, its line end included: rejects trim it
        offsets = np.append(starts, ends[-1:]).astype(np.int32)
        return pa.StringArray.from_buffers(len(starts), pa.py_buffer(offsets), pa.py_buffer(block))
    return pa.array(
        [raw_text(block[start:end], dialect.encoding) for start, end in zip(starts, ends, strict=True)], pa.string()
    )


def _too_long(layout: Layout) -> str:
    return f"the record is longer than {layout.dialect.max_record_bytes} bytes"


def _rejects(layout: Layout, found: Sequence[tuple[int, bytes, str]]) -> pa.RecordBatch:
    return records.rejects(layout.columns, found, layout.dialect.encoding)
