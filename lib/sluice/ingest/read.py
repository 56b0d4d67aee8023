"""The new files of a plan read: conformed records, kept in memory, and their counts by file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sluice.catalog.checked import checked_key_partitions
from sluice.ingest import occurrences
from sluice.ingest.conform import conform
from sluice.ingest.tally import tally
from sluice.ledger.ingested_files import Tally

if TYPE_CHECKING:
    from sluice.ingest.plan import Plan
    from sluice.lake.lake import Lake

PARTITION_BYTES = 64 * 1024 * 1024
SPREAD = 8  # parts per task, of which Spark makes tasks of like size


@dataclass(frozen=True)
class Read:
    """What was read of a run's files: `tallies` counts the `records` by file; later steps use about `tasks` tasks.

    `records`: one row a record, with the columns of `conform`; of a log also what `occurrences.spread` adds.
    `at`: when they were read (UTC), under the table's lock: rows and deletes of the run carry this moment, by which a
    replay knows them. `key_partitions`: the partition columns that are the same in all rows of a key.
    """

    records: DataFrame
    tallies: Sequence[Tally]
    tasks: int
    at: datetime
    key_partitions: tuple[str, ...] = ()

    @property
    def rows(self) -> DataFrame:
        """The records that are rows of the table: `_file`, `_position` and the table's columns."""
        return self.records.where("_reason is null").drop("_raw", "_reason")

    @property
    def rows_read(self) -> int:
        return sum(tally.rows_read for tally in self.tallies)

    @property
    def rows_rejected(self) -> int:
        return sum(tally.rows_rejected for tally in self.tallies)

    def without(self, numbers: Sequence[int]) -> Read:
        """The same without the files of these numbers."""
        if not numbers:
            return self
        tallies = [tally for tally in self.tallies if tally.number not in numbers]
        return replace(self, records=self.records.where(~F.col("_file").isin(list(numbers))), tallies=tallies)


def read(lake: Lake, plan: Plan) -> Read:
    """Reads the plan's files once; the records stay in memory. Raises UsageError for a declaration with wrong SQL."""
    at = datetime.now(UTC)
    table, options = plan.table, plan.options
    partitions = table.key_partitions or ()
    if table.origin:
        partitions = checked_key_partitions(lake.spark, table)
    tasks = _tasks(lake.spark, plan)
    records = conform(table.reader.read(lake.spark, plan.sources), table)
    records = (occurrences.spread(records, table, tasks * SPREAD) if table.occurrences else records).persist()
    files = [(source.file, options.of_source(bool(source.new))) for source in plan.sources]
    return Read(records, tally(records, files, table, partitions), tasks, at, partitions)


def _tasks(spark: Any, plan: Plan) -> int:
    """Over how many tasks the rows are spread: so many that one's rows fit into its memory, and no slot waits at the
    end while others work."""
    size = sum(source.file.size * (5 if source.file.compression else 1) for source in plan.sources)
    slots = spark.sparkContext.defaultParallelism
    return max(1, -(-size // (PARTITION_BYTES * slots))) * slots
