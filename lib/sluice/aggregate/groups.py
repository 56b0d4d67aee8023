"""Aggregates by group: all groups from a table's rows, or those that its changes touch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from functools import reduce
from typing import Any

import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sluice.aggregate import measures
from sluice.lake import change_feed as feed
from sluice.lake import log
from sluice.lake.lake import Lake
from sluice.lake.scope import Partitions
from sluice.model.aggregate import Aggregate
from sluice.model.table import Table


def from_all(lake: Lake, table: Table, aggregate: Aggregate, version: int) -> DataFrame:
    """One row a group of the table's rows at a version, kept in memory; those of pruned days as they were."""
    rows, at_most = lake.read(table.name, version), _at_most(lake.root, table, aggregate)
    computed = measures.compute(rows, aggregate, at_most=at_most)
    with measures.gathering(lake.spark, log.row_count(lake.root, table.name)):
        groups = _with_frozen(lake, table, aggregate, computed).persist()
        groups.count()
    return groups


def from_changes(
    lake: Lake, table: Table, aggregate: Aggregate, after: int, version: int
) -> tuple[DataFrame, tuple[int, int]]:
    """The groups whose row the changes after a version make another, kept in memory; files and bytes read for them.

    `_gone` where no row is left.
    """
    changes = lake.changes(table.name, after, version)
    if day := _first_day(lake.root, table, aggregate):
        changes = changes.where(F.col("date") >= F.lit(day))
    changes = measures.with_dimensions(changes, aggregate)
    old = lake.read(aggregate.name, log.version(lake.root, aggregate.name) or 0)
    read, where = [log.size_of_changes(lake.root, table.name, after)], None
    if aggregate.adjustable:
        groups = adjusted(changes, old, aggregate)
    else:
        touched = changes.select(*aggregate.by).distinct().persist()
        rows, where = _rows_around(lake, table, aggregate, touched, version)
        groups = recomputed(touched, rows, old, aggregate, _at_most(lake.root, table, aggregate))
        read.append(log.size(lake.root, table.name, where=where))
    with measures.gathering(lake.spark, log.row_count(lake.root, table.name, where)):
        groups = groups.select(*aggregate.by, *aggregate.values, F.col("_gone")).persist()
        groups.count()
    files, size = (sum(values) for values in zip(*read, strict=True))
    return groups, (files, size)


def _rows_around(
    lake: Lake, table: Table, aggregate: Aggregate, touched: DataFrame, version: int
) -> tuple[DataFrame, Any]:
    """The table's rows in the partitions of the touched groups, with their dimensions; what chooses their files."""
    rows, where = lake.read(table.name, version), None
    if places := [name for name in table.partition_by if name in aggregate.by]:
        found = [tuple(row) for row in touched.select(*places).distinct().collect()]
        rows = rows.where(Partitions(tuple(places), tuple(found)).holds())
        where = _in_partitions(places, found)
    return measures.with_dimensions(rows, aggregate), where


def _at_most(lake: str, table: Table, aggregate: Aggregate) -> int | None:
    """How many rows no group exceeds: those of the largest partition of the table, where groups lie in one each.

    None if the table's log does not tell.
    """
    names = [f"partition.{name}" for name in table.partition_by if name in aggregate.by]
    entries, rows = log.entries(lake, table.name), Counter[tuple]()
    for entry in entries:
        rows[tuple(entry[name] for name in names)] += entry["num_records"] or 0
    return None if any(entry["num_records"] is None for entry in entries) else max(rows.values(), default=0)


def _first_day(lake: str, table: Table, aggregate: Aggregate) -> date | None:
    """The day before which the aggregate's rows are frozen, as their records were pruned."""
    return log.stored(lake, table.name).pruned_before if "date" in aggregate.by else None


def _with_frozen(lake: Lake, table: Table, aggregate: Aggregate, groups: DataFrame) -> DataFrame:
    """The groups, those of pruned days as the aggregate has them."""
    day, version = _first_day(lake.root, table, aggregate), log.version(lake.root, aggregate.name)
    if day is None or version is None:
        return groups
    old = lake.read(aggregate.name, version).where(F.col("date") < F.lit(day))
    kept = [name for name in groups.columns if name in old.columns]
    return groups.where(F.col("date") >= F.lit(day)).unionByName(old.select(*kept), allowMissingColumns=True)


def _in_partitions(columns: Sequence[str], values: Sequence[tuple]) -> Any:
    tests = (pc.field(f"partition.{name}").isin([value[i] for value in values]) for i, name in enumerate(columns))
    return reduce(lambda a, b: a & b, tests)


def adjusted(changes: DataFrame, old: DataFrame, aggregate: Aggregate) -> DataFrame:
    """The groups whose counts the changes alter, with their new counts; `_gone` where no row is left."""
    sign = F.when(feed.is_new_state(), 1).otherwise(-1)
    first, *others = aggregate.measures
    change = changes.groupBy(*aggregate.by).agg(F.sum(sign).alias("_change")).where("_change != 0")
    joined = change.alias("change").join(old.alias("old"), _same(aggregate.by, "change", "old"), "left")
    count = F.coalesce(F.col(f"old.{first}"), F.lit(0)) + F.col("change._change")
    dimensions = [F.col(f"change.{column}").alias(column) for column in aggregate.by]
    return joined.select(*dimensions, *(count.alias(name) for name in (first, *others)), (count == 0).alias("_gone"))


def recomputed(
    touched: DataFrame, rows: DataFrame, old: DataFrame, aggregate: Aggregate, at_most: int | None = None
) -> DataFrame:
    """Those of the touched groups whose measures are not what they were; `_gone` where no row is left."""
    members = rows.alias("rows").join(touched.alias("touched"), _same(aggregate.by, "rows", "touched"), "left_semi")
    new = measures.compute(members, aggregate, at_most=at_most).withColumn("_there", F.lit(True))
    both = touched.alias("touched").join(new.alias("new"), _same(aggregate.by, "touched", "new"), "left")
    both = both.join(old.withColumn("_there", F.lit(True)).alias("old"), _same(aggregate.by, "touched", "old"), "left")
    compared = ("_there", *aggregate.values)
    differs = reduce(lambda a, b: a | b, (~F.col(f"new.{c}").eqNullSafe(F.col(f"old.{c}")) for c in compared))
    dimensions = [F.col(f"touched.{column}").alias(column) for column in aggregate.by]
    values = [F.col(f"new.{name}").alias(name) for name in aggregate.values]
    return both.where(differs).select(*dimensions, *values, F.col("new._there").isNull().alias("_gone"))


def _same(columns: Sequence[str], left: str, right: str) -> Column:
    return reduce(
        lambda a, b: a & b, (F.col(f"{left}.{column}").eqNullSafe(F.col(f"{right}.{column}")) for column in columns)
    )
