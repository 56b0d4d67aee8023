"""One range of a request log into rows and rejects, in Arrow batches; plain Python, no Spark.

Lines of the format `space` are parsed by pyarrow a block at a time (`quick`), everything else line by line (`formats`),
with the same outcome. A block goes one of three ways:

1. all of it is quick;
2. some lines are unusual: the others are tried again without them, and only these are parsed one by one;
3. that fails too, or the file has another format: every line is parsed by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

import pyarrow as pa

from sluice.readers.logs.formats import parse_line
from sluice.readers.logs.layout import SCHEMA, LogLayout
from sluice.readers.logs.quick import FIELD_COUNTS, quick_rows, usual_lines
from sluice.readers.logs.row import Row
from sluice.readers.logs.w3c import W3cLines
from sluice.readers.shared.line_blocks import LineSpans, line_blocks
from sluice.readers.shared.records import NotARecord, raw_text, unexpected

_STORED = Row._fields.index("virtual_host")  # the fields before it are columns
_NO_ROW = (None,) * _STORED
Parse = Callable[[str], Row | None]  # None: a directive, which is not a record


def parse_log(pieces: Iterable[tuple[int, bytes]], layout: LogLayout) -> Iterator[pa.RecordBatch]:
    """Rows and rejects of the lines in consecutive pieces of a file, each with its offset; the first begins a line."""
    parse: Parse = partial(parse_line, reading=layout.reading, formats=layout.formats)
    if layout.in_order:
        parse = W3cLines(layout.reading).parse
    for offset, data, too_long in line_blocks(pieces, layout.reading.max_record_bytes):
        if too_long:
            yield _batch([(offset, layout.too_long, data)], layout)
        else:
            yield from _parse_block(data, offset, layout, parse)


def _parse_block(block: bytes, offset: int, layout: LogLayout, parse: Parse) -> Iterator[pa.RecordBatch]:
    """Rows and rejects of whole lines; `offset` is that of the first."""
    lines = LineSpans.of(block)
    if layout.fields not in FIELD_COUNTS:
        yield from line_by_line(block, lines, offset, layout, parse)
        return
    rows = quick_rows(block, lines.starts + offset, layout)
    if rows is not None:
        yield rows
        return
    usual = usual_lines(block, lines)
    usual_block = b"".join([line + b"\n" for line in lines.where(usual).cut_from(block)])
    rows = quick_rows(usual_block, lines.starts[usual] + offset, layout)
    if rows is not None:
        yield rows
        lines = lines.where(~usual)
    yield from line_by_line(block, lines, offset, layout, parse)


def line_by_line(
    block: bytes, lines: LineSpans, offset: int, layout: LogLayout, parse: Parse
) -> Iterator[pa.RecordBatch]:
    """Rows and rejects of these lines of a block, blank ones left out; `offset` is that of the block."""
    if len(lines):
        texts = zip((lines.starts + offset).tolist(), lines.cut_from(block), strict=True)
        outcomes = ((position, _outcome(line, layout, parse), line) for position, line in texts if line.strip())
        yield _batch([(position, row, line) for position, row, line in outcomes if row is not None], layout)


def _outcome(line: bytes, layout: LogLayout, parse: Parse) -> Row | str | None:
    """The row of a line, or why it is a reject; None for a directive, which is not a record."""
    if len(line) > layout.reading.max_record_bytes:
        return layout.too_long
    if b"\0" in line:
        return "the line holds a NUL byte"
    try:
        row = parse(line.decode(layout.reading.encoding).removesuffix("\r"))
    except UnicodeDecodeError:
        return f"bytes that are not {layout.reading.encoding}: name the file's --encoding"
    except NotARecord as error:
        return str(error)
    except Exception as error:
        return unexpected(error)
    first_moment = layout.first_moment
    if row and first_moment and row.requested_at < first_moment:
        return f"days before {first_moment:%Y-%m-%d} are pruned"
    return row


def _batch(records: Sequence[tuple[int, Row | str, bytes]], layout: LogLayout) -> pa.RecordBatch:
    """Records by position, outcome and bytes; only rejects keep their text."""
    rows = [outcome[:_STORED] if isinstance(outcome, Row) else _NO_ROW for _, outcome, _ in records]
    columns = list(zip(*rows, strict=True)) or [()] * len(_NO_ROW)
    positions = [position for position, _, _ in records]
    source = layout.reading.source
    raws = [None if isinstance(outcome, Row) else _raw(line, layout) for _, outcome, line in records]
    reasons = [None if isinstance(outcome, Row) else outcome for _, outcome, _ in records]
    sources = [source or (outcome.virtual_host if isinstance(outcome, Row) else "") for _, outcome, _ in records]
    arrays = [positions, *map(list, columns), sources, raws, reasons]
    return pa.record_batch(
        [pa.array(values, field.type) for values, field in zip(arrays, SCHEMA, strict=True)], schema=SCHEMA
    )


def _raw(line: bytes, layout: LogLayout) -> str:
    return raw_text(line.rstrip(b"\r"), layout.reading.encoding)
