"""The table `ingested_files`: which files a table holds, and with which options they were read.

One row a table, table id, file and options; `table_version` is the version whose commit brought the file's rows, and
`table_commit` the mark of that commit (`lake.log.commit_mark`), null in rows that earlier versions of Sluice wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sluice.files.input_file import InputFile
from sluice.lake import log, small_tables
from sluice.lake.log import State
from sluice.lake.small_tables import TIME, arrow_table
from sluice.lake.sql_text import delta_rs_text
from sluice.lake.writer import Writer

NAME = "ingested_files"
SCHEMA = pa.schema(
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
        ("table_commit", pa.string()),
    ]
)


@dataclass(frozen=True)
class Tally:
    """What was read of a file.

    `number`: the file's among those read together. `options`: those that it was read with, as stored here.
    `failure`: why it could not be read. `unclosed`: where a quote stayed open to its end.
    `partitions`: the values in its rows of the partition columns that a key decides.
    `unexpected`: the reason of a record whose parsing failed as nobody foresaw.
    `failed`: records that do not pass a check whose action is fail. `warned`: for each check whose action is warn, rows
    that do not pass it. `rejected_bytes`: of the text of its rejects.
    """

    file: InputFile
    number: int
    options: str = ""
    rows_read: int = 0
    rows_rejected: int = 0
    failure: str | None = None
    unclosed: str | None = None
    unexpected: str | None = None
    partitions: Sequence[Any] = ()
    failed: int = 0
    warned: Sequence[int] = ()
    rejected_bytes: int = 0


def not_ingested(
    lake: str, table: str, files: Sequence[InputFile], options: Sequence[str] | None = None
) -> list[InputFile]:
    """The files that are not in the table as it is now, read with any of the `options` (None: however read).

    A file is known by its path, size, and modification time or etag. Those whose commit is no longer part of the table
    (it was cleared, restored to before it, or created anew) are not in it.
    """
    columns = ["file", "size", "modified_at", "etag"]
    rows = _of_current_table(lake, table, files)
    if rows is None:
        return list(files)
    if options is not None:
        rows = rows.filter(pc.field("options").isin(list(options)))
    known = set(zip(*(rows.column(name).to_pylist() for name in columns), strict=True))
    return [file for file in files if (file.uri, file.size, file.modified_at, file.etag) not in known]


def options_of(lake: str, table: str, files: Sequence[InputFile]) -> dict[str, set[str]]:
    """By file URI the options that files of these names were read with whose rows are in the table as it is now."""
    rows = _of_current_table(lake, table, files)
    options: dict[str, set[str]] = {}
    for row in () if rows is None else rows.to_pylist():
        options.setdefault(row["file"], set()).add(row["options"])
    return options


def _of_current_table(lake: str, table: str, files: Sequence[InputFile]) -> pa.Table | None:
    """The rows of files of these names whose commits are part of the table as it is now; None if there can be none."""
    current = log.state(lake, table)
    if current is None or not files:
        return None
    table_id, version, _ = current
    where = (
        (pc.field("table") == table)
        & (pc.field("table_id") == table_id)
        & (pc.field("table_version") <= version)
        & pc.field("file").isin([file.uri for file in files])
    )
    rows = small_tables.read(lake, NAME, where)
    if rows is None or "table_commit" not in rows.column_names:
        return rows
    commits = zip(rows.column("table_version").to_pylist(), rows.column("table_commit").to_pylist(), strict=True)
    is_part = cache(lambda version, commit: log.is_same_commit(lake, table, version, commit))
    return rows.filter(pa.array([is_part(*commit) for commit in commits], pa.bool_()))


def record_files(lake: str, table: str, state: State, tallies: Iterable[Tally], writer: Writer) -> None:
    """Records that the table, as it is in a state, holds the files."""
    rows = [
        (
            *(table, state.table_id, tally.file.uri, tally.file.size, tally.file.modified_at, tally.file.etag),
            *(tally.options, writer.run_id, state.version, tally.rows_read, tally.rows_rejected, state.mark),
        )
        for tally in tallies
    ]
    key = ("table", "table_id", "file", "options")
    small_tables.upsert(lake, NAME, arrow_table(SCHEMA, rows), key, writer)


def counted_of_run(lake: str, table: str, run_id: str) -> dict[str, tuple[int, int]]:
    """By URI the rows and the bytes of the files that a run has read into a table."""
    where = (pc.field("table") == table) & (pc.field("run_id") == run_id)
    rows = small_tables.read(lake, NAME, where, ["table", "run_id", "file", "rows_read", "size"])
    return {} if rows is None else {row["file"]: (row["rows_read"], row["size"]) for row in rows.to_pylist()}


def forget_files(lake: str, table: str, after_version: int, writer: Writer) -> None:
    """Makes files new again whose rows came with versions after `after_version` (-1: all files of the table)."""
    small_tables.delete(lake, NAME, f'"table" = {delta_rs_text(table)} and table_version > {after_version}', writer)
