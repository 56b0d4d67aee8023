"""Delta tables through Spark: read, merged, replaced and restored. Every commit carries the run that made it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
from delta.tables import DeltaTable
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from sluice.errors import Busy
from sluice.lake import lease, lock, log
from sluice.lake.opened import uri_of
from sluice.lake.rows import at_version, batches, finds_marks, schema_of
from sluice.lake.scope import MergeScope
from sluice.lake.sql_text import delta_table, identifier, spark_text
from sluice.lake.writer import Writer
from sluice.model.table import Table

FILE_BYTES = 64 * 1024 * 1024  # of a full file: spark.databricks.delta.optimize.maxFileSize
FEW_BYTES = 32 * 1024 * 1024  # of rows in memory that go from this process to Java in one piece
_USER_METADATA = "spark.databricks.delta.commitInfo.userMetadata"
_FEED = "delta.enableChangeDataFeed"
_BOUNDS = "delta.dataSkippingStatsColumns"
_MARKING = "spark.databricks.delta.merge.deletionVectors.persistent"
_RETENTION_CHECK = "spark.databricks.delta.retentionDurationCheck.enabled"


@dataclass(frozen=True)
class Lake:
    """`root`, an absolute path or a URI on S3, has a folder for each table. Commits carry the run id and the job."""

    spark: SparkSession
    root: str
    job: str
    writer: Writer

    @property
    def run_id(self) -> str:
        return self.writer.run_id

    def path(self, table: str) -> str:
        return uri_of(self.root, table)

    def read(self, table: str, version: int, within: MergeScope | None = None) -> DataFrame:
        """The table's rows as of a version, or only those `within` a scope."""
        rows = self.spark.read.format("delta").option("versionAsOf", version).load(self.path(table))
        return rows.where(within.holds()) if within else rows

    def read_small(self, table: str, version: int) -> DataFrame:
        """All rows of a version of a table, read by this process if they are few.

        Before Java reads its first table it loads, for a second or more, what it takes to read any.
        """
        delta = at_version(self.root, table, version)
        if not finds_marks(self.root, delta):
            return self.read(table, version)
        few: list[pa.RecordBatch] = []
        for batch in batches(self.root, table, delta):
            few.append(batch)
            if sum(part.nbytes for part in few) > FEW_BYTES:
                return self.read(table, version)
        return self.spark.createDataFrame(pa.Table.from_batches(few, schema_of(delta)))

    def create(self, table: Table, rows: DataFrame, declaration: Mapping[str, Any] | None = None) -> None:
        """Makes a table of the rows; it keeps a feed of its changes.

        In one commit, or with a `declaration` in two: what the table is declared as is stored before any row.
        """
        properties = {_FEED: "true"} | ({_BOUNDS: ",".join(table.bounds)} if table.bounds else {})
        if declaration:
            self._create_empty(table, rows.schema, {**properties, log.DECLARATION: json.dumps(declaration)})
        with self._commit(), self._without_dictionary(table.key):
            writer = rows.write.format("delta").mode("append" if declaration else "errorifexists")
            writer.options(**properties).partitionBy(*table.partition_by).save(self.path(table.name))

    def _create_empty(self, table: Table, schema: StructType, properties: Mapping[str, str]) -> None:
        new = DeltaTable.create(self.spark).location(self.path(table.name)).partitionedBy(*table.partition_by)
        for column in schema:
            new = new.addColumn(column.name, column.dataType)
        for name, value in properties.items():
            new = new.property(name, value)
        with self._commit():
            new.execute()

    def merge(
        self,
        table: str,
        rows: DataFrame,
        key: tuple[str, ...],
        within: MergeScope | None = None,
        *,
        inserting: bool = True,
        updating: bool = True,
        removing: bool = False,
        marking: bool = False,
    ) -> dict[str, int]:
        """Inserts rows, updates those with the same key, or removes them; gives how many of each Delta counted.

        in: `rows` with the table's columns, one row a key; with `removing` also `_gone`, which removes the key.
        `within` is true for the keys of all the rows: without it Delta looks for them in every file of the table.
        `inserting`: whether any key is new; if not, the table's rows stay where they are read, and the new ones are
        sent there. `updating`: whether any key is in the table already; if not, no file is rewritten. `marking`:
        replaced and removed rows are marked as deleted in a table that has `deletion_vectors`; else their files are
        rewritten.
        """
        same = F.expr(" AND ".join(f"old.{identifier(column)} = new.{identifier(column)}" for column in key))
        same = within.holds("old") & same if within else same
        with self._commit(), self._set(_MARKING, str(marking).lower()):
            merge = self._delta(table).alias("old").merge(rows.alias("new"), same)
            merge = merge.whenMatchedDelete("new._gone") if removing else merge
            values: dict[str, str | Column] = {
                identifier(name): f"new.{identifier(name)}" for name in rows.columns if name != "_gone"
            }
            merge = merge.whenMatchedUpdate(set=values) if updating else merge
            merge = merge.whenNotMatchedInsert(values=values) if inserting else merge
            (counts,) = merge.execute().collect()
        in_delta = {"inserted": "inserted", "updated": "updated", "removed": "deleted"}
        return {outcome: counts[f"num_{name}_rows"] for outcome, name in in_delta.items()}

    def add_columns(self, table: str, columns: Mapping[str, str]) -> None:
        """Adds columns (name → type), which are null in every stored row."""
        added = ", ".join(f"{identifier(name)} {kind}" for name, kind in columns.items())
        with self._commit():
            self._alter(table, f"ADD COLUMNS ({added})")

    def declare(self, table: Table) -> None:
        """Stores with a table the declaration that its rows were written by."""
        with self._commit():
            self._set_property(table.name, log.DECLARATION, json.dumps(table.declaration))

    def set_deletion_vectors(self, table: str, enabled: bool) -> None:
        """Lets merges mark rows of the table as deleted from now on, or no longer."""
        with self._commit():
            self._set_property(table, log.DELETION_VECTORS, str(enabled).lower())

    def append(self, table: str, rows: DataFrame, key: tuple[str, ...] = ()) -> None:
        """Adds rows in one commit; creates the table if need be. `key`: of a table that has one row a key."""
        with self._commit(), self._without_dictionary(key):
            rows.write.format("delta").mode("append").save(self.path(table))

    def overwrite(self, table: str, rows: DataFrame, where: str | None = None, feed: bool = True, **built: Any) -> None:
        """Replaces all rows, or those for which `where` is true, in one commit; creates the table if need be.

        `feed`: whether a new table keeps a feed of its changes.
        """
        writer = rows.write.format("delta").mode("overwrite").option(_FEED, str(feed).lower())
        writer = writer.option("mergeSchema" if where else "overwriteSchema", "true")
        with self._commit(**built):
            (writer.option("replaceWhere", where) if where else writer).save(self.path(table))

    @contextmanager
    def exclusively(self, table: str) -> Iterator[None]:
        """Holds a small table's lock for one commit."""
        with lock.held_by_jvm(self.spark, self.root, table, self.writer, one_commit=True):
            yield

    def changes(self, table: str, after: int, version: int) -> DataFrame:
        """The table's change feed of the versions after `after` up to `version`."""
        reader = self.spark.read.format("delta").option("readChangeFeed", "true")
        return reader.option("startingVersion", after + 1).option("endingVersion", version).load(self.path(table))

    def merge_groups(
        self, table: str, groups: DataFrame, by: Sequence[str], measures: Sequence[str], **built: Any
    ) -> None:
        """Sets the groups' measures, and deletes those with `_gone`, in one commit; dimensions may be null."""
        same = " AND ".join(f"old.{identifier(column)} <=> new.{identifier(column)}" for column in by)
        values: dict[str, str | Column] = {identifier(name): f"new.{identifier(name)}" for name in (*by, *measures)}
        with self._commit(**built):
            merge = self._delta(table).alias("old").merge(groups.alias("new"), same)
            merge = merge.whenMatchedDelete("new._gone").whenMatchedUpdate(set=values)
            merge.whenNotMatchedInsert("NOT new._gone", values=values).execute()

    def prune(self, table: str, before: date) -> int:
        """Deletes the partitions of the days before one, and stores that they are pruned; gives the number of rows."""
        day = before.isoformat()
        with self._commit():
            self._set_property(table, log.PRUNED_BEFORE, day)
        rows = self.spark.read.format("delta").load(self.path(table)).where(f"date < DATE'{day}'").count()
        with self._commit():
            self._delta(table).delete(f"date < DATE'{day}'")
        return int(rows)

    def note(self, table: str, **built: Any) -> None:
        """Commits only what an aggregate is built on: no row of it changed."""
        with self._commit(**built):
            self._set_property(table, "sluice.source_version", str(built["built"]["version"]))

    def clear(self, table: str) -> None:
        """Deletes all rows; days that were pruned may be ingested again."""
        with self._commit():
            self._delta(table).delete()
            if log.stored(self.root, table).pruned_before:
                self._alter(table, f"UNSET TBLPROPERTIES ({spark_text(log.PRUNED_BEFORE)})")

    def restore(self, table: str, version: int) -> None:
        """Sets rows, columns and properties back to those of a version; its files must still exist."""
        with self._commit():
            self._delta(table).restoreToVersion(version)

    def optimize(self, table: str, cluster_by: str | None) -> None:
        """Compacts small files; with `cluster_by` rewrites all files, each with a range of this column."""
        with self._commit():
            optimizer = self._delta(table).optimize()
            if cluster_by is None:
                optimizer.executeCompaction()
            else:
                optimizer.executeZOrderBy(cluster_by)

    def obsolete(self, table: str, hours: float) -> list[str]:
        """The paths, from the table's folder, of the files that no version of the last `hours` needs, and of folders.

        Those of the change feed are among them.
        """
        with self._any_retention():
            table_path = delta_table(self.path(table))
            files = self.spark.sql(f"VACUUM {table_path} RETAIN {float(hours)} HOURS DRY RUN").collect()
        return [row["path"].removeprefix("file:").removeprefix(self.path(table) + "/") for row in files]

    def vacuum(self, table: str, hours: float) -> None:
        """Deletes the files that `obsolete` lists."""
        with self._commit(), self._any_retention():
            self._delta(table).vacuum(float(hours))

    def _any_retention(self) -> AbstractContextManager[None]:
        """Lets Delta vacuum files less than a week old: the caller has asked for `--force` before."""
        return self._set(_RETENTION_CHECK, "false")

    def _without_dictionary(self, key: tuple[str, ...]) -> AbstractContextManager[None]:
        """Writes no dictionary for a key of one column: no value repeats, and to build one takes a fifth of all."""
        return self._set(f"parquet.enable.dictionary#{key[0]}", "false") if len(key) == 1 else nullcontext()

    @contextmanager
    def _set(self, option: str, value: str) -> Iterator[None]:
        """Sets an option of the session for a while only: else it would hold for later commits too."""
        self.spark.conf.set(option, value)
        try:
            yield
        finally:
            self.spark.conf.unset(option)

    def _alter(self, table: str, change: str) -> None:
        self.spark.sql(f"ALTER TABLE {delta_table(self.path(table))} {change}")

    def _set_property(self, table: str, name: str, value: str) -> None:
        self._alter(table, f"SET TBLPROPERTIES ({spark_text(name)} = {spark_text(value)})")

    def _delta(self, table: str) -> DeltaTable:
        return DeltaTable.forPath(self.spark, self.path(table))

    @contextmanager
    def _commit(self, **built: Any) -> Iterator[None]:
        """Marks one commit with its run."""
        try:
            with self._set(_USER_METADATA, log.user_metadata(self.run_id, job=self.job, **built)):
                yield
        except (Py4JJavaError, PySparkException) as error:
            if lease.LOST in str(error):
                raise lease.lost() from None
            if "io.delta.exceptions.Concurrent" in str(error) or "DELTA_CONCURRENT" in str(error):
                raise Busy("another writer committed to the table meanwhile: nothing was changed, run again") from None
            raise
