"""CSV files as a Spark DataFrame: headers checked on the driver, records read by the workers in byte ranges."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa

from sluice.errors import InputError
from sluice.files import find as files
from sluice.files.input_file import InputFile
from sluice.model.table import Table
from sluice.readers.csv import parse as csv_parse
from sluice.readers.csv import ranges as csv_ranges
from sluice.readers.csv import scan as csv_scan
from sluice.readers.csv.dialect import Dialect
from sluice.readers.csv.parse import Layout
from sluice.readers.shared import encoding, in_spark, line_ranges, new_columns
from sluice.readers.shared.in_spark import Opened, Range, on_workers, read_ranges


@dataclass(frozen=True)
class CsvFile:
    """A file whose header fits its table; its records begin at byte `begin` of the decompressed file.

    `new` are the columns of its header that the table lacks.
    """

    file: InputFile
    layout: Layout
    begin: int
    new: tuple[str, ...] = ()


def open_all(found: Sequence[InputFile], table: Table, dialect: Dialect, on_new_column: str) -> Opened:
    """Reads the files' headers; fails for each that is empty, unreadable or has columns that do not fit the table."""
    sources, failures = in_spark.open_each(found, lambda file: _open(file, table, dialect, on_new_column))
    return in_spark.with_gained(sources, failures, table, on_new_column)


def _open(file: InputFile, table: Table, dialect: Dialect, on_new_column: str) -> CsvFile:
    head, begin = in_spark.head(file)
    if not head:
        raise InputError(f"{file.uri}: the file is empty: expected {_expected(table, dialect)}")
    for _ in range(dialect.skip_lines):
        begin = head.find(b"\n", begin) + 1 or len(head)
    header, new = list(table.input_columns), []
    if dialect.header:
        header, begin = _header(file, head, begin, table, dialect)
        new = _check_header(file, header, table, on_new_column)
    columns = (*table.input_columns, *table.gained)
    return CsvFile(file, Layout(dialect, tuple(header), columns), begin, tuple(new))


def _header(file: InputFile, head: bytes, begin: int, table: Table, dialect: Dialect) -> tuple[list[str], int]:
    """The first record's fields, and where the next record begins."""
    scanner = csv_scan.Scanner(dialect, begin)
    (found,) = scanner.feed(head[begin:])
    ends, start = [int(end) for end in found] or [len(head)], begin
    for end in ends:
        if end > start:
            break
        start = end + 1
    record = head[start:end]
    if b"\0" in record or not dialect.decodes(record) or len(record) >= encoding.PIECE_BYTES // 2:
        raise InputError(f"{file.uri}: not a CSV file in {dialect.encoding}: expected {_expected(table, dialect)}")
    reader = csv.reader(
        io.StringIO(record.decode(dialect.encoding), newline=""),
        delimiter=dialect.delimiter,
        quotechar=dialect.quote or None,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        escapechar=dialect.escape or None,
    )
    try:
        return [name.strip() for name in next(reader, [])], min(end + 1, len(head))
    except csv.Error as error:
        raise InputError(
            f"{file.uri}: its header cannot be read ({error}): expected {_expected(table, dialect)}"
        ) from None


def _check_header(file: InputFile, names: list[str], table: Table, on_new_column: str) -> list[str]:
    """The names that the table lacks. Raises InputError for a header that does not fit."""
    shown = ", ".join(name[:40] for name in names[:20])
    for name in table.required:
        if name not in names:
            raise InputError(f"{file.uri}: no column {name!r} in the header ({shown}): table {table.name} needs it")
    for i, name in enumerate(names):
        if name in names[:i]:
            raise InputError(f"{file.uri}: the header names column {name!r} twice: remove or rename one")
    return new_columns.new_columns(file.uri, names, table, on_new_column)


def _expected(table: Table, dialect: Dialect) -> str:
    names = dialect.delimiter.join(table.input_columns)
    return f"a header like {names}" if dialect.header else f"records of {names}"


def read(spark: Any, sources: Sequence[CsvFile], range_bytes: int | None = None) -> Any:
    """A DataFrame of all records of the files, read as often as it is evaluated.

    One row a record: `_file` int (its number in `sources`), `_position` bigint (byte offset in the decompressed file;
    null: the file as a whole cannot be read), the input columns as text (empty fields null), `_raw` (the record's text,
    perhaps with line ends after it), `_reason` (null, or why it is no row).
    """
    size = range_bytes or in_spark.range_bytes(spark, sources)
    return read_ranges(spark, _record_safe_ranges(spark, sources, size), size, _parse, sources[0].layout.schema())


def _parse(part: Range) -> Iterator[pa.RecordBatch]:
    with files.reading(part.source.file, part.begin, part.end) as stream:
        yield from csv_parse.parse(stream, part.begin, part.end, part.source.layout)


def _record_safe_ranges(spark: Any, sources: Sequence[CsvFile], size: int) -> list[Range]:
    """Each file in ranges of about `size` bytes that begin at records; one range where a file cannot be cut."""
    whole: list[Range] = []
    nominal: list[Range] = []
    for number, source in enumerate(sources):
        can_cut = source.layout.dialect.cuttable and source.file.compression is None
        if can_cut and source.file.size - source.begin > 2 * size:
            edges = line_ranges.edges_of(source.begin, source.file.size, size)
            nominal.extend(Range(number, source, begin, end) for begin, end in edges)
        else:
            end = None if source.file.compression else source.file.size
            whole.append(Range(number, source, source.begin, end))
    if not nominal:
        return whole
    scans = _scan(spark, nominal)
    for number in dict.fromkeys(part.number for part in nominal):
        source = sources[number]
        outcomes = [scan for part, scan in zip(nominal, scans, strict=True) if part.number == number]
        readable = [scan for scan in outcomes if scan is not None]
        if len(readable) < len(outcomes):
            edges = [(source.begin, source.file.size)]  # it will fail there once more, and is then told
        else:
            edges = csv_ranges.chain(source.begin, source.file.size, readable)
        whole.extend(Range(number, source, begin, end) for begin, end in edges)
    return sorted(whole, key=lambda part: (part.number, part.begin))


_SCAN_SCHEMA = pa.schema(
    [
        ("task", pa.int32()),
        ("plain_ends_quoted", pa.bool_()),
        ("plain_first_record", pa.int64()),
        ("quoted_ends_quoted", pa.bool_()),
        ("quoted_first_record", pa.int64()),
        ("readable", pa.bool_()),
    ]
)


def _scan(spark: Any, parts: list[Range]) -> list[csv_ranges.RangeScan | None]:
    """The ranges' scans; None for one that cannot be read."""
    rows = on_workers(spark, partial(_scan_range, parts), len(parts), _SCAN_SCHEMA).collect()
    return [
        csv_ranges.RangeScan(
            csv_ranges.Outcome(row.plain_ends_quoted, row.plain_first_record),
            csv_ranges.Outcome(row.quoted_ends_quoted, row.quoted_first_record),
        )
        if row.readable
        else None
        for row in sorted(rows, key=lambda row: row.task)
    ]


def _scan_range(parts: list[Range], number: int) -> Iterator[pa.RecordBatch]:
    part, readable, scan = parts[number], True, csv_ranges.NOTHING
    assert part.end is not None
    first = part.begin == part.source.begin
    try:
        with files.reading(part.source.file, part.begin - (not first)) as stream:
            scan = csv_ranges.scan_range(stream, part.begin, part.end, part.source.layout.dialect, first=first)
    except InputError:
        readable = False
    plain, quoted = scan.from_plain, scan.from_quoted
    values = (number, plain.ends_quoted, plain.first_record, quoted.ends_quoted, quoted.first_record, readable)
    yield pa.record_batch([[value] for value in values], schema=_SCAN_SCHEMA)
