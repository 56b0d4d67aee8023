"""Process listings as a Spark DataFrame. Each file is one snapshot, read as a whole by one worker.

Only the first file is opened on the driver, to name columns that are not stored: there may be many thousands, and all
that is needed before is in their paths.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from sluice.errors import InputError, listed
from sluice.files.decompressing import shown_size
from sluice.files.input_file import InputFile
from sluice.files.reading import Stream, open_input, with_compression
from sluice.model.table import Table
from sluice.readers.processes.listing import parse_listing, unknown_columns
from sluice.readers.processes.row import Process
from sluice.readers.processes.snapshot import Snapshot, SnapshotOptions, snapshot_of
from sluice.readers.shared.in_spark import Range, range_bytes, read_ranges
from sluice.readers.shared.opening import Opened, open_each

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_BATCH_ROWS = 10_000
_MOST_BYTES = 64 << 20  # a worker holds all of a listing, in memory of ten times its size
_HEAD_BYTES = 1 << 16  # in which the first header is looked for
_SHOWN = 20  # names in a message
_INTEGERS = ("pid", "parent_pid", "resident_bytes", "virtual_bytes", "threads")
_FLOATS = ("cpu_percent", "memory_percent", "cpu_seconds")
_TYPES = dict.fromkeys(_INTEGERS, pa.int64()) | dict.fromkeys(_FLOATS, pa.float64())
SCHEMA = pa.schema(
    [
        pa.field("_position", pa.int64()),
        pa.field("host", pa.string()),
        pa.field("snapshot_at", pa.timestamp("us", "UTC")),
        *(pa.field(name, _TYPES.get(name, pa.string())) for name in Process._fields),
        pa.field("_raw", pa.string()),
        pa.field("_reason", pa.string()),
    ]
)
_NO_PROCESS = (None,) * len(Process._fields)


def open_all(files: Sequence[InputFile], table: Table, reading: SnapshotOptions, on_new_column: str) -> Opened:
    """Takes each file's host and time from options or path; a file for which neither gives them fails."""
    opened = open_each(files, lambda file: snapshot_of(file, reading))
    return replace(opened, note=_unknown_columns(opened.sources[0])) if opened.sources else opened


def _unknown_columns(first: Snapshot) -> str:
    """Which columns of the first file have no place in the table; "" if it cannot be read, which its reading tells."""
    try:
        with open_input(with_compression(first.file)) as stream:
            names = unknown_columns(stream.read(_HEAD_BYTES), first.encoding)
    except InputError:
        return ""
    return f"columns that are not stored: {listed(names, _SHOWN)} (in {first.file.uri})" if names else ""


def read(spark: SparkSession, sources: Sequence[Snapshot]) -> DataFrame:
    """A DataFrame of the records of all listings, many files in a task; read again whenever it is evaluated.

    One row a record: `_file` int (its number in `sources`) and the columns of `SCHEMA`. `_position` is the byte offset
    in the decompressed file, null where the file as a whole cannot be read. Only rejects have `_raw`.
    """
    ranges = [Range(number, source, 0, None) for number, source in enumerate(sources)]
    return read_ranges(spark, ranges, range_bytes(spark, sources), _parse, SCHEMA)


def _parse(part: Range) -> Iterator[pa.RecordBatch]:
    source: Snapshot = part.source
    with open_input(with_compression(source.file)) as stream:
        data = _whole(stream)
    if len(data) > _MOST_BYTES:
        raise InputError(
            f"{source.file.uri}: is longer than {shown_size(_MOST_BYTES)}, as no listing of processes is: check it"
        )
    if not data:
        raise InputError(f"{source.file.uri}: the file is empty: expected a listing of processes")
    records = []
    try:
        for position, outcome, raw in parse_listing(data, source.encoding):
            records.append(_record(position, outcome, raw, source))
            if len(records) == _BATCH_ROWS:
                yield _batch(records)
                records = []
    except InputError as error:
        raise InputError(f"{source.file.uri}: {error}") from None
    yield _batch(records)


def _whole(stream: Stream) -> bytes:
    """All bytes of a file, which a decompressor gives in pieces; no more than show that it is too long."""
    pieces, missing = [], _MOST_BYTES + 1
    while piece := stream.read(missing):
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def _record(position: int, outcome: Process | str, raw: str | None, source: Snapshot) -> tuple[Any, ...]:
    if isinstance(outcome, Process):
        process = outcome._replace(os_type=source.os) if source.os else outcome
        return (position, source.host, source.snapshot_at, *process, raw, None)
    return (position, source.host, source.snapshot_at, *_NO_PROCESS, raw, outcome)


def _batch(records: Sequence[tuple[Any, ...]]) -> pa.RecordBatch:
    columns = list(zip(*records, strict=True)) or [()] * len(SCHEMA)
    arrays = [pa.array(values, field.type) for values, field in zip(columns, SCHEMA, strict=True)]
    return pa.record_batch(arrays, schema=SCHEMA)
