"""The table `ingested_files`: which files a table holds, and with which options they were read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sluice.files.input_file import InputFile
from sluice.lake import log, small_tables
from sluice.lake.small_tables import TIME, arrow_table

INGESTED_FILES = pa.schema(
    [
        ("table", pa.string()),
        ("table_id", pa.string()),
        ("file", pa.string()),
        ("size", pa.int64()),
        ("modified_at", TIME),
        ("etag", pa.string()),
        ("options", pa.string()),
        ("run_id", pa.string()),
        ("table_version", pa.int64()),
        ("rows_read", pa.int64()),
        ("rows_rejected", pa.int64()),
    ]
)


def not_ingested(
    lake: str, table: str, files: Sequence[InputFile], options: Sequence[str] | None = None
) -> list[InputFile]:
    """Those of the files that no commit of the table as it is now holds, read with some of the options (None: any)."""
    described = log.state(lake, table)
    if described is None or not files:
        return list(files)
    table_id, version = described
    known = small_tables.read(
        lake,
        "ingested_files",
        (pc.field("table") == table)
        & (pc.field("table_id") == table_id)
        & (pc.field("table_version") <= version)
        & (pc.scalar(True) if options is None else pc.field("options").isin(list(options)))
        & pc.field("file").isin([file.uri for file in files]),
        ["file", "size", "modified_at", "etag", "table", "table_id", "table_version", "options"],
    )
    done = set() if known is None else set(zip(*(known.column(i).to_pylist() for i in range(4)), strict=True))
    return [file for file in files if (file.uri, file.size, file.modified_at, file.etag) not in done]


def options_of(lake: str, table: str, files: Sequence[InputFile]) -> dict[str, set[str]]:
    """The options that files of the same names were read with, whose rows are in the table as it is now."""
    described = log.state(lake, table)
    if described is None or not files:
        return {}
    in_table = (pc.field("table_id") == described[0]) & (pc.field("table_version") <= described[1])
    where = (pc.field("table") == table) & in_table & pc.field("file").isin([file.uri for file in files])
    known = small_tables.read(lake, "ingested_files", where, ["table", "table_id", "table_version", "file", "options"])
    found: dict[str, set[str]] = {}
    for row in () if known is None else known.to_pylist():
        found.setdefault(row["file"], set()).add(row["options"])
    return found


def record_files(lake: str, table: str, table_id: str, version: int, run_id: str, tallies: Iterable[Tally]) -> None:
    """Notes that the table at `version` holds the files."""
    rows = [
        (
            table,
            table_id,
            tally.file.uri,
            tally.file.size,
            tally.file.modified_at,
            tally.file.etag,
            tally.options,
            run_id,
            version,
            tally.rows_read,
            tally.rows_rejected,
        )
        for tally in tallies
    ]
    small_tables.upsert(
        lake, "ingested_files", arrow_table(INGESTED_FILES, rows), ("table", "table_id", "file", "options"), run_id
    )


def forget_files(lake: str, table: str, after_version: int, run_id: str) -> None:
    """Makes the files new again that versions after `after_version` brought."""
    small_tables.delete(lake, "ingested_files", f"\"table\" = '{table}' and table_version > {after_version}", run_id)


@dataclass(frozen=True)
class Tally:
    """What was read of a file; `failure` says why it could not be read, `unclosed` where a quote stayed open.

    `number` is the file's among those read together, `options` are those it was read with.
    """

    file: InputFile
    number: int
    options: str = ""
    rows_read: int = 0
    rows_rejected: int = 0
    failure: str | None = None
    unclosed: str | None = None
    partitions: Sequence[Any] = ()
    failed: int = 0
    warned: Sequence[int] = ()
