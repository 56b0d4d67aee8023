"""Files of lines as a Spark DataFrame: beginnings checked on the driver, lines read by the workers in byte ranges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from sluice.errors import InputError
from sluice.files.input_file import InputFile
from sluice.model.table import Table
from sluice.readers.lines.formats import JsonLines, LinePattern
from sluice.readers.lines.layout import LineLayout
from sluice.readers.lines.parse import parse_block, parse_lines
from sluice.readers.shared.in_spark import Range, range_bytes, read_ranges
from sluice.readers.shared.json_values import Members, parse_object, unknown_members
from sluice.readers.shared.line_ranges import line_ranges, read_lines, refuse_lone_cr
from sluice.readers.shared.new_columns import find_new_columns
from sluice.readers.shared.opening import Opened, open_each, with_gained
from sluice.readers.shared.pieces import PIECE_BYTES, beginning
from sluice.readers.shared.records import NotARecord

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_CHECKED_LINES = 1000  # at a file's beginning; one must fit, and all are searched for new members


@dataclass(frozen=True)
class LineFile:
    """A file one of whose first lines fits its table; its lines begin at byte `begin` of the decompressed file.

    `new` are members of its objects that the table lacks.
    """

    file: InputFile
    layout: LineLayout
    begin: int
    new: tuple[str, ...] = ()


def open_all(files: Sequence[InputFile], table: Table, reading: LinePattern | JsonLines, on_new_column: str) -> Opened:
    """Reads the files' first lines; a file that is empty, unreadable or has none that fits the table fails.

    Only members in the first lines count as new columns. A line further down with a member that the table lacks is a
    reject, unless new columns are ignored.
    """
    opened = open_each(files, lambda file: _open(file, table, reading, on_new_column))
    return with_gained(opened, table, on_new_column)


def _open(file: InputFile, table: Table, reading: LinePattern | JsonLines, on_new_column: str) -> LineFile:
    file, piece, begin, marked = beginning(file)
    if not piece:
        raise InputError(f"{file.uri}: the file is empty: expected lines of table {table.name}")
    refuse_lone_cr(file.uri, piece)
    if marked and isinstance(reading, LinePattern):
        reading = replace(reading, encoding="utf-8")
    layout = LineLayout(reading, (*table.input_columns, *table.gained), ignored=True)
    lines = piece[begin:].split(b"\n", _CHECKED_LINES)[:_CHECKED_LINES]
    has_whole_line = len(lines) > 1 or len(piece) < PIECE_BYTES  # a first line longer than the piece is not judged
    if has_whole_line and (reason := _why_none_fits(b"\n".join(lines), layout)):
        raise InputError(f"{file.uri}: no line at its beginning fits table {table.name} ({reason}): check the file")
    members = _members(lines, layout.members) if isinstance(reading, JsonLines) else []
    new = find_new_columns(file.uri, members, table, on_new_column)
    return LineFile(file, replace(layout, ignored=on_new_column == "ignore"), begin, tuple(new))


def _why_none_fits(lines: bytes, layout: LineLayout) -> str:
    """Why the first of the lines is a reject, if all are; "" if one is a row."""
    reasons: dict[int, str] = {}
    for batch in parse_block(lines, 0, layout):
        if batch.column("_reason").null_count:
            return ""
        reasons.update(zip(batch.column("_position").to_pylist(), batch.column("_reason").to_pylist(), strict=True))
    return reasons[min(reasons)] if reasons else "all are blank"


def _members(lines: Sequence[bytes], known: Members) -> list[str]:
    """The dotted names of the objects' members that are not known."""
    names: dict[str, None] = {}
    for line in lines:
        try:
            names.update(dict.fromkeys(unknown_members(parse_object(line.decode("utf-8", "replace")), known)))
        except NotARecord:
            continue
    return list(names)


def read(spark: SparkSession, sources: Sequence[LineFile]) -> DataFrame:
    """A DataFrame of all lines of the files, blank ones left out; the files are read again whenever it is evaluated.

    One row a line: `_file` int (its number in `sources`), `_position` bigint (byte offset in the decompressed file;
    null: the file as a whole cannot be read), the input columns as text, `_raw` (the line's text), `_reason` (null for
    a row, else why the line is a reject).
    """
    size = range_bytes(spark, sources)
    return read_ranges(spark, line_ranges(sources, size), size, _parse, sources[0].layout.schema())


def _parse(part: Range) -> Iterator[pa.RecordBatch]:
    return parse_lines(read_lines(part), part.source.layout)
