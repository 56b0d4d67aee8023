"""The table `rejects`: records that could not become rows, with file, byte offset, text and reason.

One row a table, file and position: a file's rejects replace that file's earlier ones in one commit. Beside what users
see, each row has what a replay needs: the `options` that the file was read with (JSON), `read_at`, when it was read
first, and `read_by`, the readings of it (JSON list): a run's id and moment (`reading_id`), as ids come again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc

from sluice.lake import log, small_tables
from sluice.lake.small_tables import TIME, arrow_table
from sluice.lake.sql_text import spark_text
from sluice.ledger.ingested_files import Tally
from sluice.model.table import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from sluice.lake.lake import Lake

NAME = "rejects"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FEW, _FEW_BYTES = 50_000, 32 * 1024 * 1024  # rejects, and of their text, that fit into the driver's memory with ease
SCHEMA = pa.schema(
    [
        ("run_id", pa.string()),
        ("table", pa.string()),
        ("file", pa.string()),
        ("position", pa.int64()),
        ("raw", pa.string()),
        ("reason", pa.string()),
        ("rejected_at", TIME),
        ("options", pa.string()),
        ("read_at", TIME),
        ("read_by", pa.string()),
    ]
)
_FOR_REPLAY = ("read_at", "read_by")  # columns that `rejects list` leaves out


@dataclass(frozen=True)
class FileWithRejects:
    """A file with rejects: read with `options` (None: unknown), first at `read_at` (UTC), in the readings `read_by`."""

    table: str
    file: str
    options: str | None
    read_at: datetime
    read_by: tuple[str, ...]


def keep(
    lake: Lake,
    table: Table,
    records: DataFrame,
    tallies: Sequence[Tally],
    at: datetime,
    replayed: Mapping[str, FileWithRejects],
) -> None:
    """Replaces the files' earlier rejects by those among the records, in one commit; nothing where there are none.

    in: what `conform` gives; one row a record. `at`: when the files were read. `replayed`: of a replay, when and in
    which readings each file (by URI) was read before.
    """
    earlier = {tally.file.uri for tally in tallies} & {file.file for file in files_with_rejects(lake.root, table.name)}
    affected = earlier | {tally.file.uri for tally in tallies if tally.rows_rejected}
    if not affected:
        return
    rejected = records.where("_reason is not null and _position is not null")
    rejected = rejected.select("_file", "_position", "_raw", "_reason")  # a file may have columns of the names below
    readings = _readings(lake, tallies, at, replayed)
    if not earlier and _are_few(tallies) and _has_all_columns(lake.root):
        small_tables.append(lake.root, NAME, _few(lake, table, rejected, readings), lake.writer)
        return
    rejects = _many(lake, table, rejected, readings)
    with lake.exclusively(NAME):
        names = ", ".join(map(spark_text, sorted(affected)))
        replaced = f"`table` = {spark_text(table.name)} AND file IN ({names})"
        lake.overwrite(NAME, rejects, None if log.version(lake.root, NAME) is None else replaced, feed=False)
        small_tables.compact_if_many(lake.root, NAME, lake.writer)


# a file's number → its URI, options, and when it was read now, first, and in which readings
Readings = Mapping[int, tuple[str, str | None, datetime, datetime, str]]


def _readings(lake: Lake, tallies: Sequence[Tally], at: datetime, replayed: Mapping[str, FileWithRejects]) -> Readings:
    readings = {}
    for tally in tallies:
        before = replayed.get(tally.file.uri)
        read_by = sorted({*(before.read_by if before else ()), reading_id(lake.run_id, at)})
        read_at = before.read_at if before else at
        readings[tally.number] = (tally.file.uri, tally.options, at, read_at, json.dumps(read_by))
    return readings


def _are_few(tallies: Sequence[Tally]) -> bool:
    rejects, size = sum(tally.rows_rejected for tally in tallies), sum(tally.rejected_bytes for tally in tallies)
    return rejects <= _FEW and size <= _FEW_BYTES


def _has_all_columns(root: str) -> bool:
    """Whether `rejects` has the columns of today, or is still to be made: an earlier version's gains them in Spark."""
    return set(log.stored(root, NAME).columns) in (set(), set(SCHEMA.names))


def _few(lake: Lake, table: Table, rejected: DataFrame, readings: Readings) -> pa.Table:
    """Rejects as rows of the table `rejects`. Few of them go through the driver: a write of Spark's takes seconds."""
    rows = []
    for number, position, raw, reason in rejected.collect():
        file, options, at, read_at, read_by = readings[number]
        rows.append((lake.run_id, table.name, file, position, raw, reason, at, options, read_at, read_by))
    return arrow_table(SCHEMA, rows)


def _many(lake: Lake, table: Table, rejected: DataFrame, readings: Readings) -> DataFrame:
    """The same as a DataFrame."""
    from pyspark.sql import functions as F

    columns = "_file int, file string, options string, rejected_at timestamp, read_at timestamp, read_by string"
    of_files = lake.spark.createDataFrame([(number, *values) for number, values in readings.items()], columns)
    return rejected.join(F.broadcast(of_files), "_file").select(
        F.lit(lake.run_id).alias("run_id"),
        F.lit(table.name).alias("table"),
        "file",
        F.col("_position").alias("position"),
        F.col("_raw").alias("raw"),
        F.col("_reason").alias("reason"),
        "rejected_at",
        "options",
        "read_at",
        "read_by",
    )


def reading_id(run_id: str, at: datetime) -> str:
    """What a reading of files is known by: a run's id alone may come again, as that of an Airflow run in each task."""
    return f"{run_id}@{(at - _EPOCH) // timedelta(microseconds=1)}"


def newest(
    lake: str, table: str | None, *, run: str | None = None, file: str | None = None, reason: str | None = None
) -> list[dict[str, Any]]:
    """Rejects as `rejects list` shows them: the rows of `found`."""
    return found(lake, table, run=run, file=file, reason=reason).to_pylist()


def found(
    lake: str, table: str | None, *, run: str | None = None, file: str | None = None, reason: str | None = None
) -> pa.Table:
    """Rejects without what only a replay needs, newest first, then in file order.

    Of a `table` and a `run` by their names; of files and with reasons that contain a text. A file's name may be given
    as it is or as in its URI. None: of any.
    """
    where = pc.scalar(True)
    for column, text in (("table", table), ("run_id", run)):
        where = where if text is None else where & (pc.field(column) == text)
    if reason is not None:
        where = where & pc.match_substring(pc.field("reason"), reason)
    if file is not None:
        in_uri = pc.match_substring(pc.field("file"), quote(file))
        where = where & (pc.match_substring(pc.field("file"), file) | in_uri)
    rows = small_tables.read(lake, NAME, where)
    if rows is None:
        rows = SCHEMA.empty_table()
    order = [("rejected_at", "descending"), ("file", "ascending"), ("position", "ascending")]
    return rows.select([name for name in rows.column_names if name not in _FOR_REPLAY]).sort_by(order)


def counts(lake: str) -> dict[str, int]:
    """Table → how many rejects it has."""
    rows = small_tables.read(lake, NAME, columns=["table"])
    if rows is None:
        return {}
    return {pair["values"]: pair["counts"] for pair in pc.value_counts(rows.column("table")).to_pylist()}


def files_with_rejects(lake: str, table: str | None) -> list[FileWithRejects]:
    """The files that have rejects, of a table or of all, in order of tables and files."""
    rows = small_tables.read(lake, NAME, None if table is None else pc.field("table") == table)
    if rows is None:
        return []
    of_files = [name for name in rows.column_names if name not in ("position", "raw", "reason")]
    files = {}
    different = rows.group_by(of_files, use_threads=False).aggregate([])  # there may be millions of one file
    for row in different.to_pylist():
        # rows of earlier versions have no options, know only when the file was read last, and only runs as readings
        read_at, read_by = row.get("read_at") or row["rejected_at"], row.get("read_by")
        runs = tuple(json.loads(read_by)) if read_by else (row["run_id"],)
        files[row["table"], row["file"]] = FileWithRejects(row["table"], row["file"], row.get("options"), read_at, runs)
    return [files[key] for key in sorted(files)]
