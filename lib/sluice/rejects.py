"""Records that could not become rows: how many there are, how many are allowed, and where they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow.dataset as pa_dataset

from sluice import bookkeeping
from sluice.input_file import InputFile
from sluice.lake import Lake
from sluice.readers.csv_parse import UNCLOSED
from sluice.table import Table

NAME = "rejects"


@dataclass(frozen=True)
class Tally:
    """What was read of a file; `failure` says why it could not be read, `unclosed` where a quote stayed open."""

    file: InputFile
    rows_read: int = 0
    rows_rejected: int = 0
    failure: str | None = None
    unclosed: str | None = None


def tally(rows: Any, files: Sequence[InputFile]) -> list[Tally]:
    """Counts conformed records by file, in the order of the files."""
    from pyspark.sql import functions as F

    is_record, reason = F.col("position").isNotNull(), F.col("reason")
    counts = rows.groupBy("file").agg(
        F.count("position").alias("rows_read"),
        F.count(F.when(is_record, reason)).alias("rows_rejected"),
        F.min(F.when(~is_record, reason)).alias("failure"),
        F.min(F.when(reason.startswith(UNCLOSED), reason)).alias("unclosed"),
    )
    by_file = {row["file"]: Tally(files[row["file"]], *row[1:]) for row in counts.collect()}
    return [by_file.get(number, Tally(file)) for number, file in enumerate(files)]


def keep(lake: Lake, table: Table, rows: Any, tallies: Sequence[Tally], files: Sequence[InputFile]) -> None:
    """Replaces the files' earlier rejects with those among the conformed records `rows`, in one commit."""
    from pyspark.sql import functions as F

    rejecting = {tally.file.uri for tally in tallies if tally.rows_rejected}
    affected = rejecting | (_files_with_rejects(lake.root, table.name) & {file.uri for file in files})
    if not affected:
        return
    uris = F.array(*(F.lit(file.uri) for file in files))
    found = rows.where("reason is not null and position is not null").select(
        F.lit(lake.run_id).alias("run_id"),
        F.lit(table.name).alias("table"),
        F.element_at(uris, F.col("file") + 1).alias("file"),
        "position",
        "raw",
        "reason",
        F.lit(datetime.now(UTC)).alias("rejected_at"),
    )
    names = ", ".join(_literal(uri) for uri in sorted(affected))
    with lake.exclusively(NAME):
        where = (
            None if bookkeeping.version(lake.root, NAME) is None else f"`table` = '{table.name}' AND file IN ({names})"
        )
        lake.overwrite(NAME, found, where, feed=False)
        bookkeeping.compact_if_many(lake.root, NAME, lake.run_id)


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _files_with_rejects(lake: str, table: str) -> set[str]:
    rows = bookkeeping.read(lake, NAME, pa_dataset.field("table") == table, ["table", "file"])
    return set(rows.column("file").to_pylist()) if rows is not None else set()


def newest(lake: str, table: str | None, limit: int) -> list[dict[str, Any]]:
    """The rejects kept last, newest first, then in file order."""
    where = None if table is None else pa_dataset.field("table") == table
    rows = bookkeeping.read(lake, NAME, where)
    if rows is None:
        return []
    order = [("rejected_at", "descending"), ("file", "ascending"), ("position", "ascending")]
    return rows.sort_by(order).slice(0, limit).to_pylist()
