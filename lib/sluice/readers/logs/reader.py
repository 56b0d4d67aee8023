"""Request logs as a Spark DataFrame: formats detected on the driver, lines read by the workers in byte ranges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from sluice.errors import InputError
from sluice.files.input_file import InputFile
from sluice.model.table import Table
from sluice.readers.logs.formats import DETECTED, LogFormat
from sluice.readers.logs.layout import SCHEMA, LogLayout, detect_layout, without_days_before
from sluice.readers.logs.parse import parse_log
from sluice.readers.shared.in_spark import Range, range_bytes, read_ranges
from sluice.readers.shared.line_ranges import line_ranges, read_lines, refuse_lone_cr
from sluice.readers.shared.opening import Opened, open_each
from sluice.readers.shared.pieces import beginning

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


@dataclass(frozen=True)
class LogFile:
    """A log whose first valid line gave its format; its lines begin at byte `begin` of the decompressed file."""

    file: InputFile
    layout: LogLayout
    begin: int = 0
    new: tuple[str, ...] = ()  # a log never brings new columns


def open_all(files: Sequence[InputFile], table: Table, reading: LogFormat, on_new_column: str) -> Opened:
    """Detects the files' formats; a file that is empty, unreadable or begins with no valid line fails."""
    return open_each(files, lambda file: _open(file, table, reading))


def _open(file: InputFile, table: Table, reading: LogFormat) -> LogFile:
    file, piece, begin, marked = beginning(file)
    wanted = f"of format {reading.format}" if reading.format else f"of a known format ({', '.join(DETECTED)})"
    if not piece:
        raise InputError(f"{file.uri}: the file is empty: expected lines {wanted}")
    refuse_lone_cr(file.uri, piece)
    layout = detect_layout(piece[begin:], replace(reading, encoding="utf-8") if marked else reading)
    if isinstance(layout, str):
        raise InputError(f"{file.uri}: no line at its beginning is {wanted} ({layout}): check the file and the options")
    if table.pruned_before:
        layout = without_days_before(layout, table.pruned_before)
    return LogFile(file, layout, begin)


def read(spark: SparkSession, sources: Sequence[LogFile]) -> DataFrame:
    """A DataFrame of all lines of the files, blank ones left out; the files are read again whenever it is evaluated.

    One row a line: `_file` int (its number in `sources`) and the columns of `layout.SCHEMA`. `_position` is the byte
    offset in the decompressed file, null where the file as a whole cannot be read. Only rejects have `_raw`.
    """
    size = range_bytes(spark, sources)
    return read_ranges(spark, _ranges(sources, size), size, _parse, SCHEMA)


def _ranges(sources: Sequence[LogFile], size: int) -> list[Range]:
    """The files in ranges of about `size` bytes; in one where lines depend on those before them."""
    cut = [part for part in line_ranges(sources, size) if not part.source.layout.in_order]
    numbered = enumerate(sources)
    return cut + [Range(number, file, file.begin, None) for number, file in numbered if file.layout.in_order]


def _parse(part: Range) -> Iterator[pa.RecordBatch]:
    return parse_log(read_lines(part), part.source.layout)
