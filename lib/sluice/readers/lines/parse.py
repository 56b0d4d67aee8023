"""One stretch of a file of lines into rows and rejects, in Arrow batches; plain Python, no Spark.

Lines that are blank are no records. Those that cannot be read (bad bytes, NUL, too long) are taken out of a block
before the rest is parsed as its format says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sluice.readers.lines.formats import JsonLines, LinePattern
from sluice.readers.shared import json_values, records
from sluice.readers.shared.encoding import decodes
from sluice.readers.shared.line_blocks import Lines, blocks
from sluice.readers.shared.records import MAX_RAW_BYTES, raw_text


@dataclass(frozen=True)
class LineLayout:
    """How to read one file, and the columns to give: groups of the pattern, or members by dotted names.

    A column that is neither is null in every record. An object with a member of which there is no column is a reject,
    unless these are `ignored`.
    """

    reading: LinePattern | JsonLines
    columns: tuple[str, ...]
    ignored: bool = False

    @property
    def members(self) -> frozenset[str]:
        """The members of an object that are columns, or have some in them."""
        return frozenset(name.partition(".")[0] for name in self.columns).union(self.columns)

    def schema(self) -> pa.Schema:
        return records.schema(self.columns)


def parse(pieces: Iterable[tuple[int, bytes]], layout: LineLayout) -> Iterator[pa.RecordBatch]:
    """Rows and rejects of the lines in consecutive pieces of a file, each with its offset; the first begins a line."""
    limit = layout.reading.max_record_bytes
    for offset, data, too_long in blocks(pieces, limit):
        if too_long:
            yield _rejects([(offset, data[:limit], _too_long(layout))], layout, layout.reading.encoding)
        else:
            yield from parse_block(data, offset, layout)


def parse_block(block: bytes, offset: int, layout: LineLayout) -> Iterator[pa.RecordBatch]:
    """Rows and rejects of whole lines; `offset` is that of the first."""
    lines = Lines.of(block)
    good = lines.filled(block) & ~_long(lines, layout)
    reasons = _unreadable(block, lines, layout)
    if reasons:
        yield _unread(block, lines, offset, reasons, layout)
        good[list(reasons)] = False
    if good.any():
        text = _in_utf8(block, layout.reading.encoding)
        spans = (lines if text is block else Lines.of(text)).where(good).without_cr(text)
        parse_lines = _objects if isinstance(layout.reading, JsonLines) else _matched
        yield from parse_lines(text, spans, lines.starts[good] + offset, layout)


def _in_utf8(block: bytes, encoding: str) -> bytes:
    """The same lines in UTF-8; bytes that are not of the encoding are some other letter."""
    return block if encoding == "utf-8" or block.isascii() else block.decode(encoding, "replace").encode()


def _long(lines: Lines, layout: LineLayout) -> np.ndarray:
    return lines.ends - lines.starts > layout.reading.max_record_bytes


def _unreadable(block: bytes, lines: Lines, layout: LineLayout) -> dict[int, str]:
    """Line number → why it cannot be read; looks at single lines only where the block as a whole is bad."""
    reasons = {int(i): _too_long(layout) for i in np.flatnonzero(_long(lines, layout))}
    if b"\0" in block:
        nuls = np.flatnonzero(np.frombuffer(block, np.uint8) == 0)
        for i in np.unique(np.searchsorted(lines.starts, nuls, "right") - 1):
            reasons.setdefault(int(i), "the line holds a NUL byte")
    encoding = layout.reading.encoding
    if not decodes(block, encoding):
        for i, (start, end) in enumerate(zip(lines.starts, lines.ends, strict=True)):
            if not decodes(block[start:end], encoding):
                reasons.setdefault(i, f"bytes that are not {encoding}")
    return dict(sorted(reasons.items()))


def _unread(block: bytes, lines: Lines, offset: int, reasons: dict[int, str], layout: LineLayout) -> pa.RecordBatch:
    limit = layout.reading.max_record_bytes  # what is kept of a longer line does not depend on where pieces end
    chosen = np.array(list(reasons))
    texts = lines.without_cr(block).where(chosen).cut_from(block)
    found = zip((lines.starts[chosen] + offset).tolist(), texts, reasons.values(), strict=True)
    return _rejects([(at, text[:limit], why) for at, text, why in found], layout, layout.reading.encoding)


def _matched(text: bytes, lines: Lines, positions: np.ndarray, layout: LineLayout) -> Iterator[pa.RecordBatch]:
    """Rows of the lines that match the pattern; all at once."""
    assert isinstance(layout.reading, LinePattern)
    found = pc.extract_regex(lines.texts(text), pattern=layout.reading.whole)
    matches = np.asarray(found.is_valid())
    if not matches.all():
        others = zip(positions[~matches].tolist(), lines.where(~matches).cut_from(text), strict=True)
        yield _rejects([(position, line, layout.reading.unmatched) for position, line in others], layout)
        found, lines, positions = found.filter(pa.array(matches)), lines.where(matches), positions[matches]
    if len(lines):
        groups = dict(zip([item.name for item in found.type], found.flatten(), strict=True))
        none = pa.nulls(len(lines), pa.string())
        columns = [_filled(groups[name]) if name in groups else none for name in layout.columns]
        yield _rows(text, lines, positions, columns, layout)


def _filled(texts: pa.StringArray) -> pa.StringArray:
    empty = pc.equal(pc.binary_length(texts), 0)
    return pc.if_else(empty, pa.scalar(None, pa.string()), texts) if pc.any(empty).as_py() else texts


def _objects(text: bytes, lines: Lines, positions: np.ndarray, layout: LineLayout) -> Iterator[pa.RecordBatch]:
    """Rows of the lines that are JSON objects; line by line."""
    fits, rows, unfit = np.ones(len(lines), bool), [], []
    known = None if layout.ignored else layout.members
    for i, line in enumerate(lines.cut_from(text)):
        try:
            record = json_values.parsed(line.decode())
            if known is not None and not record.keys() <= known:
                name = next(name for name in record if name not in known)
                raise json_values.Unfit(f"member {name[:80]!r} is no column of the table")
            rows.append([json_values.text(json_values.member(record, name)) for name in layout.columns])
        except json_values.Unfit as error:
            fits[i] = False
            unfit.append((int(positions[i]), line, str(error)))
    if unfit:
        yield _rejects(unfit, layout)
    if rows:
        columns = [pa.array(values, pa.string()) for values in zip(*rows, strict=True)]
        yield _rows(text, lines.where(fits), positions[fits], columns, layout)


def _rows(
    text: bytes, lines: Lines, positions: np.ndarray, columns: list[pa.Array], layout: LineLayout
) -> pa.RecordBatch:
    short = np.max(lines.ends - lines.starts) <= MAX_RAW_BYTES
    raw = lines.texts(text) if short else pa.array(map(raw_text, lines.cut_from(text)), pa.string())
    none = pa.nulls(len(lines), pa.string())
    return pa.record_batch([pa.array(positions, pa.int64()), *columns, raw, none], schema=layout.schema())


def _rejects(found: list[tuple[int, bytes, str]], layout: LineLayout, encoding: str = "utf-8") -> pa.RecordBatch:
    return records.rejects(layout.columns, found, encoding)


def _too_long(layout: LineLayout) -> str:
    return f"the line is longer than {layout.reading.max_record_bytes} bytes"
