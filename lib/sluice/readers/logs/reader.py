"""Request logs as a Spark DataFrame: formats found on the driver, lines read by the workers in byte ranges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from sluice.errors import InputError
from sluice.files.input_file import InputFile
from sluice.model.table import Table
from sluice.readers.logs import parse as log_parse
from sluice.readers.logs.formats import LogFormat
from sluice.readers.logs.parse import LogLayout
from sluice.readers.shared import in_spark, line_ranges
from sluice.readers.shared.in_spark import Opened, Range


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
    head, begin = in_spark.head(file)
    wanted = f"of format {reading.format}" if reading.format else "of a known format (space, json, combined)"
    if not head:
        raise InputError(f"{file.uri}: the file is empty: expected lines {wanted}")
    layout = log_parse.found_layout(head[begin:], reading)
    if layout is None:
        raise InputError(f"{file.uri}: no line at its beginning is {wanted}: check the file, or name its --format")
    if table.pruned_before:
        layout = log_parse.replace_first_day(layout, table.pruned_before)
    return LogFile(file, layout, begin)


def read(spark: Any, sources: Sequence[LogFile], range_bytes: int | None = None) -> Any:
    """A DataFrame of all lines of the files: `_file` int and the columns of `log_parse.SCHEMA`; blank ones left out."""
    size = range_bytes or in_spark.range_bytes(spark, sources)
    return in_spark.read_ranges(spark, line_ranges.cut(sources, size), size, _parse, log_parse.SCHEMA)


def _parse(part: Range) -> Iterator[pa.RecordBatch]:
    return log_parse.parse(line_ranges.pieces(part), part.source.layout)
