"""Request logs as a Spark DataFrame: formats found on the driver, lines read by the workers in byte ranges."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from sluice import files
from sluice.errors import InputError
from sluice.input_file import InputFile
from sluice.readers import csv_ranges, csv_scan, in_spark, log_parse
from sluice.readers.in_spark import Opened, Range
from sluice.readers.log_formats import LogFormat
from sluice.readers.log_parse import LogLayout
from sluice.table import Table

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class LogFile:
    """A log whose first good line told its format; its lines begin at byte `begin` of the decompressed file."""

    file: InputFile
    layout: LogLayout
    begin: int = 0
    new: tuple[str, ...] = ()


def open_all(found: Sequence[InputFile], table: Table, reading: LogFormat, on_new_column: str) -> Opened:
    """Finds the files' formats; fails for each that is empty, unreadable or without a good line at its beginning."""
    return Opened(*in_spark.open_each(found, lambda file: _open(file, table, reading)))


def _open(file: InputFile, table: Table, reading: LogFormat) -> LogFile:
    with files.reading(file, 0, min(file.size, csv_scan.PIECE_BYTES)) as stream:
        head = stream.read(csv_scan.PIECE_BYTES)
    wanted = f"of format {reading.format}" if reading.format else "of a known format (space, json, combined)"
    if not head:
        raise InputError(f"{file.uri}: the file is empty: expected lines {wanted}")
    begin = len(_BYTE_ORDER_MARK) if head.startswith(_BYTE_ORDER_MARK) else 0
    layout = log_parse.found_layout(head[begin:], reading)
    if layout is None:
        raise InputError(f"{file.uri}: no line at its beginning is {wanted}: check the file, or name its --format")
    if table.pruned_before:
        layout = log_parse.replace_first_day(layout, table.pruned_before)
    return LogFile(file, layout, begin)


def read(spark: Any, sources: Sequence[LogFile], range_bytes: int | None = None) -> Any:
    """A DataFrame of all lines of the files: `_file` int and the columns of `log_parse.SCHEMA`; blank ones left out."""
    size = range_bytes or in_spark.range_bytes(spark, sources)
    return in_spark.read_ranges(spark, list(_ranges(sources, size)), size, _parse, log_parse.SCHEMA)


def _ranges(sources: Sequence[LogFile], size: int) -> Iterator[Range]:
    for number, source in enumerate(sources):
        if source.file.compression:
            yield Range(number, source, source.begin, None)
        else:
            for begin, end in csv_ranges.cut(source.begin, source.file.size, size):
                yield Range(number, source, begin, end)


def _parse(part: Range) -> Iterator[pa.RecordBatch]:
    """The lines that begin in the range."""
    begin, first = part.begin, part.begin == part.source.begin
    end = sys.maxsize if part.end is None else part.end
    with files.reading(part.source.file, begin - (not first)) as stream:
        pieces = csv_ranges.whole_lines(stream, begin if first else begin - 1, end, skip_line=not first)
        yield from log_parse.parse(pieces, part.source.layout)
