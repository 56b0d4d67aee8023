"""Whole CSV records, a block at a time, into rows and rejects in Arrow batches.

pyarrow parses thousands of records at once, but it stops at the first bad byte, gives no offsets and says little of a
record that it refuses. So the work is divided:

1. The scanner has found where records begin and end, so positions never depend on how pyarrow counts rows.
2. Records that pyarrow must not see (bad bytes, NUL, too long, damaged quotes, the header again) become rejects, and
   the block is put together without them. Single records are looked at only if the block has something bad in it.
3. pyarrow parses what is left and reports records with a wrong number of fields, which become rejects too. It must find
   as many records as the scanner did; anything else is a bug, and stops the run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from pyarrow import csv as pa_csv

from sluice.files.content import UTF8_MARK
from sluice.readers.csv.dialect import Dialect
from sluice.readers.csv.layout import CsvLayout
from sluice.readers.csv.rewrite import for_pyarrow, null_has_escape
from sluice.readers.csv.scan import UNIT_SEPARATOR, Quotes
from sluice.readers.shared.records import MAX_RAW_BYTES, raw_text


class _Records(NamedTuple):
    """Records of a block: where each begins and ends in `data`, and its position in the file."""

    data: bytes
    starts: np.ndarray
    ends: np.ndarray
    positions: np.ndarray

    def numbers_at(self, offsets: np.ndarray) -> list[int]:
        """The numbers of the records that hold these offsets in `data`."""
        return (np.unique(np.searchsorted(self.starts, offsets, "right")) - 1).tolist()

    def rejects(self, reasons: dict[int, str]) -> list[tuple[int, bytes, str]]:
        """Position, bytes and reason of some of the records, by their numbers."""
        return [(int(self.positions[i]), self.data[self.starts[i] : self.ends[i]], why) for i, why in reasons.items()]


def parse_block(data: bytes, record_ends: np.ndarray, offset: int, layout: CsvLayout) -> Iterator[pa.RecordBatch]:
    """Rows and rejects of the records that end at `record_ends`; `data` begin at byte `offset` of the file.

    Two record ends side by side enclose a blank line, which is not a record.
    """
    starts = np.concatenate(([0], record_ends[:-1] + 1)) if len(record_ends) else record_ends
    filled = record_ends > starts
    records = _Records(data, starts[filled], record_ends[filled], starts[filled] + offset)
    if not len(records.starts):
        return
    if reasons := _unreadable(records, layout):
        yield layout.rejects(records.rejects(reasons))
        records = _without(records, reasons)
    if len(records.starts):
        yield from _parse_readable(records, layout)


def _unreadable(records: _Records, layout: CsvLayout) -> dict[int, str]:
    """Record number → why pyarrow must not see it."""
    data, starts, ends, _ = records
    reasons = {int(i): layout.too_long for i in np.flatnonzero(ends - starts > layout.dialect.max_record_bytes)}
    for i in _with_byte(records, 0):
        reasons.setdefault(i, "the record holds a NUL byte")
    if layout.dialect.has_long_delimiter:
        for i in _with_byte(records, ord(UNIT_SEPARATOR)):
            reasons.setdefault(i, "the record holds byte 0x1F, and the delimiter has several characters")
    if not layout.dialect.decodes(data[starts[0] : ends[-1]]):
        for i, (start, end) in enumerate(zip(starts, ends, strict=True)):
            if not layout.dialect.decodes(data[start:end]):
                reasons.setdefault(i, f"bytes that are not {layout.dialect.encoding}: name the file's --encoding")
    for i, reason in (_by_quotes(records, layout.dialect) | _headers(records, layout)).items():
        reasons.setdefault(i, reason)
    return dict(sorted(reasons.items()))


def _with_byte(records: _Records, byte: int) -> list[int]:
    """The numbers of the records that hold a byte."""
    if bytes([byte]) not in records.data:
        return []
    places = np.flatnonzero(np.frombuffer(records.data, np.uint8) == byte)
    return records.numbers_at(places[places < records.ends[-1]])  # behind them is the beginning of the next one


def _by_quotes(records: _Records, dialect: Dialect) -> dict[int, str]:
    """Record number → which quote makes it ambiguous."""
    if not dialect.quote or dialect.quote.encode() not in records.data:
        return {}
    quotes = Quotes.of(memoryview(records.data)[: records.ends[-1]], dialect)
    stray = records.numbers_at(quotes.stray) if dialect.strict_quotes else ()
    reasons = dict.fromkeys(stray, "a quote within a field that does not begin with one")
    return reasons | dict.fromkeys(records.numbers_at(quotes.closing_too_early), "text after a closing quote")


def _headers(records: _Records, layout: CsvLayout) -> dict[int, str]:
    """Record number → that it repeats the header, as where files were joined."""
    if layout.dialect.header_rows == "keep" or not layout.header_record or layout.header_record not in records.data:
        return {}
    spans = enumerate(zip(records.starts.tolist(), records.ends.tolist(), strict=True))
    texts = ((i, records.data[start:end]) for i, (start, end) in spans)
    return {i: "the header again" for i, text in texts if text.removeprefix(UTF8_MARK) == layout.header_record}


def _without(records: _Records, reasons: dict[int, str]) -> _Records:
    """The other records, in data of their own."""
    good = np.ones(len(records.starts), bool)
    good[list(reasons)] = False
    starts, ends = records.starts[good], records.ends[good]
    data = b"\n".join([records.data[start:end] for start, end in zip(starts, ends, strict=True)])
    ends = np.cumsum(ends - starts + 1) - 1
    starts = np.concatenate(([0], ends[:-1] + 1)) if len(ends) else ends
    return _Records(data, starts, ends, records.positions[good])


def _parse_readable(records: _Records, layout: CsvLayout) -> Iterator[pa.RecordBatch]:
    """Rows of records that decode; those with a wrong number of fields become rejects."""
    data, starts, ends, positions = records
    wrong: dict[int, str] = {}

    def note(row: pa_csv.InvalidRow) -> str:
        wrong[row.number - 1] = f"{row.actual_columns} fields, expected {len(layout.header)}"
        return "skip"

    text = data[starts[0] : ends[-1]]
    if layout.dialect.encoding != "utf-8":
        text = text.decode(layout.dialect.encoding).encode()
    text, delimiter = for_pyarrow(text, layout.dialect)
    options = _pyarrow_options(layout, delimiter, len(text), note)
    table = pa_csv.read_csv(pa.py_buffer(text), *options).combine_chunks()
    if table.num_rows + len(wrong) != len(starts):
        raise RuntimeError(f"{len(starts)} records from byte {positions[0]}, but {table.num_rows} rows parsed")
    raw = _raw_texts(records, layout.dialect)
    if wrong:
        yield layout.rejects(records.rejects(wrong))
        good = np.ones(len(starts), bool)
        good[list(wrong)] = False
        positions, raw = positions[good], raw.filter(pa.array(good))
    if table.num_rows:
        columns = [table.column(column).chunk(0) for column in layout.columns]
        no_reason = pa.nulls(table.num_rows, pa.string())
        yield pa.record_batch([pa.array(positions, pa.int64()), *columns, raw, no_reason], schema=layout.schema())


def _pyarrow_options(
    layout: CsvLayout, delimiter: str, size: int, note: Callable[[pa_csv.InvalidRow], str]
) -> tuple[pa_csv.ReadOptions, pa_csv.ParseOptions, pa_csv.ConvertOptions]:
    dialect = layout.dialect
    return (
        pa_csv.ReadOptions(use_threads=False, block_size=size + 1, column_names=list(layout.header)),
        pa_csv.ParseOptions(
            delimiter=delimiter,
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
            null_values=["", dialect.null] if not null_has_escape(dialect) else [""],
            check_utf8=False,  # the whole block was decoded before
        ),
    )


def _raw_texts(records: _Records, dialect: Dialect) -> pa.StringArray:
    """The records' text, without a copy of the block wherever its records are short."""
    data, starts, ends, _ = records
    if dialect.encoding == "utf-8" and np.max(ends - starts, initial=0) <= MAX_RAW_BYTES:
        # each text goes on to the next record, so it has the line end: `conform` cuts it off where the text is kept
        offsets = np.append(starts, ends[-1:]).astype(np.int32)
        return pa.StringArray.from_buffers(len(starts), pa.py_buffer(offsets), pa.py_buffer(data))
    return pa.array(
        [raw_text(data[start:end], dialect.encoding) for start, end in zip(starts, ends, strict=True)], pa.string()
    )
