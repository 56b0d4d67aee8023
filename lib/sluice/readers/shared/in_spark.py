"""Byte ranges of files read by Spark's workers into a DataFrame; a parser of any format reads the single range."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import RecordBatch

from sluice.errors import InputError
from sluice.readers.shared.opening import Source

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

MIN_RANGE_BYTES = 4 * 1024 * 1024  # worth a task
MAX_RANGE_BYTES = 32 * 1024 * 1024
_RANGES_PER_SLOT = 4  # so that no slot waits long for the last ones


@dataclass(frozen=True)
class Range:
    """Bytes of one file for one worker to read; `end` None: to the file's end."""

    number: int  # of the file, in the order of their paths
    source: Any
    begin: int
    end: int | None


def range_bytes(spark: SparkSession, sources: Sequence[Source]) -> int:
    """How many bytes a task reads: enough to be worth a task, few enough that every slot has some."""
    total = sum(source.file.size for source in sources)
    slots = spark.sparkContext.defaultParallelism
    return min(MAX_RANGE_BYTES, max(MIN_RANGE_BYTES, total // (slots * _RANGES_PER_SLOT)))


def on_workers(
    spark: SparkSession, function: Callable[[int], Iterator[RecordBatch]], tasks: int, schema: pa.Schema
) -> DataFrame:
    """A DataFrame of `function(0)` … `function(tasks - 1)`, each in a task of its own."""
    from pyspark.sql.pandas.types import from_arrow_schema

    def run(batches: Iterator[RecordBatch]) -> Iterator[RecordBatch]:
        for batch in batches:
            for number in batch.column(0).to_pylist():
                yield from function(number)

    return spark.range(0, tasks, 1, max(tasks, 1)).mapInArrow(run, from_arrow_schema(schema))


def read_ranges(
    spark: SparkSession,
    ranges: Sequence[Range],
    size: int,
    parse: Callable[[Range], Iterator[RecordBatch]],
    schema: pa.Schema,
) -> DataFrame:
    """A DataFrame of the records of all ranges, in tasks of about `size` bytes; read again whenever it is evaluated.

    One row a record: `_file` int (its file's number), then the columns of `schema`, in which `parse` gives batches. A
    file that cannot be read gives one record with `_file` and `_reason`; all its other columns are null.
    """
    tasks, with_file = _pack(ranges, size), schema.insert(0, pa.field("_file", pa.int32()))
    return on_workers(spark, partial(_parse_ranges, tasks, parse, with_file), len(tasks), with_file)


def _pack(ranges: Sequence[Range], size: int) -> list[list[Range]]:
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
    tasks: list[list[Range]], parse: Callable[[Range], Iterator[RecordBatch]], schema: pa.Schema, number: int
) -> Iterator[RecordBatch]:
    for part in tasks[number]:
        try:
            for batch in parse(part):
                numbers = pa.repeat(pa.scalar(part.number, pa.int32()), batch.num_rows)
                yield pa.record_batch([numbers, *batch.columns], schema=schema)
        except InputError as error:
            yield _failure(part.number, str(error), schema)


def _failure(number: int, reason: str, schema: pa.Schema) -> RecordBatch:
    """The one record of a file that cannot be read."""
    values = {"_file": number, "_reason": reason}
    return pa.record_batch([pa.array([values.get(field.name)], field.type) for field in schema], schema=schema)
