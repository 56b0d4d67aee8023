"""Files of lines as a Spark DataFrame, by a pattern or of JSON: looked at on the driver, read by the workers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from sluice import drift
from sluice.errors import InputError
from sluice.input_file import InputFile
from sluice.readers import in_spark, line_blocks, line_parse
from sluice.readers.in_spark import Opened, Range
from sluice.readers.line_formats import JsonLines, LinePattern, Unfit, members
from sluice.readers.line_parse import LineLayout
from sluice.table import Table


@dataclass(frozen=True)
class LineFile:
    """A file with a good line at its beginning, which is at byte `begin` of the decompressed file.

    `new` are the members of its first objects that the table lacks.
    """

    file: InputFile
    layout: LineLayout
    begin: int = 0
    new: tuple[str, ...] = ()


def open_all(found: Sequence[InputFile], table: Table, reading: LinePattern | JsonLines, on_new_column: str) -> Opened:
    """Looks at the files' first lines; fails for each that is empty, unreadable or without a good one."""
    sources, failures = in_spark.open_each(found, lambda file: _open(file, table, reading, on_new_column))
    if on_new_column != "add":
        return Opened(sources, failures)
    gained = tuple(dict.fromkeys(name for source in sources for name in source.new))
    drift.check_names("files that are read together", table.column_names, gained)
    columns = (*table.input_columns, *table.gained, *gained)
    sources = tuple(replace(source, layout=replace(source.layout, columns=columns)) for source in sources)
    return Opened(sources, failures, gained)


def _open(file: InputFile, table: Table, reading: LinePattern | JsonLines, on_new_column: str) -> LineFile:
    head, begin = line_blocks.head_of(file)
    expected = "objects of JSON, one a line" if isinstance(reading, JsonLines) else f"lines like {reading.pattern}"
    if not head:
        raise InputError(f"{file.uri}: the file is empty: expected {expected}")
    layout = LineLayout(reading, (*table.input_columns, *table.gained))
    lines = head[begin:].split(b"\n")[: line_blocks.HEAD_LINES]
    # the last line may be cut off by the end of what was read
    if not any(line_parse.is_good(line, layout) for line in lines):
        raise InputError(f"{file.uri}: no line at its beginning is as table {table.name} needs: expected {expected}")
    new = _new_members(file, lines, table, on_new_column) if isinstance(reading, JsonLines) else []
    return LineFile(file, layout, begin, tuple(new))


def _new_members(file: InputFile, lines: Sequence[bytes], table: Table, on_new_column: str) -> list[str]:
    """The members of objects that the table has no column for, nor any for what is nested in them."""
    names: dict[str, None] = {}
    for line in lines:
        try:
            names.update(dict.fromkeys(members(line.decode())))
        except (UnicodeDecodeError, Unfit):
            continue
    used = {name.partition(".")[0] for name in table.input_columns}
    return drift.new_columns(file.uri, [name for name in names if name not in used], table, on_new_column)


def read(spark: Any, sources: Sequence[LineFile], range_bytes: int | None = None) -> Any:
    """A DataFrame of all lines of the files but blank ones: `_file` int and the columns of `LineLayout.schema`."""
    size = range_bytes or in_spark.range_bytes(spark, sources)
    parts = list(line_blocks.ranges(sources, size))
    return in_spark.read_ranges(spark, parts, size, _parse, sources[0].layout.schema())


def _parse(part: Range) -> Iterator[pa.RecordBatch]:
    with line_blocks.pieces(part) as pieces:
        yield from line_parse.parse(pieces, part.source.layout)
