"""What a lake says of each of its tables: its key, what it is made of, and how much is in it."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from sluice.catalog.catalog import BUILT_IN
from sluice.lake import log, rows
from sluice.lake.small_tables import TIME

_SCHEMA = pa.schema(
    [
        ("table", pa.string()),
        ("of", pa.string()),
        ("key", pa.string()),
        ("rows", pa.int64()),
        ("bytes", pa.int64()),
        ("files", pa.int64()),
        ("version", pa.int64()),
        ("changed_at", TIME),
        ("run_id", pa.string()),
    ]
)


def row_of(lake: str, table: str) -> dict[str, Any] | None:
    """What is in a table; None if there is none of this name."""
    version = log.version(lake, table)
    if version is None:
        return None
    (commit,) = log.history(lake, table, 1)
    key, (files, size) = key_of(lake, table), log.size(lake, table)
    return {
        "table": table,
        "of": (log.built_on(lake, table) or {}).get("table"),
        "key": None if key is None else ", ".join(key),
        "rows": rows.count(lake, table, version),
        "bytes": size,
        "files": files,
        "version": version,
        "changed_at": log.time_of(commit),
        "run_id": log.marks_of(commit).get("run_id"),
    }


def table_of_rows(found: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(found, _SCHEMA)


def key_of(lake: str, table: str) -> tuple[str, ...] | None:
    """The key of a table or aggregate, as the lake tells it; None where it does not."""
    declared = log.stored(lake, table).declaration
    if declared:
        return tuple(declared["key"])
    if built := log.built_on(lake, table):
        return tuple(built["by"]) if "by" in built else ("rank",)
    return BUILT_IN[table].key if table in BUILT_IN else None
