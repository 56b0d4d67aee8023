"""Files of lines as a Spark DataFrame: beginnings checked on the driver, lines read by the workers in byte ranges."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from sluice.errors import InputError
from sluice.files.input_file import InputFile
from sluice.model.table import Table
from sluice.readers.lines import parse as line_parse
from sluice.readers.lines.formats import JsonLines, LinePattern
from sluice.readers.lines.parse import LineLayout
from sluice.readers.shared import in_spark, json_values, line_ranges, new_columns
from sluice.readers.shared.encoding import PIECE_BYTES
from sluice.readers.shared.in_spark import Opened, Range

FIRST = 1000  # lines that tell what a file is


@dataclass(frozen=True)
class LineFile:
    """A file one of whose first lines fits its table; its lines begin at byte `begin` of the decompressed file.

    `new` are members of its objects that the table lacks.
    """

    file: InputFile
    layout: LineLayout
    begin: int
    new: tuple[str, ...] = ()


def open_all(found: Sequence[InputFile], table: Table, reading: LinePattern | JsonLines, on_new_column: str) -> Opened:
    """Reads the files' first lines; fails for each that is empty, unreadable or has none that fits the table.

    Members of JSON objects are found new among the first lines only; later they make a reject, unless to be ignored.
    """
    opened = in_spark.open_each(found, lambda file: _open(file, table, reading, on_new_column))
    return in_spark.with_gained(*opened, table, on_new_column)


def _open(file: InputFile, table: Table, reading: LinePattern | JsonLines, on_new_column: str) -> LineFile:
    head, begin = in_spark.head(file)
    if not head:
        raise InputError(f"{file.uri}: the file is empty: expected lines of table {table.name}")
    layout = LineLayout(reading, (*table.input_columns, *table.gained), ignored=True)
    lines = head[begin:].split(b"\n", FIRST)[:FIRST]
    judged = len(lines) > 1 or len(head) < PIECE_BYTES  # else not even the first line ends in what was read
    if judged and (reason := _unfit(b"\n".join(lines), layout)):
        raise InputError(f"{file.uri}: no line at its beginning fits table {table.name} ({reason}): check the file")
    members = _members(lines, layout.members) if isinstance(reading, JsonLines) else []
    new = new_columns.new_columns(file.uri, members, table, on_new_column)
    return LineFile(file, replace(layout, ignored=on_new_column == "ignore"), begin, tuple(new))


def _unfit(lines: bytes, layout: LineLayout) -> str:
    """Why the first of the lines is no row, if none is one."""
    reasons: dict[int, str] = {}
    for batch in line_parse.parse_block(lines, 0, layout):
        if batch.column("_reason").null_count:
            return ""
        reasons.update(zip(batch.column("_position").to_pylist(), batch.column("_reason").to_pylist(), strict=True))
    return reasons[min(reasons)] if reasons else "all are blank"


def _members(lines: Sequence[bytes], known: Collection[str]) -> list[str]:
    """The names of the objects' members that are not known."""
    names: dict[str, None] = {}
    for line in lines:
        try:
            names.update(dict.fromkeys(json_values.parsed(line.decode("utf-8", "replace"))))
        except json_values.Unfit:
            continue
    return [name for name in names if name not in known]


def read(spark: Any, sources: Sequence[LineFile], range_bytes: int | None = None) -> Any:
    """A DataFrame of all lines of the files, blank ones left out; read as often as it is evaluated.

    One row a line: `_file` int (its number in `sources`), `_position` bigint (byte offset in the decompressed file;
    null: the file as a whole cannot be read), the input columns as text, `_raw` (the line's text),
    `_reason` (null, or why it is no row).
    """
    size = range_bytes or in_spark.range_bytes(spark, sources)
    return in_spark.read_ranges(spark, line_ranges.cut(sources, size), size, _parse, sources[0].layout.schema())


def _parse(part: Range) -> Iterator[pa.RecordBatch]:
    return line_parse.parse(line_ranges.pieces(part), part.source.layout)
