"""A lake as analysts read it: every answer is an Arrow table, without Spark. All times are UTC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from sluice.api.changes import net_changes
from sluice.api.history import runs_of
from sluice.api.moments import Moment, moment, version_of
from sluice.api.overview import key_of, row_of, table_of_rows
from sluice.catalog.schema import OWN_TABLES
from sluice.errors import InputError, UsageError, closest, spark_cause
from sluice.lake import lake_files, log, opened, row_changes, rows, small_tables
from sluice.ledger import ingested_files, rejects
from sluice.runtime import settings

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def open_lake(folder: str | None = None) -> ReadableLake:
    """The lake in a folder or on S3, by default that of the jobs. Raises UsageError for what cannot be a lake."""
    opened.forget()
    return ReadableLake(settings.lake(folder))


@dataclass(frozen=True)
class ReadableLake:
    """A lake whose tables are read as they are when asked. `root`: its absolute path, or `s3a://BUCKET/FOLDER`.

    All methods raise InputError if the lake or the table does not exist, and UsageError if access is refused.
    """

    root: str

    def tables(self) -> pa.Table:
        """The tables and aggregates, one row each, without those that Sluice keeps for itself.

        Columns: `table`; `of`, the table that an aggregate is made of (null: of none); `key`, the columns of its key,
        joined by commas (null: unknown); `rows`; `bytes` and `files` of the version it is at; `version`; `changed_at`,
        when that was committed (UTC); `run_id`, by which run.
        """
        names = [name for name in self._names() if name not in OWN_TABLES]
        found = [row for name in names if (row := row_of(self.root, name))]
        if not found:
            raise self._no_lake()
        return table_of_rows(found)

    def runs(self, table: str | None = None, status: str | None = None, since: Moment | None = None) -> pa.Table:
        """The attempts of runs on tables, newest first, one row each; runs that found nothing to do are not recorded.

        Of a `table`, with a `status` (running, succeeded, nothing_new, refused, failed, interrupted), begun at `since`
        or later. Columns: `run_id`, `attempt` (1 for the first), `job`, `table`, `status`, `started_at`, `finished_at`
        (UTC), `seconds`, the counts of the report such as `rows_read` and `table_version` (null while it runs),
        `error`, and as JSON `arguments` and `report`. A run that was killed is `running` until the next one on its
        table.
        """
        self._require()
        return runs_of(self.root, table, status, None if since is None else moment(since))

    def rejects(self, run_id: str | None = None, table: str | None = None) -> pa.Table:
        """The records that could not become rows, of a run, of a table or all; newest first, then in file order.

        One row a record: `run_id`, `table`, `file` (a URI), `position` (its byte in the file, decompressed), `raw` (its
        text, at most 64 KiB), `reason`, `rejected_at` (UTC), `options` (JSON, how the file was read).
        """
        self._require()
        return rejects.found(self.root, table, run=run_id)

    def files(self, table: str) -> pa.Table:
        """The files that were ingested into a table, in the order of their names; one row a file and its options.

        Columns: `table`, `file` (a URI), `size` (bytes), `modified_at` (UTC) or `etag`, `options` (JSON, those that
        change rows), `run_id`, `table_version` (the version that brought its rows), `rows_read`, `rows_rejected`.
        """
        self._require(table)
        found = small_tables.read(self.root, ingested_files.NAME, pc.field("table") == table)
        found = ingested_files.SCHEMA.empty_table() if found is None else found
        return found.drop_columns([n for n in ("table_id", "table_commit") if n in found.column_names]).sort_by("file")

    def read(
        self,
        name: str,
        version: int | None = None,
        at: Moment | None = None,
        columns: Sequence[str] | None = None,
        where: str | None = None,
    ) -> pa.Table:
        """The rows of a table or aggregate, in no particular order.

        As of a `version`, or as of a moment `at` (UTC unless it has another zone), by default now. Only `columns`, and
        only rows for which `where` is true, SQL as DataFusion takes it: `"date >= '2024-10-15' AND duration > 1"`. Only
        what is needed is read: both make it quicker and take less memory. Times come in UTC, decimals as decimals.

        Raises UsageError for a column or a version that the table lacks, files that `maintain vacuum` deleted, and a
        condition that is not valid.
        """
        self._require(name)
        if version is not None and at is not None:
            raise UsageError("give either a version or a time (at), not both")
        wanted: int | Moment | None = version if at is None else at
        number = self._current(name) if wanted is None else version_of(self.root, name, wanted)
        return rows.read(self.root, name, number, [columns] if isinstance(columns, str) else columns, where)

    def changes(self, name: str, since: int | Moment, until: int | Moment | None = None) -> pa.Table:
        """What changed in a table or aggregate after a version or moment, up to another one, by default now.

        One row a key, in its order: the net effect, however many runs there were between. Columns: `change`
        (`inserted`, `updated` or `removed`); the table's columns as they are now, which of removed rows are null, but
        for the key; and with `old_` before their names, but for the key, as they were before, null of inserted rows.
        `run_id` and `ingested_at` tell which run changed a row last; a row in which only they differ is left out. All
        rows are `inserted` if the table was made after `since`.

        Raises UsageError for a version that the table lacks or whose files `maintain vacuum` deleted.
        """
        self._require(name)
        key = key_of(self.root, name)
        if key is None:
            raise UsageError(f"table {name}: its key is not known, so its rows cannot be compared: read both versions")
        first = version_of(self.root, name, since, before_all=True)
        last = self._current(name) if until is None else version_of(self.root, name, until, before_all=True)
        if first > last:
            raise UsageError(f"table {name}: version {first} (since) is later than {last} (until): change their order")
        return net_changes(row_changes.changes(self.root, name, first, last), key)

    def spark(self, name: str) -> DataFrame:
        """A table or aggregate as a DataFrame of the SparkSession that is there, which must know Delta.

        Raises UsageError if no session is active, or if it cannot read the table.
        """
        try:
            from pyspark.errors import PySparkException
            from pyspark.sql import SparkSession
        except ImportError:
            raise UsageError("Spark is not installed: install sluice[jobs], or use read instead") from None
        self._require(name)
        session = SparkSession.getActiveSession()
        if session is None:
            raise UsageError("there is no SparkSession: make one first, with Delta's jars, or use read instead")
        try:
            return session.read.format("delta").load(opened.uri_of(self.root, name))
        except PySparkException as error:
            raise UsageError(f"the SparkSession cannot read table {name} ({spark_cause(error)}): use read") from None

    def _names(self) -> list[str]:
        with opened.delta_rs_errors(self.root, ""):
            return lake_files.tables(self.root)

    def _require(self, table: str | None = None) -> None:
        """Raises InputError if the lake, or the table in it, does not exist."""
        names = self._names()
        if not names:
            raise self._no_lake()
        if table is not None and (table not in names or log.version(self.root, table) is None):
            raise InputError(f"table {table} is not in lake {self.root}: {closest(str(table), names)}")

    def _no_lake(self) -> InputError:
        return InputError(f"{self.root}: there is no table: name the folder of a lake, or ingest files into it first")

    def _current(self, table: str) -> int:
        return log.required_state(self.root, table).version
