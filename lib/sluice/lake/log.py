"""What a Delta table's log says, read with delta-rs, without a JVM: version, columns, files, and who committed what.

Works for every table of a lake, users' and Sluice's own. Here nothing is written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, NamedTuple
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from sluice.errors import InputError
from sluice.lake import lake_files
from sluice.lake.opened import entry, opened

PRUNED_BEFORE = "sluice.pruned_before"  # property of a table
DECLARATION = "sluice.declaration"  # property of a table
DELETION_VECTORS = "delta.enableDeletionVectors"  # property of a table
_KEEP_ALL_ROWS = ("OPTIMIZE", "VACUUM START", "VACUUM END", "SET TBLPROPERTIES")  # operations
_SPARK_TYPES = {"long": "bigint", "integer": "int", "short": "smallint", "byte": "tinyint"}


class State(NamedTuple):
    """What a table holds: its id, its version, and the mark of that version's commit (see `commit_mark`).

    A version's number is not enough: where a folder was put back from a backup, other commits get the same numbers.
    """

    table_id: str
    version: int
    mark: str | None = None


@dataclass(frozen=True)
class Stored:
    """What a table's metadata say.

    `columns`: name → type in Spark's spelling. `declaration`: what the table was declared as when its rows were written
    (None: unknown). `pruned_before`: the day before which its days were pruned. `deletion_vectors`: whether merges may
    mark rows as deleted.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    declaration: Mapping[str, Any] | None = None
    pruned_before: date | None = None
    deletion_vectors: bool = False


def version(lake: str, table: str) -> int | None:
    """A table's current version; None if it does not exist."""
    delta = opened(lake, table)
    return None if delta is None else delta.version()


def state(lake: str, table: str) -> State | None:
    """What a table holds now; None if it does not exist."""
    delta = opened(lake, table)
    if delta is None:
        return None
    return State(str(delta.metadata().id), delta.version(), commit_mark(lake, table, delta.version()))


def commit_mark(lake: str, table: str, version: int) -> str | None:
    """What no other commit has: the id that Spark gives each commit, or else its time. None if the log lacks it."""
    info = _commit_info(lake, table, version)
    mark = info.get("txnId") or info.get("timestamp")
    return None if mark is None else str(mark)


def commit_time(lake: str, table: str, version: int) -> datetime | None:
    """When a version was committed (UTC); None if the log lacks it."""
    return _time_of(_commit_info(lake, table, version))


def time_of(commit: dict[str, Any]) -> datetime:
    """When a commit, as the log or `history` has it, was made (UTC)."""
    return datetime.fromtimestamp(commit["timestamp"] / 1000, UTC)


def _time_of(commit: dict[str, Any]) -> datetime | None:
    return None if commit.get("timestamp") is None else time_of(commit)


def _commit_info(lake: str, table: str, version: int) -> dict[str, Any]:
    line = next((line for line in entry(lake, table, version) or () if line.startswith('{"commitInfo"')), "{}")
    try:
        return dict(json.loads(line).get("commitInfo", {}))
    except ValueError:
        return {}


def rows_written(lake: str, table: str, version: int, run_id: str) -> int:
    """How many rows a run wrote in the commit of a version; none if that is another's."""
    commit = _commit_info(lake, table, version)
    return int(commit["operationMetrics"]["numOutputRows"]) if marks_of(commit).get("run_id") == run_id else 0


def is_same_commit(lake: str, table: str, version: int, mark: str | None) -> bool:
    """Whether a version is still the commit that had the mark; True where there is nothing to compare."""
    return mark is None or commit_mark(lake, table, version) in (None, mark)


def required_state(lake: str, table: str, make: str = "ingest files into it") -> State:
    """What a table holds now. Raises InputError, which says how to `make` it, if it does not exist."""
    current = state(lake, table)
    if current is None:
        raise InputError(f"table {table} is not in lake {lake}: {make} first")
    return current


def stored(lake: str, table: str, version: int | None = None) -> Stored:
    """What a table's metadata say, now or at a version; nothing if it does not exist."""
    delta = opened(lake, table, version)
    if delta is None:
        return Stored()
    columns = {column["name"]: str(column["type"]) for column in json.loads(delta.schema().to_json())["fields"]}
    properties = delta.metadata().configuration
    declaration, pruned = properties.get(DECLARATION), properties.get(PRUNED_BEFORE)
    return Stored(
        {name: _SPARK_TYPES.get(kind, kind) for name, kind in columns.items()},
        json.loads(declaration) if declaration else None,
        date.fromisoformat(pruned) if pruned else None,
        properties.get(DELETION_VECTORS) == "true",
    )


def entries(lake: str, table: str) -> list[dict[str, Any]]:
    """A table's files, each with `size_bytes`, `num_records`, `partition.*` and, by column, the bounds `min.*` and
    `max.*`.

    Bounds of times are numbers: rounded up, as Delta keeps them, they may exceed what Python's datetime holds.
    """
    files = _files(lake, table)
    types = [pa.int64() if pa.types.is_timestamp(field.type) else field.type for field in files.schema]
    return files.cast(pa.schema(zip(files.schema.names, types, strict=True))).to_pylist()


def row_count(lake: str, table: str, where: Any = None) -> int:
    """The table's rows, as its log counts them; `where` chooses files by partitions: `partition.c` of a column c."""
    files = _files(lake, table, where)
    return sum(files.column("num_records").to_pylist()) if files.num_rows else 0


def marked_rows(lake: str, table: str) -> int:
    """How many rows of the table's files are marked as deleted; 0 where delta-rs does not find the marks.

    It escapes a folder's blanks and letters beyond ASCII twice (deltalake 1.6).
    """
    delta = opened(lake, table)
    return 0 if delta is None else marked_rows_of(delta)


def marked_rows_of(delta: DeltaTable) -> int:
    """As `marked_rows`, of an opened table."""
    if "deletionVectors" not in (delta.protocol().reader_features or ()):
        return 0
    try:
        kept = pa.table(delta.deletion_vectors()).column("selection_vector").combine_chunks().flatten()
    except (OSError, DeltaError):
        return 0
    return len(kept) - kept.true_count


def size(lake: str, table: str, where: Any = None) -> tuple[int, int]:
    """Number and bytes of the table's files; `where` chooses files by partitions: `partition.c` of a column c."""
    files = _files(lake, table, where)
    return files.num_rows, sum(files.column("size_bytes").to_pylist()) if files.num_rows else 0


def _files(lake: str, table: str, where: Any = None) -> pa.Table:
    delta = opened(lake, table)
    if delta is None:
        return pa.table({})
    files = pa.table(delta.get_add_actions(flatten=True))
    return files if where is None else files.filter(where)


def size_of_added(lake: str, table: str, after: int) -> tuple[int, int]:
    """Number and bytes of the files of rows that the versions later than `after` added."""
    versions = range(after + 1, (version(lake, table) or 0) + 1)
    lines = (line for number in versions for line in entry(lake, table, number) or () if line.startswith('{"add"'))
    sizes = [json.loads(line)["add"]["size"] for line in lines]
    return len(sizes), sum(sizes)


def size_of_changes(lake: str, table: str, after: int) -> tuple[int, int]:
    """Number and bytes of the files that hold the changes of the versions later than `after`."""
    current = version(lake, table) or 0
    sizes = [size for number in range(after + 1, current + 1) for size in _change_sizes(lake, table, number)]
    return len(sizes), sum(sizes)


def _change_sizes(lake: str, table: str, version: int) -> list[int]:
    """The sizes of the files that hold a version's changes: those of its feed, else those added and removed."""
    actions = [json.loads(line) for line in entry(lake, table, version) or ()]
    feed = [action["cdc"]["size"] for action in actions if "cdc" in action]
    moved = [action[kind] for action in actions for kind in ("add", "remove") if kind in action]
    return feed or [item.get("size") or 0 for item in moved if item["dataChange"]]


def has_all_files(lake: str, table: str, version: int) -> bool:
    """Whether the log still reaches back to a version of a table, and all its files exist."""
    try:
        delta = opened(lake, table, version)
    except DeltaError:
        return False
    if delta is None:
        return False
    paths = pa.table(delta.get_add_actions(flatten=True)).column("path").to_pylist()
    return len(lake_files.sizes(lake, table, map(unquote, paths))) == len(paths)


def history(lake: str, table: str, limit: int | None = None) -> list[dict[str, Any]]:
    """The commits of a table, newest first, as its log holds them; only the last `limit`."""
    delta = opened(lake, table)
    return [] if delta is None else delta.history(limit)


def user_metadata(run_id: str, **more: Any) -> str:
    """The `userMetadata` that every commit of a run carries; an aggregate's says in `built` what it is built on."""
    return json.dumps({"run_id": run_id, **more})


def marks_of(commit: dict[str, Any]) -> dict[str, Any]:
    """What `user_metadata` put into a commit; nothing for a commit that Sluice did not make."""
    with suppress(ValueError):
        marks = json.loads(commit.get("userMetadata") or "{}")
        return marks if isinstance(marks, dict) else {}
    return {}


def built_on(lake: str, aggregate: str, version_now: int | None = None) -> dict[str, Any] | None:
    """What the newest commit that changed an aggregate says it was built on; None if it does not say.

    `version_now`: its current version, if that is known.
    """
    commit = _newest_change(lake, aggregate, version_now)
    built = marks_of(commit).get("built")
    return dict(built) if built else None


def changed_at(lake: str, table: str, version_now: int | None = None) -> datetime | None:
    """When a table's rows last changed (UTC); None if its log does not say."""
    return _time_of(_newest_change(lake, table, version_now))


def _newest_change(lake: str, table: str, version_now: int | None) -> dict[str, Any]:
    """The newest commit that changed rows, or says what they are built on; an empty one if the log has none."""
    number = version(lake, table) if version_now is None else version_now
    while number is not None and number >= 0 and (commit := _commit_info(lake, table, number)):
        if marks_of(commit).get("built") or commit.get("operation") not in _KEEP_ALL_ROWS:
            return commit
        number -= 1
    return {}


def restored(lake: str, table: str, after: int) -> bool:
    """Whether a version later than `after` was a restore, or the log does not reach back so far."""
    commits = [commit for commit in history(lake, table) if int(commit["version"]) > after]
    current = version(lake, table)
    is_complete = current is not None and len(commits) == current - after
    return not is_complete or any(commit.get("operation") == "RESTORE" for commit in commits)


def optimized(lake: str, table: str, cluster_by: str | None) -> bool:
    """Whether no row changed since the table was optimized, and clustered if it should be."""
    for commit in history(lake, table, 20):
        if commit["operation"] == "OPTIMIZE":
            clustered = json.loads(commit["operationParameters"].get("zOrderBy") or "[]")
            return cluster_by is None or clustered == [cluster_by]
        if commit["operation"] not in _KEEP_ALL_ROWS:
            return False
    return False
