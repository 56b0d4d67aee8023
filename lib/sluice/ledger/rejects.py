"""Records that could not become rows: how many there are, how many are allowed, and where they are kept."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow.compute as pc

from sluice.lake import log, small_tables
from sluice.lake.lake import Lake
from sluice.ledger.ingested_files import Tally
from sluice.model.table import Table

NAME = "rejects"
_READING = ("read_at", "read_by")  # columns for a replay alone


def keep(
    lake: Lake, table: Table, rows: Any, tallies: Sequence[Tally], earlier: Mapping[str, FileWithRejects] | None = None
) -> None:
    """Replaces the earlier rejects of the files with those among the conformed records `rows`, in one commit.

    Of files that are replayed it keeps when they were read first, and by which runs since.
    """
    from pyspark.sql import functions as F

    rejecting = {tally.file.uri for tally in tallies if tally.rows_rejected}
    affected = rejecting | (_files_with_rejects(lake.root, table.name) & {tally.file.uri for tally in tallies})
    if not affected:
        return

    def of_file(values: Sequence[Any]) -> Any:
        by_number = dict(zip((tally.number for tally in tallies), values, strict=True))
        return F.element_at(F.array(*(F.lit(by_number.get(n)) for n in range(max(by_number) + 1))), F.col("_file") + 1)

    now, before = datetime.now(UTC), [(earlier or {}).get(tally.file.uri) for tally in tallies]
    readers = [sorted({*(each.read_by if each else ()), lake.run_id}) for each in before]

    found = rows.where("_reason is not null and _position is not null").select(
        F.lit(lake.run_id).alias("run_id"),
        F.lit(table.name).alias("table"),
        of_file([tally.file.uri for tally in tallies]).alias("file"),
        F.col("_position").alias("position"),
        F.col("_raw").alias("raw"),
        F.col("_reason").alias("reason"),
        F.lit(now).alias("rejected_at"),
        of_file([tally.options for tally in tallies]).alias("options"),
        of_file([each.read_at if each else now for each in before]).alias("read_at"),
        of_file([json.dumps(runs) for runs in readers]).alias("read_by"),
    )
    names = ", ".join(_literal(uri) for uri in sorted(affected))
    with lake.exclusively(NAME):
        where = None if log.version(lake.root, NAME) is None else f"`table` = '{table.name}' AND file IN ({names})"
        lake.overwrite(NAME, found, where, feed=False)
        small_tables.compact_if_many(lake.root, NAME, lake.run_id)


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _files_with_rejects(lake: str, table: str) -> set[str]:
    rows = small_tables.read(lake, NAME, pc.field("table") == table, ["table", "file"])
    return set(rows.column("file").to_pylist()) if rows is not None else set()


def newest(
    lake: str, table: str | None, *, run: str | None = None, file: str | None = None, reason: str | None = None
) -> list[dict[str, Any]]:
    """The rejects of a run, of files and with reasons that hold a text; newest first, then in file order."""
    where = pc.scalar(True)
    for column, text in (("table", table), ("run_id", run)):
        where = where if text is None else where & (pc.field(column) == text)
    for column, text in (("file", file), ("reason", reason)):
        where = where if text is None else where & pc.match_substring(pc.field(column), text)
    rows = small_tables.read(lake, NAME, where)
    if rows is None:
        return []
    order = [("rejected_at", "descending"), ("file", "ascending"), ("position", "ascending")]
    return rows.select([name for name in rows.column_names if name not in _READING]).sort_by(order).to_pylist()


@dataclass(frozen=True)
class FileWithRejects:
    """A file with rejects: read with `options` (None: unknown), first at `read_at`, and by the runs `read_by`."""

    table: str
    file: str
    options: str | None
    read_at: datetime
    read_by: tuple[str, ...]


def files_with_rejects(lake: str, table: str | None) -> list[FileWithRejects]:
    """The files that have rejects, in order of tables and files."""
    rows = small_tables.read(lake, NAME, None if table is None else pc.field("table") == table)
    found = {}
    for row in rows.to_pylist() if rows is not None else ():
        # a lake of before may not tell the options, and of when a file was read only the last time
        read_at, read_by = row.get("read_at") or row["rejected_at"], row.get("read_by")
        runs = tuple(json.loads(read_by)) if read_by else (row["run_id"],)
        found[row["table"], row["file"]] = FileWithRejects(row["table"], row["file"], row.get("options"), read_at, runs)
    return [found[key] for key in sorted(found)]
