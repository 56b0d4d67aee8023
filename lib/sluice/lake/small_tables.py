"""The small tables that Sluice keeps for itself, read and written through delta-rs, without a JVM.

Every write is one commit under the table's own lock, marked with the run's id; the files it adds are compacted now and
then.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, write_deltalake
from pyarrow.fs import LocalFileSystem, SubTreeFileSystem

from sluice.lake import compaction
from sluice.lake.lock import Writer, held_by_python
from sluice.lake.log import opened, user_metadata


def read(lake: str, table: str, where: Any = None, columns: list[str] | None = None) -> pa.Table | None:
    """The rows of a table that the expression `where`, over these columns, holds; None if there is no such table.

    Filtered in memory: where delta-rs wrote a file, pyarrow takes its texts' bounds for another type (string_view)
    and cannot compare them.
    """
    delta = opened(lake, table)
    if delta is None:
        return None
    # Arrow's own file system: delta-rs's is in Python, whose threads, still reading ahead, abort a process that ends
    files = SubTreeFileSystem(os.path.join(lake, table), LocalFileSystem())
    rows = delta.to_pyarrow_dataset(filesystem=files).to_table(columns=columns)
    return rows if where is None else rows.filter(where)


def append(lake: str, table: str, rows: pa.Table, writer: Writer) -> None:
    """Adds rows whose keys cannot be there yet, in one commit: it costs the same however large the table is."""
    with _committing(lake, table, writer) as (delta, properties):
        write_deltalake(delta or os.path.join(lake, table), rows, mode="append", commit_properties=properties)


def upsert(lake: str, table: str, rows: pa.Table, key: tuple[str, ...], writer: Writer) -> None:
    """Adds rows, in place of those with the same key, in one commit; new columns are added to the table."""
    with _committing(lake, table, writer) as (delta, properties):
        if delta is None:
            write_deltalake(os.path.join(lake, table), rows, commit_properties=properties)
            return
        same = " and ".join(f'old."{column}" = new."{column}"' for column in key)
        merge = delta.merge(rows, same, "new", "old", merge_schema=True, commit_properties=properties)
        merge.when_matched_update_all().when_not_matched_insert_all().execute()


def update(lake: str, table: str, predicate: str, values: dict[str, Any], writer: Writer) -> None:
    """Sets columns of the rows for which `predicate`, made of checked names, holds."""
    with _committing(lake, table, writer) as (delta, properties):
        if delta is not None:
            delta.update(predicate=predicate, new_values=values, commit_properties=properties)


def delete(lake: str, table: str, predicate: str, writer: Writer) -> None:
    """Deletes the rows for which `predicate`, made of checked names and numbers, holds."""
    with _committing(lake, table, writer) as (delta, properties):
        if delta is not None:
            delta.delete(predicate, commit_properties=properties)


def compact_if_many(lake: str, table: str, writer: Writer) -> None:
    """Makes a table's small files one, if they are many. The caller holds the table's lock."""
    delta = opened(lake, table)
    if delta is not None:
        compaction.compact_if_many(delta, _marked(writer))


@contextmanager
def _committing(lake: str, table: str, writer: Writer) -> Iterator[tuple[DeltaTable | None, CommitProperties]]:
    """The table, if it is there, under its lock, and what marks the run's commit; then compacted if need be."""
    with held_by_python(lake, table, writer):
        delta = opened(lake, table)
        yield delta, _marked(writer)
        if delta is not None:
            compaction.compact_if_many(delta, _marked(writer))


def _marked(writer: Writer) -> CommitProperties:
    return CommitProperties(custom_metadata={"userMetadata": user_metadata(writer.run_id)})


TIME = pa.timestamp("us", "UTC")


def arrow_table(schema: pa.Schema, rows: list[tuple]) -> pa.Table:
    return pa.table([list(column) for column in zip(*rows, strict=True)], schema=schema)
