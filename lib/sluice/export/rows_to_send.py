"""The rows of a Delta table, or those that changed in it, as a staging table takes them.

delta-rs reads them; Spark only where delta-rs cannot.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from sluice.export.target import GONE, VERSION
from sluice.lake import change_feed, log, row_changes, rows
from sluice.model.table import AnyTable
from sluice.runtime.job import Job

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_SLICE_BYTES = 16 * 1024 * 1024  # of compressed files, whose rows the driver's memory can hold at once


def all_rows(job: Job, source: AnyTable, version: int) -> Iterator[pa.RecordBatch]:
    """All rows of a version of the table: its columns."""
    lake = job.settings.lake
    delta = rows.at_version(lake, source.name, version)
    if rows.finds_marks(lake, delta):
        return rows.batches(lake, source.name, delta)
    job.expect([source.name])
    return _in_slices(job.lake.read(source.name, version), source.key, log.size(lake, source.name)[1])


def changed_rows(job: Job, source: AnyTable, since: int, until: int) -> Iterator[pa.RecordBatch]:
    """The table's change feed after a version up to a later one: its columns, `sluice_gone` and `sluice_version`."""
    if row_changes.is_fed(job.settings.lake, source.name, since, until):
        return _by_delta_rs(job.settings.lake, source.name, since, until)
    return _by_spark(job, source, since, until)


def _by_delta_rs(lake: str, table: str, since: int, until: int) -> Iterator[pa.RecordBatch]:
    for batch in row_changes.feed(lake, table, since, until):
        is_new, version = batch.column(row_changes.IS_NEW), batch.column(row_changes.VERSION)
        rows = batch.drop_columns([row_changes.IS_NEW, row_changes.VERSION])
        yield rows.append_column(GONE, pc.invert(is_new)).append_column(VERSION, version)


def _by_spark(job: Job, source: AnyTable, since: int, until: int) -> Iterator[pa.RecordBatch]:
    from pyspark.sql import functions as F

    job.expect([source.name])
    feed = job.lake.changes(source.name, since, until).withColumns(
        {GONE: ~change_feed.is_new_state(), VERSION: F.col("_commit_version")}
    )
    changed = feed.drop("_change_type", "_commit_version", "_commit_timestamp")
    return _in_slices(changed, source.key, log.size_of_changes(job.settings.lake, source.name, since)[1])


def _in_slices(rows: DataFrame, key: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
    """Rows of files of so many bytes, as many at a time as the driver's memory can hold."""
    from pyspark.sql import functions as F

    slices = 1 + size // _SLICE_BYTES
    for number in range(slices):
        yield from rows.where(F.pmod(F.xxhash64(*key), F.lit(slices)) == number).toArrow().to_batches()
