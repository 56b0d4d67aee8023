"""The small tables that Sluice keeps for itself, read and written through delta-rs, without a JVM.

Every write is one commit under the table's own lock, marked with the run's id; the files it adds are compacted now and
then.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError
from pyarrow import ArrowInvalid

from sluice.errors import Busy
from sluice.files.s3 import objects
from sluice.files.s3.client import is_on_s3
from sluice.lake import compaction
from sluice.lake.lock import held_by_python
from sluice.lake.log import user_metadata
from sluice.lake.opened import delta_rs_errors, opened, storage_options, uri_of
from sluice.lake.storage_failure import require_space
from sluice.lake.writer import Writer

_AT_ONCE = 8  # files read side by side


def read(lake: str, table: str, where: Any = None, columns: list[str] | None = None) -> pa.Table | None:
    """The rows of a table that the expression `where`, over these columns, holds; None if there is no such table.

    Filtered in memory: where delta-rs wrote a file, pyarrow takes its texts' bounds for another type (string_view)
    and cannot compare them. Read file by file: pyarrow's datasets take long to load, since they load pandas.
    """
    delta = opened(lake, table)
    if delta is None:
        return None
    schema = _schema(delta, columns)
    with delta_rs_errors(lake, table), ThreadPoolExecutor(_AT_ONCE) as pool:
        pieces = pool.map(lambda path: _of_file(lake, table, path, schema), _paths(delta))
        rows = pa.concat_tables([pa.table([pa.nulls(0, f.type) for f in schema], schema), *pieces])
    return rows if where is None else rows.filter(where)


def pieces(lake: str, table: str, columns: list[str]) -> Iterator[pa.Table]:
    """Columns of a table's rows, a file at a time: a table of any size at the memory of one."""
    delta = opened(lake, table)
    if delta is not None:
        schema = _schema(delta, columns)
        with delta_rs_errors(lake, table):
            yield from (_of_file(lake, table, path, schema) for path in _paths(delta))


def _schema(delta: DeltaTable, columns: list[str] | None) -> pa.Schema:
    schema = pa.schema(delta.schema())
    return schema if columns is None else pa.schema([schema.field(name) for name in columns])


def _paths(delta: DeltaTable) -> list[str]:
    return [unquote(path) for path in delta.get_add_actions().column("path").to_pylist()]


def _of_file(lake: str, table: str, path: str, schema: pa.Schema) -> pa.Table:
    """The rows of a file of a table without partitions; columns that it lacks are null."""
    file = f"{uri_of(lake, table)}/{path}"
    try:
        with pq.ParquetFile(_in_memory(file) if is_on_s3(lake) else file) as opened_file:
            stored = opened_file.read([name for name in schema.names if name in opened_file.schema_arrow.names])
    except ArrowInvalid as error:
        raise ArrowInvalid(f"{file}: {error}") from None
    columns = [stored.column(f.name) if f.name in stored.column_names else pa.nulls(len(stored)) for f in schema]
    return pa.table(columns, names=schema.names).cast(schema)


def _in_memory(uri: str) -> pa.BufferReader:
    """An object on S3, read in one request."""
    found = objects.read(uri)
    if found is None:
        raise FileNotFoundError(uri)
    return pa.BufferReader(found.data)


def append(lake: str, table: str, rows: pa.Table, writer: Writer) -> None:
    """Adds rows whose keys cannot be there yet, in one commit: it costs the same however large the table is."""
    with _committing(lake, table, writer) as (delta, properties):
        _write(lake, table, delta, rows, properties)


def upsert(lake: str, table: str, rows: pa.Table, key: tuple[str, ...], writer: Writer) -> None:
    """Adds rows, in place of those with the same key, in one commit; new columns are added to the table."""
    with _committing(lake, table, writer) as (delta, properties):
        if delta is None:
            _write(lake, table, delta, rows, properties)
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
        with delta_rs_errors(lake, table):
            compaction.compact_if_many(delta, _marked(writer))


@contextmanager
def _committing(lake: str, table: str, writer: Writer) -> Iterator[tuple[DeltaTable | None, CommitProperties]]:
    """The table, if it is there, under its lock, and what marks the run's commit; then compacted if need be."""
    with held_by_python(lake, table, writer):
        require_space(lake)
        delta = opened(lake, table)
        with delta_rs_errors(lake, table):
            try:
                yield delta, _marked(writer)
            except CommitFailedError:
                raise Busy(f"another run wrote to the table {table} meanwhile: run again, it resumes safely") from None
            if delta is not None:
                compaction.compact_if_many(delta, _marked(writer))


def _write(lake: str, table: str, delta: DeltaTable | None, rows: pa.Table, properties: CommitProperties) -> None:
    options = storage_options(lake) if delta is None else None
    write_deltalake(
        delta or uri_of(lake, table), rows, mode="append", storage_options=options, commit_properties=properties
    )


def _marked(writer: Writer) -> CommitProperties:
    return CommitProperties(custom_metadata={"userMetadata": user_metadata(writer.run_id)})


TIME = pa.timestamp("us", "UTC")


def arrow_table(schema: pa.Schema, rows: list[tuple]) -> pa.Table:
    return pa.table([list(column) for column in zip(*rows, strict=True)], schema=schema)
