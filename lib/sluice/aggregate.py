"""Aggregate tables kept equal to a full recomputation, from the changes of their table wherever those can be had."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from datetime import date
from functools import reduce
from typing import Any

import pyarrow.compute as pc

from sluice import bookkeeping, measures
from sluice import changes as feed
from sluice.cli import Job
from sluice.errors import UsageError
from sluice.lake import Lake
from sluice.recording import held, recorded
from sluice.scope import Partitions
from sluice.table import Aggregate, Table

GROUPS_PER_FILE = 500_000  # few groups in one file, though many tasks may have made them


def counting(table: Table, columns: Sequence[str]) -> Aggregate:
    """The aggregate that counts a table's rows by columns. Raises UsageError for a column it does not have."""
    for column in columns:
        if column not in table.column_names:
            raise UsageError(
                f"table {table.name} has no column {column!r}: choose from {', '.join(table.column_names)}"
            )
    if len(set(columns)) != len(columns):
        raise UsageError(f"--by {','.join(columns)} names a column twice: name each once")
    return Aggregate(f"{table.name}_by_{'_'.join(columns)}", tuple(columns), {"count": "count"})


def kept(lake: str, table: Table) -> list[Aggregate]:
    """The table's declared aggregates, and those that `counting` made in this lake before."""
    prefix = f"{table.name}_by_"
    made = sorted(name for name in (os.listdir(lake) if os.path.isdir(lake) else ()) if name.startswith(prefix))
    built = [(name, bookkeeping.last_built(lake, name)) for name in made]
    return [*table.aggregates, *(Aggregate(name, tuple(last["by"]), last["measures"]) for name, last in built if last)]


def run(job: Job, table: Table, aggregate: Aggregate, *, full_refresh: bool = False) -> None:
    """Refreshes an aggregate to the current version of its table. Raises InputError if that is not there."""
    report, root = job.report, job.settings.lake
    report.table = aggregate.name
    if _nothing_new(job, aggregate, *_state(root, table, aggregate), full_refresh):
        return
    lake, arguments = job.lake, {"aggregate": aggregate.name, "full_refresh": full_refresh}
    with held(job, aggregate.name):
        source, last = _state(root, table, aggregate)  # another run may have had the lock
        if _nothing_new(job, aggregate, source, last, full_refresh):
            return
        with recorded(job, aggregate.name, arguments):
            _refresh(job, lake, table, aggregate, source, last, full_refresh)
            report.table_version = bookkeeping.version(root, aggregate.name)
            report.status = "succeeded"


def _state(lake: str, table: Table, aggregate: Aggregate) -> tuple[tuple[str, int], dict[str, Any] | None]:
    """The table's id and current version, and what the aggregate was last built on."""
    return bookkeeping.existing(lake, table.name), bookkeeping.last_built(lake, aggregate.name)


def _nothing_new(
    job: Job, aggregate: Aggregate, source: tuple[str, int], last: dict[str, Any] | None, full_refresh: bool
) -> bool:
    """Whether the aggregate is built on the table's current version; the report then says so."""
    job.report.table_version = bookkeeping.version(job.settings.lake, aggregate.name)
    current = last == _built(aggregate, source)["built"] and not full_refresh
    job.report.status = "nothing_new" if current else "failed"
    return current


def _built(aggregate: Aggregate, source: tuple[str, int]) -> dict[str, Any]:
    return {"built": {"id": source[0], "version": source[1], **aggregate.definition}}


def _refresh(
    job: Job,
    lake: Lake,
    table: Table,
    aggregate: Aggregate,
    source: tuple[str, int],
    last: dict[str, Any] | None,
    full: bool,
) -> None:
    obstacle = "asked for" if full else _obstacle(lake, table, aggregate, source, last)
    if obstacle is None and last is not None:
        try:
            _refresh_from_changes(job, lake, table, aggregate, source, last["version"])
            return
        except Exception as error:
            if not feed.feed_gone(error):
                raise
            obstacle = f"the change feed of {table.name} after version {last['version']} is gone"
    job.progress.tell(f"{aggregate.name}: full refresh: {obstacle}")
    _refresh_from_all(job, lake, table, aggregate, source)


def _obstacle(
    lake: Lake, table: Table, aggregate: Aggregate, source: tuple[str, int], last: dict[str, Any] | None
) -> str | None:
    """Why the changes since the last refresh do not lead to the current state; None if they do."""
    if bookkeeping.version(lake.root, aggregate.name) is None:
        return "it is not there yet"
    if last is None:
        return "its log does not say what it was built on"
    if {key: value for key, value in last.items() if key not in ("id", "version")} != aggregate.definition:
        return "its definition changed"
    return feed.obstacle(lake.root, table.name, (last["id"], last["version"]), source)


def _refresh_from_all(job: Job, lake: Lake, table: Table, aggregate: Aggregate, source: tuple[str, int]) -> None:
    with job.step("aggregate"):
        rows, at_most = lake.read(table.name, source[1]), _at_most(lake.root, table, aggregate)
        computed = measures.compute(rows, aggregate, at_most=at_most)
        with measures.gathering(lake.spark, bookkeeping.row_count(lake.root, table.name)):
            groups = _with_frozen(lake, table, aggregate, computed).persist()
            job.report.groups_recomputed = groups.count()
    job.report.mode = "full"
    job.report.files_read, job.report.bytes_read = bookkeeping.size(lake.root, table.name)
    if not job.settings.dry_run:
        with job.step("write"):
            files = -(-job.report.groups_recomputed // GROUPS_PER_FILE) or 1
            lake.overwrite(aggregate.name, groups.coalesce(files), **_built(aggregate, source))
    groups.unpersist()


def _refresh_from_changes(
    job: Job, lake: Lake, table: Table, aggregate: Aggregate, source: tuple[str, int], after: int
) -> None:
    from pyspark.sql import functions as F

    values = list(aggregate.values)
    places, found = [name for name in table.partition_by if name in aggregate.by], None
    with job.step("aggregate"):
        changes = lake.changes(table.name, after, source[1])
        if day := _first_day(lake.root, table, aggregate):
            changes = changes.where(F.col("date") >= F.lit(day))
        changes = measures.with_dimensions(changes, aggregate)
        old = lake.read(aggregate.name, bookkeeping.version(lake.root, aggregate.name) or 0)
        if aggregate.adjustable:
            groups = adjusted(changes, old, aggregate)
        else:
            rows = lake.read(table.name, source[1])
            touched = changes.select(*aggregate.by).distinct().persist()
            if places:
                found = [tuple(row) for row in touched.select(*places).distinct().collect()]
                rows = rows.where(Partitions(tuple(places), tuple(found)).holds())
            rows = measures.with_dimensions(rows, aggregate)
            groups = recomputed(touched, rows, old, aggregate, _at_most(lake.root, table, aggregate))
        rows_read = bookkeeping.row_count(lake.root, table.name, _in_partitions(places, found))
        with measures.gathering(lake.spark, rows_read):
            groups = groups.select(*aggregate.by, *values, F.col("_gone")).persist()
            job.report.groups_recomputed = groups.count()
    read = [bookkeeping.size(lake.root, table.name, after)]
    if not aggregate.adjustable:
        read.append(bookkeeping.size(lake.root, table.name, where=_in_partitions(places, found)))
    job.report.mode = "incremental"
    job.report.files_read, job.report.bytes_read = (sum(values) for values in zip(*read, strict=True))
    if not job.settings.dry_run:
        with job.step("write"):
            built = _built(aggregate, source)
            if job.report.groups_recomputed:
                lake.merge_groups(aggregate.name, groups, aggregate.by, values, **built)
            else:
                lake.note(aggregate.name, **built)
    groups.unpersist()


def _at_most(lake: str, table: Table, aggregate: Aggregate) -> int | None:
    """How many rows no group exceeds: those of the largest partition of the table, where groups lie in one each.

    None if the table's log does not tell.
    """
    names = [f"partition.{name}" for name in table.partition_by if name in aggregate.by]
    entries, rows = bookkeeping.entries(lake, table.name), Counter[tuple]()
    for entry in entries:
        rows[tuple(entry[name] for name in names)] += entry["num_records"] or 0
    return None if any(entry["num_records"] is None for entry in entries) else max(rows.values(), default=0)


def _first_day(lake: str, table: Table, aggregate: Aggregate) -> date | None:
    """The day before which the aggregate's rows are frozen, as their records were pruned."""
    return bookkeeping.pruned_before(lake, table.name) if "date" in aggregate.by else None


def _with_frozen(lake: Lake, table: Table, aggregate: Aggregate, groups: Any) -> Any:
    """The groups, those of pruned days as the aggregate has them."""
    from pyspark.sql import functions as F

    day, version = _first_day(lake.root, table, aggregate), bookkeeping.version(lake.root, aggregate.name)
    if day is None or version is None:
        return groups
    old = lake.read(aggregate.name, version).where(F.col("date") < F.lit(day))
    kept = [name for name in groups.columns if name in old.columns]
    return groups.where(F.col("date") >= F.lit(day)).unionByName(old.select(*kept), allowMissingColumns=True)


def _in_partitions(columns: Sequence[str], values: Sequence[tuple] | None) -> Any:
    if values is None:
        return None
    tests = (pc.field(f"partition.{name}").isin([value[i] for value in values]) for i, name in enumerate(columns))
    return reduce(lambda a, b: a & b, tests)


def adjusted(changes: Any, old: Any, aggregate: Aggregate) -> Any:
    """The groups whose counts the changes alter, with their new counts; `_gone` where no row is left."""
    from pyspark.sql import functions as F

    sign = F.when(feed.is_there(), 1).otherwise(-1)
    first, *others = aggregate.measures
    change = changes.groupBy(*aggregate.by).agg(F.sum(sign).alias("_change")).where("_change != 0")
    joined = change.alias("change").join(old.alias("old"), _same(aggregate.by, "change", "old"), "left")
    count = F.coalesce(F.col(f"old.{first}"), F.lit(0)) + F.col("change._change")
    dimensions = [F.col(f"change.{column}").alias(column) for column in aggregate.by]
    return joined.select(*dimensions, *(count.alias(name) for name in (first, *others)), (count == 0).alias("_gone"))


def recomputed(touched: Any, rows: Any, old: Any, aggregate: Aggregate, at_most: int | None = None) -> Any:
    """Those of the touched groups whose measures are not what they were; `_gone` where no row is left."""
    from pyspark.sql import functions as F

    members = rows.alias("rows").join(touched.alias("touched"), _same(aggregate.by, "rows", "touched"), "left_semi")
    new = measures.compute(members, aggregate, at_most=at_most).withColumn("_there", F.lit(True))
    both = touched.alias("touched").join(new.alias("new"), _same(aggregate.by, "touched", "new"), "left")
    both = both.join(old.withColumn("_there", F.lit(True)).alias("old"), _same(aggregate.by, "touched", "old"), "left")
    compared = ("_there", *aggregate.values)
    differs = reduce(lambda a, b: a | b, (~F.col(f"new.{c}").eqNullSafe(F.col(f"old.{c}")) for c in compared))
    dimensions = [F.col(f"touched.{column}").alias(column) for column in aggregate.by]
    values = [F.col(f"new.{name}").alias(name) for name in aggregate.values]
    return both.where(differs).select(*dimensions, *values, F.col("new._there").isNull().alias("_gone"))


def _same(columns: Sequence[str], left: str, right: str) -> Any:
    from pyspark.sql import functions as F

    return reduce(
        lambda a, b: a & b, (F.col(f"{left}.{column}").eqNullSafe(F.col(f"{right}.{column}")) for column in columns)
    )
