"""Small Delta tables without a JVM, through delta-rs: what the ledger keeps, and which version a table is at."""

from __future__ import annotations

import json
import os
from typing import Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import TableNotFoundError

from sluice import lock


def metadata(run_id: str) -> str:
    """The `userMetadata` that every commit of a run carries."""
    return json.dumps({"run_id": run_id})


def describe(lake: str, table: str) -> tuple[str, int] | None:
    """A table's id and current version; None if there is no such table."""
    delta = _open(lake, table)
    return None if delta is None else (str(delta.metadata().id), delta.version())


def row_count(lake: str, table: str) -> int:
    """The table's rows, as its log says."""
    delta = _open(lake, table)
    return 0 if delta is None else delta.count()


def read(lake: str, table: str, schema: pa.Schema) -> pa.Table:
    """All rows of a bookkeeping table; none if it is not there yet."""
    delta = _open(lake, table)
    return schema.empty_table() if delta is None else delta.to_pyarrow_table().select(schema.names).cast(schema)


def upsert(lake: str, table: str, rows: pa.Table, key: tuple[str, ...], run_id: str) -> None:
    """Adds rows, in place of those with the same key, in one commit."""
    properties = CommitProperties(custom_metadata={"userMetadata": metadata(run_id)})
    with lock.held_by_python(lake, table):
        delta = _open(lake, table)
        if delta is None:
            write_deltalake(os.path.join(lake, table), rows, commit_properties=properties)
            return
        same = " and ".join(f'old."{column}" = new."{column}"' for column in key)
        merge = delta.merge(rows, same, source_alias="new", target_alias="old", commit_properties=properties)
        merge.when_matched_update_all().when_not_matched_insert_all().execute()


def update(lake: str, table: str, predicate: str, values: dict[str, Any], run_id: str) -> None:
    """Sets columns of the rows for which `predicate`, made of checked names, holds."""
    properties = CommitProperties(custom_metadata={"userMetadata": metadata(run_id)})
    with lock.held_by_python(lake, table):
        if (delta := _open(lake, table)) is not None:
            delta.update(predicate=predicate, new_values=values, commit_properties=properties)


def delete(lake: str, table: str, predicate: str, run_id: str) -> None:
    """Deletes the rows for which `predicate`, made of checked names and numbers, holds."""
    properties = CommitProperties(custom_metadata={"userMetadata": metadata(run_id)})
    with lock.held_by_python(lake, table):
        if (delta := _open(lake, table)) is not None:
            delta.delete(predicate, commit_properties=properties)


def _open(lake: str, table: str) -> DeltaTable | None:
    try:
        return DeltaTable(os.path.join(lake, table))
    except TableNotFoundError:
        return None


def scan(lake: str, table: str, columns: list[str] | None, where: Any) -> pa.Table | None:
    """The rows of a table that the expression `where` holds; None if there is no such table."""
    delta = _open(lake, table)
    return None if delta is None else delta.to_pyarrow_dataset().to_table(columns=columns, filter=where)
