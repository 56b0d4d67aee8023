"""Small Delta tables without a JVM, through delta-rs: what the ledger keeps, and which version a table is at."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from sluice.errors import InputError

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


def user_metadata(run_id: str, **more: Any) -> str:
    """The `userMetadata` that every commit of a run carries; `built` in it: what an aggregate's commit was built on."""
    return json.dumps({"run_id": run_id, **more})


def marks_of(commit: dict[str, Any]) -> dict[str, Any]:
    """What `metadata` put into a commit; nothing for a commit that is not ours."""
    with suppress(ValueError):
        found = json.loads(commit.get("userMetadata") or "{}")
        return found if isinstance(found, dict) else {}
    return {}


def built_on(lake: str, table: str) -> dict[str, Any] | None:
    """What the newest commit that changed an aggregate says it was built on; None if it does not say."""
    delta = opened(lake, table)
    for commit in delta.history() if delta else ():
        built = marks_of(commit).get("built")
        if built or commit.get("operation") not in _KEEPING:
            return dict(built) if built else None
    return None


def restored(lake: str, table: str, after: int) -> bool:
    """Whether a version later than `after` was a restore, or the log does not reach back so far."""
    delta = opened(lake, table)
    commits = [commit for commit in delta.history() if int(commit["version"]) > after] if delta else []
    known = delta is not None and len(commits) == delta.version() - after
    return not known or any(commit.get("operation") == "RESTORE" for commit in commits)


def size(lake: str, table: str, after: int | None = None, where: Any = None) -> tuple[int, int]:
    """Files and bytes of a table's rows, or of its changes in the versions later than `after`.

    `where` chooses files by their partitions, columns named `partition.c`.
    """
    delta = opened(lake, table)
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
    delta = opened(lake, table)
    return [] if delta is None else pa.table(delta.get_add_actions(flatten=True)).to_pylist()


def history(lake: str, table: str, limit: int) -> list[dict[str, Any]]:
    """The last commits of a table, newest first, as its log holds them."""
    delta = opened(lake, table)
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


def state(lake: str, table: str) -> tuple[str, int] | None:
    """A table's id and current version; None if there is no such table."""
    delta = opened(lake, table)
    return None if delta is None else (str(delta.metadata().id), delta.version())


def version(lake: str, table: str) -> int | None:
    """A table's current version; None if there is no such table."""
    delta = opened(lake, table)
    return None if delta is None else delta.version()


def required_state(lake: str, table: str, make: str = "ingest files into it") -> tuple[str, int]:
    """A table's id and current version. Raises InputError, which says how to `make` it, if there is no such table."""
    described = state(lake, table)
    if described is None:
        raise InputError(f"table {table} is not in lake {lake}: {make} first")
    return described


def has_all_files(lake: str, table: str, version: int) -> bool:
    """Whether the log tells a version of a table, and all its files are there."""
    try:
        delta = DeltaTable(os.path.join(lake, table), version=version)
    except DeltaError:
        return False
    paths = pa.table(delta.get_add_actions(flatten=True)).column("path").to_pylist()
    return all(os.path.exists(os.path.join(lake, table, unquote(path))) for path in paths)


def stored(lake: str, table: str, version: int | None = None) -> Stored:
    """What a table's metadata tell, or told at a version; nothing if there is no such table."""
    delta = opened(lake, table)
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
    delta = opened(lake, table)
    if delta is None:
        return 0
    actions = pa.table(delta.get_add_actions(flatten=True))
    actions = actions if where is None else actions.filter(where)
    return sum(actions.column("num_records").to_pylist())


def opened(lake: str, table: str) -> DeltaTable | None:
    """The table as delta-rs sees it; None if there is no such table."""
    try:
        return DeltaTable(os.path.join(lake, table))
    except TableNotFoundError:
        return None
