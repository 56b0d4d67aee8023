"""The rows that changed in a Delta table, as a staging table takes them."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from sluice.export.target import GONE, VERSION
from sluice.lake import change_feed, log, row_changes
from sluice.model.table import AnyTable
from sluice.runtime.job import Job

_SLICE_BYTES = 16 * 1024 * 1024  # of compressed files, whose rows the driver's memory can hold at once


def changed_rows(job: Job, source: AnyTable, since: int, until: int) -> Iterator[pa.RecordBatch]:
    """The table's change feed after a version up to a later one: its columns, `sluice_gone` and `sluice_version`.

    Spark reads it only where delta-rs cannot.
    """
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
    rows = feed.drop("_change_type", "_commit_version", "_commit_timestamp")
    slices = 1 + log.size_of_changes(job.settings.lake, source.name, since)[1] // _SLICE_BYTES
    for number in range(slices):
        yield from rows.where(F.pmod(F.xxhash64(*source.key), F.lit(slices)) == number).toArrow().to_batches()
