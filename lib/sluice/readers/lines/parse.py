"""One range of a file of lines into rows and rejects, in Arrow batches; plain Python, no Spark.

Each block of lines goes through three steps:

1. Blank lines are left out. Lines that cannot be read (bad bytes, NUL, too long) become rejects; single lines are
   looked at only if the block as a whole has something bad in it.
2. The block is turned into UTF-8 if it is not. Its lines have other offsets then, so they are searched for again;
   positions in the file stay those of the original bytes.
3. A pattern is matched with all lines at once, by Arrow. JSON objects are parsed line by line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sluice.readers.lines.formats import LinePattern
from sluice.readers.lines.layout import LineLayout
from sluice.readers.shared.encoding import CR, decodes
from sluice.readers.shared.json_values import as_text, member, parse_object, unknown_members
from sluice.readers.shared.line_blocks import LineSpans, line_blocks
from sluice.readers.shared.records import MAX_RAW_BYTES, NotARecord, raw_text, unexpected


def parse_lines(pieces: Iterable[tuple[int, bytes]], layout: LineLayout) -> Iterator[pa.RecordBatch]:
    """Rows and rejects of the lines in consecutive pieces of a file, each with its offset; the first begins a line."""
    for offset, data, too_long in line_blocks(pieces, layout.reading.max_record_bytes):
        if too_long:
            yield layout.unread([(offset, data, layout.too_long)])
        else:
            yield from parse_block(data, offset, layout)


def parse_block(block: bytes, offset: int, layout: LineLayout) -> Iterator[pa.RecordBatch]:
    """Rows and rejects of whole lines; `offset` is that of the first."""
    lines = LineSpans.of(block)
    good = lines.have_text(block) & ~_are_long(lines, layout)
    reasons = _unreadable(block, lines, layout)
    if reasons:
        numbers = np.array(list(reasons))
        texts = lines.without_cr(block).where(numbers).cut_from(block)
        positions = (lines.starts[numbers] + offset).tolist()
        yield layout.unread(zip(positions, texts, reasons.values(), strict=True))
        good[numbers] = False
    if good.any():
        text = _in_utf8(block, layout.reading.encoding)
        spans = (lines if text is block else LineSpans.of(text)).where(good).without_cr(text)
        parse_good = _match if isinstance(layout.reading, LinePattern) else _parse_objects
        yield from parse_good(text, spans, lines.starts[good] + offset, layout)


def _are_long(lines: LineSpans, layout: LineLayout) -> np.ndarray:
    return lines.ends - lines.starts > layout.reading.max_record_bytes


def _unreadable(block: bytes, lines: LineSpans, layout: LineLayout) -> dict[int, str]:
    """Line number → why it cannot be read."""
    reasons = {int(i): layout.too_long for i in np.flatnonzero(_are_long(lines, layout))}
    if b"\0" in block:
        nuls = np.flatnonzero(np.frombuffer(block, np.uint8) == 0)
        for i in lines.numbers_at(nuls):
            reasons.setdefault(int(i), "the line holds a NUL byte")
    if isinstance(layout.reading, LinePattern) and block.count(b"\r") != block.count(b"\r\n"):
        for i in _with_cr_within(block, lines):
            reasons.setdefault(i, "a CR within the line, where other tools end it: convert the line ends first")
    encoding = layout.reading.encoding
    if not decodes(block, encoding):
        for i, (start, end) in enumerate(zip(lines.starts, lines.ends, strict=True)):
            if not decodes(block[start:end], encoding):
                reasons.setdefault(i, f"bytes that are not {encoding}: name the file's --encoding")
    return dict(sorted(reasons.items()))


def _with_cr_within(block: bytes, lines: LineSpans) -> list[int]:
    """The numbers of the lines that are not blank and hold a CR before their last byte."""
    places = np.flatnonzero(np.frombuffer(block, np.uint8) == CR)
    numbers = lines.without_cr(block).numbers_at(places)
    return numbers[lines.have_text(block)[numbers]].tolist()


def _in_utf8(block: bytes, encoding: str) -> bytes:
    """The same lines in UTF-8. Bytes that are not of the encoding, in lines that are rejects, become another letter."""
    return block if encoding == "utf-8" or block.isascii() else block.decode(encoding, "replace").encode()


def _match(text: bytes, lines: LineSpans, positions: np.ndarray, layout: LineLayout) -> Iterator[pa.RecordBatch]:
    """Rows of the lines that match the pattern; all at once."""
    assert isinstance(layout.reading, LinePattern)
    groups = pc.extract_regex(lines.texts(text), pattern=layout.reading.full_pattern)
    matches = np.asarray(groups.is_valid())
    if not matches.all():
        others = zip(positions[~matches].tolist(), lines.where(~matches).cut_from(text), strict=True)
        yield layout.rejects([(position, line, layout.reading.unmatched) for position, line in others])
        groups, lines, positions = groups.filter(pa.array(matches)), lines.where(matches), positions[matches]
    if len(lines):
        by_name = dict(zip([item.name for item in groups.type], groups.flatten(), strict=True))
        none = pa.nulls(len(lines), pa.string())
        columns = [_null_if_empty(by_name[name]) if name in by_name else none for name in layout.columns]
        yield _rows(text, lines, positions, columns, layout)


def _null_if_empty(texts: pa.StringArray) -> pa.StringArray:
    empty = pc.equal(pc.binary_length(texts), 0)
    return pc.if_else(empty, pa.scalar(None, pa.string()), texts) if pc.any(empty).as_py() else texts


def _parse_objects(
    text: bytes, lines: LineSpans, positions: np.ndarray, layout: LineLayout
) -> Iterator[pa.RecordBatch]:
    """Rows of the lines that are JSON objects; line by line."""
    is_row, rows, rejects = np.ones(len(lines), bool), [], []
    known = None if layout.ignored else layout.members
    for i, line in enumerate(lines.cut_from(text)):
        try:
            record = parse_object(line.decode())
            if known is not None and (name := next(unknown_members(record, known), None)) is not None:
                raise NotARecord(f"member {name[:80]!r} is not a column of the table")
            rows.append([as_text(member(record, name)) for name in layout.columns])
        except Exception as error:
            is_row[i] = False
            reason = str(error) if isinstance(error, NotARecord) else unexpected(error)
            rejects.append((int(positions[i]), line, reason))
    if rejects:
        yield layout.rejects(rejects)
    if rows:
        columns = [pa.array(values, pa.string()) for values in zip(*rows, strict=True)]
        yield _rows(text, lines.where(is_row), positions[is_row], columns, layout)


def _rows(
    text: bytes, lines: LineSpans, positions: np.ndarray, columns: list[pa.Array], layout: LineLayout
) -> pa.RecordBatch:
    are_short = np.max(lines.ends - lines.starts) <= MAX_RAW_BYTES
    raw = lines.texts(text) if are_short else pa.array(map(raw_text, lines.cut_from(text)), pa.string())
    none = pa.nulls(len(lines), pa.string())
    return pa.record_batch([pa.array(positions, pa.int64()), *columns, raw, none], schema=layout.schema())
