"""Aggregates by group: all groups from all rows of the table, or only the groups that its changes touch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from functools import reduce

import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sluice.aggregate import measures
from sluice.aggregate.computed import Computed
from sluice.lake import change_feed, log
from sluice.lake.lake import Lake
from sluice.lake.scope import Partitions
from sluice.lake.sql_text import literal
from sluice.model.aggregate import Aggregate
from sluice.model.table import Table


def from_all(lake: Lake, table: Table, aggregate: Aggregate, version: int) -> Computed:
    """All groups, from the table's rows at a version; groups of pruned days are kept as the aggregate has them.

    out: one row for each combination of `by`, with `by` and `values`.
    """
    rows = lake.read(table.name, version)
    groups = measures.compute(rows, aggregate, largest_group=_largest_group(lake.root, table, aggregate))
    with measures.lists_in_hash_maps(lake.spark, log.row_count(lake.root, table.name)):
        groups = _with_pruned_days(lake, table, aggregate, groups).persist()
        count = groups.count()
    return Computed(groups, count, *log.size(lake.root, table.name))


def from_changes(lake: Lake, table: Table, aggregate: Aggregate, after: int, version: int) -> Computed:
    """The groups whose row differs because of the changes after one version, up to another.

    out: `by`, `values`, and `_gone`: true where the group has no row left; its values are then null or 0.
    """
    changes = _changes(lake, table, aggregate, after, version)
    stored = lake.read(aggregate.name, log.version(lake.root, aggregate.name) or 0)
    sizes, files = [log.size_of_changes(lake.root, table.name, after)], None
    if aggregate.adjustable:
        groups = adjusted(changes, stored, aggregate)
    else:
        touched = changes.select(*aggregate.by).distinct().persist()
        rows, files = _rows_around(lake, table, aggregate, touched, version)
        largest_group = _largest_group(lake.root, table, aggregate)
        groups = recomputed(touched, rows, stored, aggregate, largest_group=largest_group)
        sizes.append(log.size(lake.root, table.name, files))
    with measures.lists_in_hash_maps(lake.spark, log.row_count(lake.root, table.name, files)):
        groups = groups.select(*aggregate.by, *aggregate.values, "_gone").persist()
        count = groups.count()
    files_read, bytes_read = (sum(numbers) for numbers in zip(*sizes, strict=True))
    return Computed(groups, count, files_read, bytes_read)


def adjusted(changes: DataFrame, stored: DataFrame, aggregate: Aggregate) -> DataFrame:
    """The groups whose counts the changes alter, with their new counts. Only for an `adjustable` aggregate.

    in: `changes` with `by` and `_change_type`, `stored` as the aggregate is. out: `by`, `measures`, `_gone`.
    """
    added = F.when(change_feed.is_new_state(), 1).otherwise(-1)
    first, *others = aggregate.measures
    differences = changes.groupBy(*aggregate.by).agg(F.sum(added).alias("_added")).where("_added != 0")
    same_group = _same(aggregate.by, "change", "stored")
    joined = differences.alias("change").join(stored.alias("stored"), same_group, "left")
    count = F.coalesce(F.col(f"stored.{first}"), F.lit(0)) + F.col("change._added")
    dimensions = [F.col(f"change.{name}").alias(name) for name in aggregate.by]
    return joined.select(*dimensions, *(count.alias(name) for name in (first, *others)), (count == 0).alias("_gone"))


def recomputed(
    touched: DataFrame,
    rows: DataFrame,
    stored: DataFrame,
    aggregate: Aggregate,
    *,
    largest_group: int | None = None,
) -> DataFrame:
    """The groups among the touched ones whose measures differ from the stored ones.

    in: `touched` with `by`, one row a group; `rows` of the table with the dimensions, all those of the touched groups
    among them; `stored` as the aggregate is. out: `by`, `values`, `_gone`.
    """
    by, exists = aggregate.by, F.lit(True)
    members = rows.alias("rows").join(touched.alias("touched"), _same(by, "rows", "touched"), "left_semi")
    new = measures.compute(members, aggregate, largest_group=largest_group).withColumn("_exists", exists)
    joined = (
        touched.alias("touched")
        .join(new.alias("new"), _same(by, "touched", "new"), "left")
        .join(stored.withColumn("_exists", exists).alias("stored"), _same(by, "touched", "stored"), "left")
    )
    differs = ~_same(("_exists", *aggregate.values), "new", "stored")
    dimensions = [F.col(f"touched.{name}").alias(name) for name in by]
    values = [F.col(f"new.{name}").alias(name) for name in aggregate.values]
    return joined.where(differs).select(*dimensions, *values, F.col("new._exists").isNull().alias("_gone"))


def _changes(lake: Lake, table: Table, aggregate: Aggregate, after: int, version: int) -> DataFrame:
    """The table's change feed with the aggregate's dimensions; without pruned days, whose groups stay as they are."""
    changes = lake.changes(table.name, after, version)
    if day := _first_kept_day(lake.root, table, aggregate):
        changes = changes.where(F.col("date") >= literal(day))
    return measures.with_dimensions(changes, aggregate)


def _rows_around(
    lake: Lake, table: Table, aggregate: Aggregate, touched: DataFrame, version: int
) -> tuple[DataFrame, pc.Expression | None]:
    """The table's rows in the partitions of the touched groups, with their dimensions; and which files hold them."""
    rows, files = lake.read(table.name, version), None
    if columns := [name for name in table.exact_partitions if name in aggregate.by]:
        values = [tuple(row) for row in touched.select(*columns).distinct().collect()]
        rows = rows.where(Partitions(tuple(columns), tuple(values)).holds())
        files = _files_of_partitions(columns, values)
    return measures.with_dimensions(rows, aggregate), files


def _files_of_partitions(columns: Sequence[str], values: Sequence[tuple]) -> pc.Expression:
    tests = (pc.field(f"partition.{name}").isin([value[i] for value in values]) for i, name in enumerate(columns))
    return reduce(lambda a, b: a & b, tests)


def _largest_group(lake: str, table: Table, aggregate: Aggregate) -> int | None:
    """A number of rows that no group exceeds: a group lies within one value of the partitions that it is grouped by.

    None if the table's log does not count the rows of each file.
    """
    columns = [f"partition.{name}" for name in table.partition_by if name in aggregate.by]
    rows = Counter[tuple]()
    for entry in log.entries(lake, table.name):
        if entry["num_records"] is None:
            return None
        rows[tuple(entry[column] for column in columns)] += entry["num_records"]
    return max(rows.values(), default=0)


def _first_kept_day(lake: str, table: Table, aggregate: Aggregate) -> date | None:
    """The day before which records were pruned, so that groups by date cannot be computed any more."""
    return log.stored(lake, table.name).pruned_before if "date" in aggregate.by else None


def _with_pruned_days(lake: Lake, table: Table, aggregate: Aggregate, groups: DataFrame) -> DataFrame:
    """The groups, with those of pruned days taken from the stored aggregate."""
    day, version = _first_kept_day(lake.root, table, aggregate), log.version(lake.root, aggregate.name)
    if day is None or version is None:
        return groups
    stored = lake.read(aggregate.name, version).where(F.col("date") < literal(day))
    columns = [name for name in groups.columns if name in stored.columns]
    return groups.where(F.col("date") >= literal(day)).unionByName(stored.select(*columns), allowMissingColumns=True)


def _same(columns: Iterable[str], left: str, right: str) -> Column:
    """Whether two joined frames have the same values in the columns; null is a value like any other."""
    tests = (F.col(f"{left}.{name}").eqNullSafe(F.col(f"{right}.{name}")) for name in columns)
    return reduce(lambda a, b: a & b, tests)
