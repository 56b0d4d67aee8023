"""Files read by Spark's workers in byte ranges: what all readers share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

import pyarrow as pa

from sluice.errors import InputError
from sluice.files import find as files
from sluice.files.input_file import InputFile
from sluice.model.table import Table
from sluice.readers.shared import new_columns
from sluice.readers.shared.encoding import PIECE_BYTES

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_MAX_RANGE = 32 * 1024 * 1024
_MIN_RANGE = 4 * 1024 * 1024
_RANGES_PER_SLOT = 4


class Source(Protocol):
    """A file whose beginning fits its table; its records begin at byte `begin` of the decompressed file.

    `new` are the columns that the table lacks.
    """

    @property
    def file(self) -> InputFile: ...
    @property
    def begin(self) -> int: ...
    @property
    def new(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Opened:
    """The files that can be read, why others cannot, and the columns that the table is to gain from them."""

    sources: tuple[Any, ...] = ()
    failures: tuple[InputError, ...] = ()
    gained: tuple[str, ...] = ()


@dataclass(frozen=True)
class Range:
    """Bytes of one file for one worker to read; `end` None: to the file's end."""

    number: int  # of the file, in the order of their paths
    source: Any
    begin: int
    end: int | None


def open_each(
    found: Sequence[InputFile], open_one: Callable[[InputFile], Any]
) -> tuple[tuple[Any, ...], tuple[InputError, ...]]:
    """What `open_one` gives of the files, many at once, in their order; and why it cannot open others."""

    def attempt(file: InputFile) -> Any:
        try:
            return open_one(file)
        except InputError as error:
            return error

    with ThreadPoolExecutor(16) as pool:
        opened = list(pool.map(attempt, found))
    failures = tuple(each for each in opened if isinstance(each, InputError))
    return tuple(each for each in opened if not isinstance(each, InputError)), failures


def with_gained(sources: tuple[Any, ...], failures: tuple[InputError, ...], table: Table, on_new_column: str) -> Opened:
    """The files whose `layout` gives columns by name: where they bring new ones to `add`, each with those of all."""
    if on_new_column != "add" or not sources:
        return Opened(sources, failures)
    gained = list(dict.fromkeys(name for source in sources for name in source.new))
    new_columns.check_names("files that are read together", table, gained)
    columns = (*sources[0].layout.columns, *gained)
    sources = tuple(replace(source, layout=replace(source.layout, columns=columns)) for source in sources)
    return Opened(sources, failures, tuple(gained))


def head(file: InputFile) -> tuple[bytes, int]:
    """The file's beginning, decompressed, and where its text begins: after a byte order mark.

    Nothing of an empty file. Raises InputError for one that cannot be read.
    """
    with files.reading(file, 0, min(file.size, PIECE_BYTES)) as stream:
        found = stream.read(PIECE_BYTES)
    return found, len(_BYTE_ORDER_MARK) if found.startswith(_BYTE_ORDER_MARK) else 0


def range_bytes(spark: Any, sources: Sequence[Source]) -> int:
    """How many bytes a task reads: enough to be worth a task, few enough for all slots to have some."""
    total = sum(source.file.size for source in sources)
    slots = spark.sparkContext.defaultParallelism
    return min(_MAX_RANGE, max(_MIN_RANGE, total // (slots * _RANGES_PER_SLOT)))


def on_workers(spark: Any, function: Callable[[int], Iterator[pa.RecordBatch]], tasks: int, schema: pa.Schema) -> Any:
    """A DataFrame of `function(0)` … `function(tasks - 1)`, each in a task of its own."""
    from pyspark.sql.pandas.types import from_arrow_schema

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch.column(0).to_pylist():
                yield from function(number)

    return spark.range(0, tasks, 1, max(tasks, 1)).mapInArrow(run, from_arrow_schema(schema))


def read_ranges(
    spark: Any, ranges: list[Range], size: int, parse: Callable[[Range], Iterator[pa.RecordBatch]], schema: pa.Schema
) -> Any:
    """A DataFrame of the records of all ranges, in tasks of about `size` bytes, read as often as it is evaluated.

    `parse` gives batches of the `schema`; `_file` int, the file's number, is put before them. A file that cannot be
    read gives a record with its reason, and null for all else.
    """
    tasks, whole = _pack(ranges, size), schema.insert(0, pa.field("_file", pa.int32()))
    return on_workers(spark, partial(_parse_ranges, tasks, parse, whole), len(tasks), whole)


def _pack(ranges: list[Range], size: int) -> list[list[Range]]:
    """Small ranges together in tasks of about `size` bytes, in order."""
    tasks: list[list[Range]] = []
    filled = 0
    for part in ranges:
        length = (part.end or part.source.file.size) - part.begin
        if not tasks or filled + length > size:
            tasks.append([])
            filled = 0
        tasks[-1].append(part)
        filled += length
    return tasks


def _parse_ranges(
    tasks: list[list[Range]], parse: Callable[[Range], Iterator[pa.RecordBatch]], schema: pa.Schema, number: int
) -> Iterator[pa.RecordBatch]:
    for part in tasks[number]:
        try:
            for batch in parse(part):
                numbers = pa.repeat(pa.scalar(part.number, pa.int32()), batch.num_rows)
                yield pa.record_batch([numbers, *batch.columns], schema=schema)
        except InputError as error:
            nothing = [None] * (len(schema) - 2)
            values = zip((part.number, *nothing, str(error)), schema, strict=True)
            yield pa.record_batch([pa.array([value], field.type) for value, field in values], schema=schema)
