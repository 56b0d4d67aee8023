"""Small Delta tables without a JVM, through delta-rs: what the ledger keeps, and which version a table is at."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError
from pyarrow.fs import LocalFileSystem, SubTreeFileSystem

from sluice.errors import InputError
from sluice.lake import compaction, lock

PRUNED_BEFORE = "sluice.pruned_before"  # property of a table
DECLARATION = "sluice.declaration"  # property of a table
_KEEPING = ("OPTIMIZE", "VACUUM START", "VACUUM END", "SET TBLPROPERTIES")  # operations that keep every row


@dataclass(frozen=True)
class Stored:
    """A table's columns with their types in Spark's spelling, what it was declared as when its rows were written (None:
    unknown), and the day before which its days were pruned.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    declaration: Mapping[str, Any] | None = None
    pruned_before: date | None = None


def metadata(run_id: str, **more: Any) -> str:
    """The `userMetadata` that every commit of a run carries; `built` in it: what an aggregate's commit was built on."""
    return json.dumps({"run_id": run_id, **more})


def marks(commit: dict[str, Any]) -> dict[str, Any]:
    """What `metadata` put into a commit; nothing for a commit that is not ours."""
    with suppress(ValueError):
        found = json.loads(commit.get("userMetadata") or "{}")
        return found if isinstance(found, dict) else {}
    return {}


def last_built(lake: str, table: str) -> dict[str, Any] | None:
    """What the newest commit that changed an aggregate says it was built on; None if it does not say."""
    delta = _open(lake, table)
    for commit in delta.history() if delta else ():
        built = marks(commit).get("built")
        if built or commit.get("operation") not in _KEEPING:
            return dict(built) if built else None
    return None


def restored(lake: str, table: str, after: int) -> bool:
    """Whether a version later than `after` was a restore, or the log does not reach back so far."""
    delta = _open(lake, table)
    commits = [commit for commit in delta.history() if int(commit["version"]) > after] if delta else []
    known = delta is not None and len(commits) == delta.version() - after
    return not known or any(commit.get("operation") == "RESTORE" for commit in commits)


def size(lake: str, table: str, after: int | None = None, where: Any = None) -> tuple[int, int]:
    """Files and bytes of a table's rows, or of its changes in the versions later than `after`.

    `where` chooses files by their partitions, columns named `partition.c`.
    """
    delta = _open(lake, table)
    if delta is None:
        return 0, 0
    if after is None:
        actions = pa.table(delta.get_add_actions(flatten=True))
        actions = actions if where is None else actions.filter(where)
        return actions.num_rows, sum(actions.column("size_bytes").to_pylist())
    sizes = [size for version in range(after + 1, delta.version() + 1) for size in _change_sizes(lake, table, version)]
    return len(sizes), sum(sizes)


def entries(lake: str, table: str) -> list[dict[str, Any]]:
    """A table's files, each with `size_bytes`, `partition.*` and, by column, the bounds `min.*` and `max.*`."""
    delta = _open(lake, table)
    return [] if delta is None else pa.table(delta.get_add_actions(flatten=True)).to_pylist()


def history(lake: str, table: str, limit: int) -> list[dict[str, Any]]:
    """The last commits of a table, newest first, as its log holds them."""
    delta = _open(lake, table)
    return [] if delta is None else delta.history(limit)


def optimized(lake: str, table: str, cluster_by: str | None) -> bool:
    """Whether no row changed since the table was optimized, and clustered if it is to be."""
    for commit in history(lake, table, 20):
        if commit["operation"] == "OPTIMIZE":
            clustered = json.loads(commit["operationParameters"].get("zOrderBy") or "[]")
            return cluster_by is None or clustered == [cluster_by]
        if commit["operation"] not in _KEEPING:
            return False
    return False


def _change_sizes(lake: str, table: str, version: int) -> list[int]:
    """The sizes of the files that hold a version's changes: those of its feed, else those added and removed."""
    with open(os.path.join(lake, table, "_delta_log", f"{version:020}.json")) as log:
        actions = [json.loads(line) for line in log]
    feed = [action["cdc"]["size"] for action in actions if "cdc" in action]
    moved = [action[kind] for action in actions for kind in ("add", "remove") if kind in action]
    return feed or [item.get("size") or 0 for item in moved if item["dataChange"]]


def describe(lake: str, table: str) -> tuple[str, int] | None:
    """A table's id and current version; None if there is no such table."""
    delta = _open(lake, table)
    return None if delta is None else (str(delta.metadata().id), delta.version())


def version(lake: str, table: str) -> int | None:
    """A table's current version; None if there is no such table."""
    delta = _open(lake, table)
    return None if delta is None else delta.version()


def existing(lake: str, table: str, make: str = "ingest files into it") -> tuple[str, int]:
    """A table's id and current version. Raises InputError, which says how to `make` it, if there is no such table."""
    described = describe(lake, table)
    if described is None:
        raise InputError(f"table {table} is not in lake {lake}: {make} first")
    return described


def whole(lake: str, table: str, version: int) -> bool:
    """Whether the log tells a version of a table, and all its files are there."""
    try:
        delta = DeltaTable(os.path.join(lake, table), version=version)
    except DeltaError:
        return False
    paths = pa.table(delta.get_add_actions(flatten=True)).column("path").to_pylist()
    return all(os.path.exists(os.path.join(lake, table, unquote(path))) for path in paths)


def stored(lake: str, table: str, version: int | None = None) -> Stored:
    """What a table's metadata tell, or told at a version; nothing if there is no such table."""
    delta = _open(lake, table)
    if delta is None:
        return Stored()
    if version is not None:
        delta.load_as_version(version)
    names = {"long": "bigint", "integer": "int", "short": "smallint", "byte": "tinyint"}
    kinds = {each["name"]: str(each["type"]) for each in json.loads(delta.schema().to_json())["fields"]}
    properties = delta.metadata().configuration
    declared, pruned = properties.get(DECLARATION), properties.get(PRUNED_BEFORE)
    return Stored(
        {name: names.get(kind, kind) for name, kind in kinds.items()},
        json.loads(declared) if declared else None,
        date.fromisoformat(pruned) if pruned else None,
    )


def row_count(lake: str, table: str, where: Any = None) -> int:
    """The table's rows, as its log says; `where` chooses files by their partitions, columns named `partition.c`."""
    delta = _open(lake, table)
    if delta is None:
        return 0
    actions = pa.table(delta.get_add_actions(flatten=True))
    actions = actions if where is None else actions.filter(where)
    return sum(actions.column("num_records").to_pylist())


def read(lake: str, table: str, where: Any = None, columns: list[str] | None = None) -> pa.Table | None:
    """The rows of a table that the expression `where`, over these columns, holds; None if there is no such table.

    Filtered in memory: where delta-rs wrote a file, pyarrow takes its texts' bounds for another type (string_view)
    and cannot compare them.
    """
    delta = _open(lake, table)
    if delta is None:
        return None
    # Arrow's own file system: delta-rs's is in Python, whose threads, still reading ahead, abort a process that ends
    files = SubTreeFileSystem(os.path.join(lake, table), LocalFileSystem())
    rows = delta.to_pyarrow_dataset(filesystem=files).to_table(columns=columns)
    return rows if where is None else rows.filter(where)


def append(lake: str, table: str, rows: pa.Table, run_id: str) -> None:
    """Adds rows whose keys cannot be there yet, in one commit: it costs the same however large the table is."""
    with _committing(lake, table, run_id) as (delta, properties):
        write_deltalake(delta or os.path.join(lake, table), rows, mode="append", commit_properties=properties)


def upsert(lake: str, table: str, rows: pa.Table, key: tuple[str, ...], run_id: str) -> None:
    """Adds rows, in place of those with the same key, in one commit."""
    with _committing(lake, table, run_id) as (delta, properties):
        if delta is None:
            write_deltalake(os.path.join(lake, table), rows, commit_properties=properties)
            return
        same = " and ".join(f'old."{column}" = new."{column}"' for column in key)
        merge = delta.merge(rows, same, source_alias="new", target_alias="old", commit_properties=properties)
        merge.when_matched_update_all().when_not_matched_insert_all().execute()


def update(lake: str, table: str, predicate: str, values: dict[str, Any], run_id: str) -> None:
    """Sets columns of the rows for which `predicate`, made of checked names, holds."""
    with _committing(lake, table, run_id) as (delta, properties):
        if delta is not None:
            delta.update(predicate=predicate, new_values=values, commit_properties=properties)


def delete(lake: str, table: str, predicate: str, run_id: str) -> None:
    """Deletes the rows for which `predicate`, made of checked names and numbers, holds."""
    with _committing(lake, table, run_id) as (delta, properties):
        if delta is not None:
            delta.delete(predicate, commit_properties=properties)


def compact_if_many(lake: str, table: str, run_id: str) -> None:
    """Makes a table's small files one, if they are many. The caller holds the table's lock."""
    delta = _open(lake, table)
    if delta is not None:
        compaction.compact_if_many(delta, _marked(run_id))


@contextmanager
def _committing(lake: str, table: str, run_id: str) -> Iterator[tuple[DeltaTable | None, CommitProperties]]:
    """The table, if it is there, under its lock, and what marks the run's commit; then compacted if need be."""
    with lock.held_by_python(lake, table):
        delta = _open(lake, table)
        yield delta, _marked(run_id)
        if delta is not None:
            compaction.compact_if_many(delta, _marked(run_id))


def _marked(run_id: str) -> CommitProperties:
    return CommitProperties(custom_metadata={"userMetadata": metadata(run_id)})


def _open(lake: str, table: str) -> DeltaTable | None:
    try:
        return DeltaTable(os.path.join(lake, table))
    except TableNotFoundError:
        return None
