"""CSV files as a Spark DataFrame: headers checked on the driver, records read by the workers in byte ranges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from sluice.errors import InputError
from sluice.files.input_file import InputFile
from sluice.files.reading import open_input
from sluice.model.table import Table
from sluice.readers.csv.cutting import record_ranges
from sluice.readers.csv.dialect import Dialect
from sluice.readers.csv.header import all_named, check_header, expected, read_header, records_begin, told_dialect
from sluice.readers.csv.layout import CsvFile, CsvLayout
from sluice.readers.csv.parse import parse_csv
from sluice.readers.shared.in_spark import Range, range_bytes, read_ranges
from sluice.readers.shared.new_columns import find_new_columns
from sluice.readers.shared.opening import Opened, open_each, with_gained
from sluice.readers.shared.pieces import beginning

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def open_all(files: Sequence[InputFile], table: Table, dialect: Dialect, on_new_column: str) -> Opened:
    """Reads the files' headers; a file that is empty, unreadable or has columns that do not fit the table fails."""
    opened = open_each(files, lambda file: _open(file, table, dialect, on_new_column))
    return with_gained(opened, table, on_new_column)


def _open(file: InputFile, table: Table, dialect: Dialect, on_new_column: str) -> CsvFile:
    file, piece, begin, marked = beginning(file)
    dialect = replace(dialect, encoding="utf-8") if marked else dialect
    if not piece:
        raise InputError(f"{file.uri}: the file is empty: expected {expected(table, dialect)}")
    dialect, begin = told_dialect(piece, begin, dialect)
    begin = records_begin(file, piece, begin, dialect)
    columns = (*table.input_columns, *table.gained)
    if not dialect.header:
        return CsvFile(file, CsvLayout(dialect, table.input_columns, columns), begin)
    header = read_header(file, piece, begin, table, dialect)
    names = all_named(file, header.names, on_new_column)
    check_header(file, names, table)
    new = find_new_columns(file.uri, names, table, on_new_column)
    return CsvFile(file, CsvLayout(dialect, tuple(names), columns, header.record), header.end, tuple(new))


def read(spark: SparkSession, sources: Sequence[CsvFile]) -> DataFrame:
    """A DataFrame of all records of the files; the files are read again whenever it is evaluated.

    One row a record: `_file` int (its number in `sources`), `_position` bigint (byte offset in the decompressed file;
    null: the file as a whole cannot be read), the input columns as text (empty fields null), `_raw` (the record's text,
    perhaps with line ends after it), `_reason` (null for a row, else why the record is a reject).
    """
    size = range_bytes(spark, sources)
    return read_ranges(spark, record_ranges(spark, sources, size), size, _parse, sources[0].layout.schema())


def _parse(part: Range) -> Iterator[pa.RecordBatch]:
    with open_input(part.source.file, part.begin, part.end) as stream:
        yield from parse_csv(stream, part.begin, part.end, part.source.layout)
