"""The only module through which Spark touches Delta: tables of a lake read, merged, replaced and restored."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from sluice.errors import Busy
from sluice.lake import lock, log
from sluice.lake.scope import MergeScope
from sluice.model.table import Table

_USER_METADATA = "spark.databricks.delta.commitInfo.userMetadata"
_FEED = "delta.enableChangeDataFeed"
_BOUNDS = "delta.dataSkippingStatsColumns"
_RETENTION_CHECK = "spark.databricks.delta.retentionDurationCheck.enabled"


@dataclass(frozen=True)
class Lake:
    """`root` is an absolute path; each table is a folder of it. Commits carry `run_id` and `job`."""

    spark: Any
    root: str
    run_id: str
    job: str

    def path(self, table: str) -> str:
        return os.path.join(self.root, table)

    def read(self, table: str, version: int, within: MergeScope | None = None) -> Any:
        """The table's rows as of a version, or only those `within` a scope."""
        rows = self.spark.read.format("delta").option("versionAsOf", version).load(self.path(table))
        return rows.where(within.holds()) if within else rows

    def create(self, table: Table, rows: Any) -> None:
        """Makes a table of the rows in one commit; it keeps a feed of its changes."""
        with self._commit(), self._without_dictionary(table.key):
            writer = rows.write.format("delta").mode("errorifexists").option(_FEED, "true")
            writer = writer.option(_BOUNDS, ",".join(table.bounds)) if table.bounds else writer
            writer.partitionBy(*table.partition_by).save(self.path(table.name))

    def merge(
        self,
        table: str,
        rows: Any,
        key: tuple[str, ...],
        within: MergeScope | None = None,
        *,
        updating: bool = True,
        removing: bool = False,
    ) -> dict[str, int]:
        """Inserts rows or updates those with the same key, or removes them; gives how many of each Delta counted.

        `within` holds the keys of all the rows: Delta itself would look for them in every file of the table.
        `updating`: whether any key is there already; else nothing of the table is rewritten. `removing`: whether there
        are rows with `_gone`, which say that their key is to be removed.
        """
        from pyspark.sql import functions as F

        same = F.expr(" AND ".join(f"old.`{column}` = new.`{column}`" for column in key))
        same = within.holds("old") & same if within else same
        with self._commit():
            merge = self._delta(table).alias("old").merge(rows.alias("new"), same)
            merge = merge.whenMatchedDelete("new._gone") if removing else merge
            values = {f"`{name}`": f"new.`{name}`" for name in rows.columns if name != "_gone"}
            merge = merge.whenMatchedUpdate(set=values) if updating else merge
            (counts,) = merge.whenNotMatchedInsert(values=values).execute().collect()
        names = {"inserted": "inserted", "updated": "updated", "removed": "deleted"}
        return {name: counts[f"num_{counted}_rows"] for name, counted in names.items()}

    def add_columns(self, table: str, columns: Mapping[str, str]) -> None:
        """Adds columns, names with their types, null in every row."""
        path = self.path(table).replace("`", "``")
        added = ", ".join(f"`{name}` {kind}" for name, kind in columns.items())
        with self._commit():
            self.spark.sql(f"ALTER TABLE delta.`{path}` ADD COLUMNS ({added})")

    def declare(self, table: Table) -> None:
        """Notes in a table what it is declared as: its rows depend on it."""
        path, text = self.path(table.name).replace("`", "``"), json.dumps(table.declaration)
        quoted = text.replace("\\", "\\\\").replace("'", "\\'")
        with self._commit():
            self.spark.sql(f"ALTER TABLE delta.`{path}` SET TBLPROPERTIES ('{log.DECLARATION}' = '{quoted}')")

    def append(self, table: str, rows: Any) -> None:
        """Adds rows in one commit; creates the table if need be."""
        with self._commit():
            rows.write.format("delta").mode("append").save(self.path(table))

    def overwrite(self, table: str, rows: Any, where: str | None = None, feed: bool = True, **built: Any) -> None:
        """Replaces all rows, or those `where` holds, in one commit; creates the table, with a `feed`, if need be."""
        writer = rows.write.format("delta").mode("overwrite").option(_FEED, str(feed).lower())
        writer = writer.option("mergeSchema" if where else "overwriteSchema", "true")
        with self._commit(**built):
            (writer.option("replaceWhere", where) if where else writer).save(self.path(table))

    @contextmanager
    def exclusively(self, table: str) -> Iterator[None]:
        """Holds a bookkeeping table's lock for the moment of one commit."""
        with lock.held_by_jvm(self.spark, self.root, table, self.run_id, 600, lambda message: None):
            yield

    def changes(self, table: str, after: int, version: int) -> Any:
        """The table's change feed of the versions after `after` up to `version`."""
        reader = self.spark.read.format("delta").option("readChangeFeed", "true")
        return reader.option("startingVersion", after + 1).option("endingVersion", version).load(self.path(table))

    def merge_groups(self, table: str, groups: Any, by: Sequence[str], measures: Sequence[str], **built: Any) -> None:
        """Sets the groups' measures, and deletes those with `_gone`, in one commit; dimensions may be null."""
        same = " AND ".join(f"old.`{column}` <=> new.`{column}`" for column in by)
        values = {f"`{name}`": f"new.`{name}`" for name in (*by, *measures)}
        with self._commit(**built):
            merge = self._delta(table).alias("old").merge(groups.alias("new"), same)
            merge = merge.whenMatchedDelete("new._gone").whenMatchedUpdate(set=values)
            merge.whenNotMatchedInsert("NOT new._gone", values=values).execute()

    def prune(self, table: str, before: date) -> int:
        """Deletes the partitions of days before one, and notes that they are pruned; gives how many rows they had."""
        path, day = self.path(table).replace("`", "``"), before.isoformat()
        with self._commit():
            self.spark.sql(f"ALTER TABLE delta.`{path}` SET TBLPROPERTIES ('{log.PRUNED_BEFORE}' = '{day}')")
        rows = self.spark.read.format("delta").load(self.path(table)).where(f"date < DATE'{day}'").count()
        with self._commit():
            self._delta(table).delete(f"date < DATE'{day}'")
        return int(rows)

    def note(self, table: str, **built: Any) -> None:
        """Commits what a table was found to be built on, and nothing else."""
        path = self.path(table).replace("`", "``")
        version = int(built["built"]["version"])
        with self._commit(**built):
            self.spark.sql(f"ALTER TABLE delta.`{path}` SET TBLPROPERTIES ('sluice.source_version' = '{version}')")

    def clear(self, table: str) -> None:
        """Deletes all rows; pruned days may come again."""
        path = self.path(table).replace("`", "``")
        with self._commit():
            self._delta(table).delete()
            if log.stored(self.root, table).pruned_before:
                self.spark.sql(f"ALTER TABLE delta.`{path}` UNSET TBLPROPERTIES ('{log.PRUNED_BEFORE}')")

    def restore(self, table: str, version: int) -> None:
        """Sets rows, columns and properties back to those of a version, whose files are there."""
        with self._commit():
            self._delta(table).restoreToVersion(version)

    def optimize(self, table: str, cluster_by: str | None) -> None:
        """Makes small files few large ones; with `cluster_by` rewrites all, each with a range of this column."""
        with self._commit():
            optimizer = self._delta(table).optimize()
            if cluster_by is None:
                optimizer.executeCompaction()
            else:
                optimizer.executeZOrderBy(cluster_by)

    def obsolete(self, table: str, hours: float) -> list[str]:
        """The paths of files, of the change feed too, that no version of the last `hours` needs."""
        path = self.path(table).replace("`", "``")
        with self._any_retention():
            found = self.spark.sql(f"VACUUM delta.`{path}` RETAIN {float(hours)} HOURS DRY RUN").collect()
        return [row["path"].removeprefix("file:") for row in found]

    def vacuum(self, table: str, hours: float) -> None:
        """Deletes the files that `obsolete` tells."""
        with self._commit(), self._any_retention():
            self._delta(table).vacuum(float(hours))

    @contextmanager
    def _any_retention(self) -> Iterator[None]:
        """Delta refuses to vacuum files under a week old by a setting alone; whether to is the caller's question."""
        self.spark.conf.set(_RETENTION_CHECK, "false")
        try:
            yield
        finally:
            self.spark.conf.unset(_RETENTION_CHECK)

    @contextmanager
    def _without_dictionary(self, key: tuple[str, ...]) -> Iterator[None]:
        """Writes no dictionary of a key of one column: no value comes twice, to look for one takes a fifth of all."""
        name = f"parquet.enable.dictionary#{key[0]}"
        if len(key) == 1:
            self.spark.conf.set(name, "false")
        try:
            yield
        finally:
            self.spark.conf.unset(name)

    def _delta(self, table: str) -> Any:
        from delta.tables import DeltaTable

        return DeltaTable.forPath(self.spark, self.path(table))

    @contextmanager
    def _commit(self, **built: Any) -> Iterator[None]:
        """Sets the metadata for one commit only: the session's setting would leak into later ones."""
        from py4j.protocol import Py4JJavaError
        from pyspark.errors import PySparkException

        self.spark.conf.set(_USER_METADATA, log.user_metadata(self.run_id, job=self.job, **built))
        try:
            yield
        except (Py4JJavaError, PySparkException) as error:
            if "io.delta.exceptions.Concurrent" in str(error) or "DELTA_CONCURRENT" in str(error):
                raise Busy("another writer committed to the table meanwhile: nothing was changed, run again") from None
            raise
        finally:
            self.spark.conf.unset(_USER_METADATA)
