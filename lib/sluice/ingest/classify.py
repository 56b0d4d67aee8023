"""What becomes of each row of a run: one outcome a row, decided once, by the rows of the run and those of the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sluice.ingest import dedupe, occurrences
from sluice.lake import log, scope
from sluice.lake.scope import MergeScope
from sluice.ledger import deletes

if TYPE_CHECKING:
    from sluice.ingest.plan import Plan
    from sluice.ingest.read import Read
    from sluice.lake.lake import Lake
    from sluice.model.table import Table

CHANGES = ("inserted", "updated", "removed", "deleted")  # outcomes that change the table
DELETES = ("deleted", "absent")  # outcomes of a row that deletes its key: the key was in the table, or was not
FEW = 10  # rows are few if the table has so many times more


@dataclass(frozen=True)
class Classified:
    """The rows of a run with their outcomes (see `classify`), the number of rows of each outcome, where in the table
    rows of the same keys can be (None: anywhere), and whether the rows are few against the table."""

    rows: DataFrame
    counts: Mapping[str, int]
    within: MergeScope | None
    few: bool


def against_table(lake: Lake, plan: Plan, read: Read) -> Classified:
    """Classifies a run's rows against the stored table and counts the outcomes; the rows are kept in memory."""
    few = read.rows_read * FEW < log.row_count(lake.root, plan.table.name)
    within = _scope(plan, read, few=few)
    rows = classify(lake, plan, read, _stored_rows(lake, plan, within), few=few).persist()
    counts = {row["_outcome"]: row["count"] for row in rows.groupBy("_outcome").count().collect()}
    return Classified(rows, counts, within, few)


def _scope(plan: Plan, read: Read, *, few: bool) -> MergeScope | None:
    """Where the table may have rows of the same keys: in the same partitions, or in the range of `few` keys."""
    if read.key_partitions:
        values = {tuple(value) for tally in read.tallies for value in tally.partitions}
        return scope.Partitions(read.key_partitions, tuple(sorted(values, key=repr)))
    return scope.key_range(read.rows, plan.table.key) if few else None


def _stored_rows(lake: Lake, plan: Plan, within: MergeScope | None) -> DataFrame | None:
    """The table's rows in the scope, with the columns that it is to gain as null; None if there is no table yet."""
    if plan.version is None:
        return None
    stored = lake.read(plan.table.name, plan.version, within)
    return stored.select("*", *(F.lit(None).cast(kind).alias(name) for name, kind in plan.to_add.items()))


def classify(lake: Lake, plan: Plan, read: Read, stored: DataFrame | None, *, few: bool = False) -> DataFrame:
    """One row for each row of the run, and for each stored row that a corrected snapshot removes.

    out: `_outcome` string; the table's columns, null unless the outcome changes the table or deletes a key; where rows
    may delete keys also `_buried` and `_read_at`, if there are any.
    """
    table = plan.table
    rows = _marked(lake, plan, read, stored)
    outcomes = with_outcomes(rows, stored, table, few=few, replay=bool(plan.replayed))
    has_effect = F.col("_outcome").isin(*CHANGES, *DELETES)
    values = [F.when(has_effect, F.col(name)).alias(name) for name in table.column_names]
    if table.delete_when:
        values += [F.col(name) for name in ("_buried", "_read_at") if name in rows.columns]
    outcomes = outcomes.select("_outcome", *values)
    if stored is None or not table.replaces or plan.replayed:
        return outcomes
    removed = dedupe.removed(rows, stored, table.key, table.replaces)
    return outcomes.unionByName(removed.select(F.lit("removed").alias("_outcome"), *table.column_names))


def _marked(lake: Lake, plan: Plan, read: Read, stored: DataFrame | None) -> DataFrame:
    """The run's rows with all that decides their outcomes; each step reads only columns of the steps before it."""
    table, rows, replay = plan.table, read.rows, bool(plan.replayed)
    if table.occurrences:
        rows = occurrences.numbered(rows, table, read.tasks)  # adds the key, the occurrence, _superseded
    else:
        rows = _deduplicated(rows, table, read.tasks)  # adds _superseded
    if table.delete_when:
        rows = _with_deletes(rows, table)  # adds _deletes
    if table.delete_when and (table.order_by or replay):
        rows = deletes.with_buried(rows, lake, table)  # adds _buried
    if table.replaces:
        rows = dedupe.mark_replaced(rows, table.replaces)  # sets _superseded
    if replay:
        rows = _with_first_reading(rows, plan)  # adds _read_at, _read_by
    if replay and table.replaces and stored is not None:
        rows = dedupe.mark_outdated(rows, stored, table.replaces)  # sets _superseded
    return rows


def _deduplicated(rows: DataFrame, table: Table, tasks: int) -> DataFrame:
    """Adds `_superseded`: of a key's rows the one with the greatest `order_by` wins, else the last in order."""
    order = (*([table.order_by] if table.order_by else []), "_file", "_position")
    return dedupe.mark_superseded(rows.repartition(tasks, *table.key), table.key, order)


def _with_deletes(rows: DataFrame, table: Table) -> DataFrame:
    """Adds `_deletes`: whether a row deletes its key."""
    return rows.withColumn("_deletes", F.coalesce(F.expr(table.delete_when), F.lit(False)))


def _with_first_reading(rows: DataFrame, plan: Plan) -> DataFrame:
    """Adds `_read_at` and `_read_by`: when a row's file was read first, and the readings of it since."""
    readings = [plan.replayed[source.file.uri] for source in plan.sources]
    number = F.col("_file") + 1
    read_at = F.element_at(F.array(*(F.lit(reading.read_at) for reading in readings)), number)
    read_by = F.element_at(F.array(*(F.array(*map(F.lit, reading.read_by)) for reading in readings)), number)
    return rows.withColumn("_read_at", read_at).withColumn("_read_by", read_by)


def with_outcomes(
    rows: DataFrame, stored: DataFrame | None, table: Table, *, few: bool = False, replay: bool = False
) -> DataFrame:
    """Adds `_outcome`, by the first of these rules that applies to a row:

    1. duplicate: another row of its key in this run wins (`_superseded`)
    2. duplicate: the key's last delete has a greater `order_by` (`_buried.order`)
    3. duplicate: in a replay, the key's last delete came later (`_buried.at`, by `_buried.run_id`)
    4. duplicate: the stored row has a greater `order_by`
    5. inserted: the table has no row of its key; `absent` if the row deletes its key
    6. unchanged: the stored row has the same values, and the row does not delete its key
    7. duplicate: in a replay, the stored row came later
    8. deleted: the row deletes its key
    9. updated

    "Later" in a replay: after the row's file was read first (`_read_at`), not by a reading of it (`_read_by`),
    and with an equal `order_by` if the table has one.

    in: `rows` with the table's columns, `_superseded`, and `_deletes`, `_buried`, `_read_at`, `_read_by` where they
    apply; one row a record. `stored`: the table's rows (None: no table yet), whose keys are unique and never null.
    `few`: the rows are few against the table, which is then reduced to their keys before all else: Spark sends the keys
    to where the table is read, so that the table itself never moves.
    """
    key, order_by, columns = table.key, table.order_by, table.column_names
    deletes_key = F.col("_deletes") if "_deletes" in rows.columns else F.lit(False)
    outcome = F.when(F.col("_superseded"), "duplicate")
    if "_buried" in rows.columns and order_by:
        outcome = outcome.when(F.col("_buried.order") > F.col(order_by), "duplicate")
    if "_buried" in rows.columns and replay:
        buried_later = dedupe.came_later("_buried.at", "_buried.run_id", "_buried.order", order_by)
        outcome = outcome.when(buried_later, "duplicate")
    if stored is None:
        return rows.withColumn("_outcome", outcome.when(deletes_key, "absent").otherwise("inserted"))
    if order_by:
        outcome = outcome.when(F.col(f"_stored.{order_by}") > F.col(order_by), "duplicate")
    outcome = outcome.when(F.col("_stored").isNull(), F.when(deletes_key, "absent").otherwise("inserted"))
    # one comparison: a condition of two thousand parts is too deep for Spark
    same_values = F.struct(*columns).eqNullSafe(F.struct(*(F.col(f"_stored.{column}") for column in columns)))
    outcome = outcome.when(~deletes_key & same_values, "unchanged")
    if replay:
        stored_later = dedupe.came_later("_stored.ingested_at", "_stored.run_id", f"_stored.{order_by}", order_by)
        outcome = outcome.when(stored_later, "duplicate")
    outcome = outcome.when(deletes_key, "deleted").otherwise("updated")
    matches = _by_key(stored, rows, key, stored.columns if replay else columns, few=few)
    return rows.join(matches, list(key), "left").withColumn("_outcome", outcome).drop("_stored")


def _by_key(stored: DataFrame, rows: DataFrame, key: Sequence[str], columns: Sequence[str], *, few: bool) -> DataFrame:
    """out: the key and `_stored`, a struct of the columns; one row for each stored row, if `few` only for the keys of
    `rows`."""
    matches = stored.join(rows.select(*key), list(key), "left_semi") if few else stored
    return matches.select(*key, F.struct(*columns).alias("_stored"))
