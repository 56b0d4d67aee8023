"""One stretch of a file of lines into rows and rejects, in Arrow batches; plain Python, no Spark.

Lines of a pattern are matched by pyarrow, a block at a time; lines that it cannot judge or that do not match, and
lines of JSON, are looked at one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sluice.readers import line_formats
from sluice.readers.line_blocks import Lines, blocks
from sluice.readers.line_formats import JsonLines, LinePattern, Unfit
from sluice.readers.raw import MAX_RAW_BYTES, raw_text

Line = tuple[int, bytes]  # offset in the file, text without its end


@dataclass(frozen=True)
class LineLayout:
    """How to read one file, and the input's columns to give."""

    reading: LinePattern | JsonLines
    columns: tuple[str, ...]

    def schema(self) -> pa.Schema:
        """One row a line: _position (byte offset), the columns as text, _raw (the line), _reason (null for a row)."""
        texts = [pa.field(column, pa.string()) for column in self.columns]
        return pa.schema([("_position", pa.int64()), *texts, ("_raw", pa.string()), ("_reason", pa.string())])


def parse(pieces: Iterable[tuple[int, bytes]], layout: LineLayout) -> Iterator[pa.RecordBatch]:
    """Rows and rejects of the lines in consecutive pieces of a file; blank lines are none."""
    for block in blocks(pieces, layout.reading.max_record_bytes):
        if block.too_long:
            yield _rejects(layout, [(block.offset, block.data, _too_long(layout))])
        else:
            yield from _parse_block(block.data, block.offset, layout)


def is_good(line: bytes, layout: LineLayout) -> bool:
    """Whether a line is a record."""
    return bool(line.strip()) and isinstance(_outcome(line.removesuffix(b"\r"), layout), list)


def _parse_block(block: bytes, offset: int, layout: LineLayout) -> Iterator[pa.RecordBatch]:
    lines = Lines.of(block)
    positions = lines.starts + offset
    odd: Sequence[int] = range(len(positions))
    if isinstance(layout.reading, LinePattern) and (texts := _texts(block, lines, layout.reading)) is not None:
        found = layout.reading.extracted(texts)
        good = np.asarray(found.is_valid())
        if good.any():
            chosen = pa.array(good)
            yield _rows(layout, positions[good], found.filter(chosen), _raws(texts.filter(chosen)))
        odd = np.flatnonzero(~good).tolist()
    others = [(int(positions[i]), block[lines.starts[i] : lines.ends[i]].removesuffix(b"\r")) for i in odd]
    yield from _one_by_one([line for line in others if line[1].strip()], layout)


def _texts(block: bytes, lines: Lines, reading: LinePattern) -> pa.StringArray | None:
    """The lines without their ends, as one array; None if any is too long or may not be text."""
    if not len(lines.starts) or b"\0" in block or not (block.isascii() or reading.encoding == "utf-8"):
        return None
    data = np.frombuffer(block, np.uint8)
    returns = (data[lines.ends - 1] == ord("\r")).astype(np.int64)
    lengths = lines.ends - returns - lines.starts
    if lengths.max() > reading.max_record_bytes:
        return None
    kept = np.zeros(len(data) + 1, np.int8)
    np.add.at(kept, lines.starts, 1)
    np.add.at(kept, lines.starts + lengths, -1)
    text = data[np.cumsum(kept[:-1]).astype(bool)].tobytes()
    offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int32)
    made = pa.BinaryArray.from_buffers(pa.binary(), len(lengths), [None, pa.py_buffer(offsets), pa.py_buffer(text)])
    try:
        return made.cast(pa.string())
    except pa.ArrowInvalid:
        return None


def _rows(layout: LineLayout, positions: np.ndarray, found: pa.StructArray, raws: pa.StringArray) -> pa.RecordBatch:
    fields = dict(zip(found.type.names, found.flatten(), strict=True))
    none = pa.nulls(len(positions), pa.string())
    columns = [_null_if_empty(fields[name]) if name in fields else none for name in layout.columns]
    return pa.record_batch([pa.array(positions, pa.int64()), *columns, raws, none], schema=layout.schema())


def _raws(texts: pa.StringArray) -> pa.StringArray:
    """The lines' text, which is kept only of those that become rejects after all."""
    if pc.max(pc.binary_length(texts)).as_py() <= MAX_RAW_BYTES:
        return texts
    return pa.array([raw_text(line) for line in texts.cast(pa.binary()).to_pylist()], pa.string())


def _null_if_empty(texts: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(pc.binary_length(texts), 0), pa.scalar(None, pa.string()), texts)


def _one_by_one(lines: Sequence[Line], layout: LineLayout) -> Iterator[pa.RecordBatch]:
    outcomes = [(position, line, _outcome(line, layout)) for position, line in lines]
    encoding = layout.reading.encoding
    rows = [
        (position, *values, raw_text(line, encoding), None)
        for position, line, values in outcomes
        if isinstance(values, list)
    ]
    if rows:
        columns = [
            pa.array(values, field.type) for values, field in zip(zip(*rows, strict=True), layout.schema(), strict=True)
        ]
        yield pa.record_batch(columns, schema=layout.schema())
    if len(rows) < len(outcomes):
        yield _rejects(layout, [(position, line, told) for position, line, told in outcomes if isinstance(told, str)])


def _outcome(line: bytes, layout: LineLayout) -> list[str | None] | str:
    """The values of a line's columns, or why it is no record."""
    reading = layout.reading
    if len(line) > reading.max_record_bytes:
        return _too_long(layout)
    if b"\0" in line:
        return "the line holds a NUL byte"
    try:
        text = line.decode(reading.encoding)
        if isinstance(reading, JsonLines):
            record = line_formats.members(text)
            return [line_formats.text(line_formats.member(record, name), name) for name in layout.columns]
    except UnicodeDecodeError:
        return f"bytes that are not {reading.encoding}"
    except (Unfit, RecursionError) as error:
        return str(error) if isinstance(error, Unfit) else line_formats.NO_OBJECT
    groups = reading.extracted(pa.array([text], pa.string())).to_pylist()[0]
    return reading.unmatched if groups is None else [groups.get(name) or None for name in layout.columns]


def _too_long(layout: LineLayout) -> str:
    return f"the line is longer than {layout.reading.max_record_bytes} bytes"


def _rejects(layout: LineLayout, records: Sequence[tuple[int, bytes, str]]) -> pa.RecordBatch:
    none = [pa.nulls(len(records), pa.string()) for _ in layout.columns]
    raws = [raw_text(line, layout.reading.encoding) for _, line, _ in records]
    reasons = [reason for _, _, reason in records]
    positions = pa.array([position for position, _, _ in records], pa.int64())
    return pa.record_batch(
        [positions, *none, pa.array(raws, pa.string()), pa.array(reasons, pa.string())], schema=layout.schema()
    )
