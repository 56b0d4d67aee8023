"""What changed in a table between two of its versions, row by row, without a JVM."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from sluice.lake.opened import entry
from sluice.lake.rows import answer, at_version, listed, query_errors, quoted, read, schema_of, with_marks

VERSION, IS_NEW = "_commit_version", "_is_new"
_FEED = "delta.enableChangeDataFeed"


def changes(lake: str, table: str, since: int, until: int) -> pa.Table:
    """What leads from the rows of a version to those of a later one, or from none at all (`since` -1).

    out: the table's columns at `until`, `_commit_version`, and `_is_new`: whether a row is in the table after that
    version, or was before it. A row that several versions changed comes several times.

    By the change feed, whose files hold just that. Where the table keeps none, or delta-rs does not read it rightly,
    the rows of both versions are compared.
    """
    delta = at_version(lake, table, until)
    if since < 0:
        return _tagged(read(lake, table, until), until, is_new=True)
    if not _is_fed(lake, table, delta, since):
        with query_errors(lake, table, since):
            before = at_version(lake, table, since)
            return _compared(with_marks(lake, table, before), with_marks(lake, table, delta))
    schema = _tagged(schema_of(delta).empty_table(), since, is_new=True).schema
    return pa.Table.from_batches(feed(lake, table, since, until), schema)


def is_fed(lake: str, table: str, since: int, until: int) -> bool:
    """Whether `feed` has all changes from a version to a later one."""
    return _is_fed(lake, table, at_version(lake, table, until), since)


def feed(lake: str, table: str, since: int, until: int) -> Iterator[pa.RecordBatch]:
    """As `changes`, in batches as they are read, of a table whose changes are fed (see `is_fed`)."""
    delta = at_version(lake, table, until)
    if since == until:
        return
    schema = schema_of(delta)
    with query_errors(lake, table, since):
        for batch in pa.RecordBatchReader.from_stream(delta.load_cdf(since + 1, until)):
            is_new = pc.is_in(batch.column("_change_type").cast(pa.string()), pa.array(["insert", "update_postimage"]))
            versions = batch.column("_commit_version").cast(pa.int64())
            rows = batch.select(schema.names).cast(schema)
            yield rows.append_column(VERSION, versions).append_column(IS_NEW, is_new)


def _is_fed(lake: str, table: str, delta: DeltaTable, since: int) -> bool:
    """Whether the change feed has all changes after a version, and delta-rs reads it rightly."""
    has_feed = delta.metadata().configuration.get(_FEED) == "true"
    partition_by = delta.metadata().partition_columns
    versions = range(since + 1, delta.version() + 1)
    return has_feed and all(_is_right(entry(lake, table, version), partition_by) for version in versions)


def _is_right(lines: Collection[str] | None, partition_by: Collection[str]) -> bool:
    """Whether delta-rs reads the feed rightly of the version with this entry of the log."""
    actions = [json.loads(line) for line in lines or ()]
    metadata = [action["metaData"] for action in actions if "metaData" in action]
    if lines is None or any(stated["configuration"].get(_FEED) != "true" for stated in metadata):
        return False
    moved = [action[kind] for action in actions for kind in ("add", "remove") if kind in action]
    files = [action["cdc"] for action in actions if "cdc" in action] or [file for file in moved if file["dataChange"]]
    return all(_is_plain(file, partition_by) for file in files)


def _is_plain(file: dict[str, Any], partition_by: Collection[str]) -> bool:
    """Whether delta-rs (1.6) reads a file of the feed: it takes files with marked rows for empty, or for whole, has no
    type for a partition of null, and escapes a path twice."""
    partition = file.get("partitionValues") or {}  # of a removed file without those that are null
    return not file.get("deletionVector") and all(map(partition.get, partition_by)) and "%" not in file["path"]


def _compared(before: DeltaTable, after: DeltaTable) -> pa.Table:
    """The rows of only one of two versions; columns that the earlier one lacks are null in its rows."""
    schema, known = schema_of(after), schema_of(before).names
    versions = {"before": before, "after": after}
    columns = {"before": _null_if_not(known, schema.names), "after": listed(schema.names)}

    def only(one: str, other: str) -> pa.Table:
        sql = f"SELECT {columns[one]} FROM {one} EXCEPT ALL SELECT {columns[other]} FROM {other}"
        rows = answer(sql, versions, schema)
        return _tagged(rows, versions[one].version(), is_new=one == "after")

    return pa.concat_tables([only("before", "after"), only("after", "before")])


def _null_if_not(known: Collection[str], names: Sequence[str]) -> str:
    return ", ".join(quoted(name) if name in known else f"NULL AS {quoted(name)}" for name in names)


def _tagged(rows: pa.Table, version: int, *, is_new: bool) -> pa.Table:
    versions = pa.repeat(pa.scalar(version, pa.int64()), len(rows))
    return rows.append_column(VERSION, versions).append_column(IS_NEW, pa.repeat(pa.scalar(is_new), len(rows)))
