"""CSV files cut at records by Spark's workers: `ranges` says how, this module runs it.

Only files that are worth it are scanned, in one Spark job for all of them: those longer than two ranges, that can be
read from the middle, and without an escape character. Any other file is one range.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa

from sluice.errors import InputError
from sluice.files.reading import open_input
from sluice.readers.csv.layout import CsvFile
from sluice.readers.csv.ranges import NO_LINES, Outcome, RangeScan, chain, scan_range
from sluice.readers.shared.in_spark import Range, on_workers
from sluice.readers.shared.line_ranges import even_ranges

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Scans = Sequence[RangeScan | None]  # of one file's even ranges; None: that range cannot be read


def record_ranges(spark: SparkSession, sources: Sequence[CsvFile], size: int) -> list[Range]:
    """Each file in ranges of about `size` bytes that begin at records; one range where a file cannot be cut.

    The sources' `layout` gives their `dialect`.
    """
    to_scan = [
        Range(number, source, begin, end)
        for number, source in enumerate(sources)
        if _is_cut(source, size)
        for begin, end in even_ranges(source.begin, source.file.size, size)
    ]
    scans = _scan(spark, to_scan) if to_scan else {}
    return [
        Range(number, source, begin, end)
        for number, source in enumerate(sources)
        for begin, end in _bounds(source, scans.get(number))
    ]


def _is_cut(source: CsvFile, size: int) -> bool:
    can_cut = source.layout.dialect.cuttable and source.file.seekable
    return can_cut and source.file.size - source.begin > 2 * size


def _bounds(source: CsvFile, scans: Scans | None) -> Sequence[tuple[int, int | None]]:
    """Where a file's ranges begin and end."""
    if not source.file.seekable:
        return [(source.begin, None)]
    if scans is None:
        return [(source.begin, source.file.size)]
    readable = [scan for scan in scans if scan is not None]
    if len(readable) < len(scans):
        return [(source.begin, source.file.size)]  # reading it will fail once more, and then gives the reason
    return chain(source.begin, source.file.size, readable)


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


def _scan(spark: SparkSession, parts: Sequence[Range]) -> Mapping[int, Scans]:
    """File number → the scans of its ranges, in order."""
    rows = on_workers(spark, partial(_scan_part, parts), len(parts), _SCAN_SCHEMA).collect()
    scans: dict[int, list[RangeScan | None]] = {}
    for part, row in zip(parts, sorted(rows, key=lambda row: row.task), strict=True):
        scan = RangeScan(
            Outcome(row.plain_ends_quoted, row.plain_first_record),
            Outcome(row.quoted_ends_quoted, row.quoted_first_record),
        )
        scans.setdefault(part.number, []).append(scan if row.readable else None)
    return scans


def _scan_part(parts: Sequence[Range], number: int) -> Iterator[pa.RecordBatch]:
    part, readable, scan = parts[number], True, NO_LINES
    assert part.end is not None
    is_first = part.begin == part.source.begin
    try:
        with open_input(part.source.file, part.begin if is_first else part.begin - 1) as stream:
            scan = scan_range(stream, part.begin, part.end, part.source.layout.dialect, first=is_first)
    except InputError:
        readable = False
    plain, quoted = scan.from_plain, scan.from_quoted
    values = (number, plain.ends_quoted, plain.first_record, quoted.ends_quoted, quoted.first_record, readable)
    yield pa.record_batch([[value] for value in values], schema=_SCAN_SCHEMA)
