"""What a run commits: deletes to remember, then the changes of the table, then what the ledger says of its files."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from sluice.ingest.classify import CHANGES, DELETES, Classified
from sluice.ingest.marking import decide
from sluice.lake import log
from sluice.ledger import deletes, rejects
from sluice.ledger.ingested_files import record_files

if TYPE_CHECKING:
    from sluice.ingest.plan import Plan
    from sluice.ingest.read import Read
    from sluice.lake.lake import Lake
    from sluice.lake.scope import MergeScope
    from sluice.model.table import Table


def _changes(lake: Lake, table: Table, rows: DataFrame, at: datetime) -> DataFrame:
    """The rows to insert, update or remove. out: the table's columns, `ingested_at` (`at`, UTC), `run_id`, `_gone`:
    whether the row's key is removed; one row a key."""
    return rows.where(F.col("_outcome").isin(*CHANGES)).select(
        *table.column_names,
        F.lit(at).alias("ingested_at"),
        F.lit(lake.run_id).alias("run_id"),
        F.col("_outcome").isin("removed", "deleted").alias("_gone"),
    )


def create(lake: Lake, plan: Plan, rows: DataFrame, at: datetime) -> dict[str, int]:
    """Makes a table of classified rows, and counts their outcomes in the same pass."""
    seen = Observation()
    outcomes = ("duplicate", "inserted", "absent")
    counts = [F.count(F.when(F.col("_outcome") == name, True)).alias(name) for name in outcomes]
    changes = _changes(lake, plan.table, rows.observe(seen, *counts), at).drop("_gone")
    if plan.table.partition_by and not plan.table.occurrences:  # those are spread by their partitions already
        changes = changes.hint("rebalance", *plan.table.partition_by)
    lake.create(plan.table, changes, _declaration(plan))
    return dict(seen.get)


def merge(lake: Lake, plan: Plan, classified: Classified, at: datetime) -> None:
    """Puts the changes into the table. Raises RuntimeError where Delta counts other rows than were classified."""
    table, counts = plan.table, classified.counts
    changes = _changes(lake, table, classified.rows, at)
    if plan.version is None:
        lake.create(table, changes.where("NOT _gone").drop("_gone"), _declaration(plan))
        return
    expected = {outcome: counts.get(outcome, 0) for outcome in ("inserted", "updated")}
    expected["removed"] = counts.get("removed", 0) + counts.get("deleted", 0)
    if plan.to_add:
        lake.add_columns(table.name, plan.to_add)
    marking = decide(lake.root, plan, classified)
    if marking.changes_table:
        lake.set_deletion_vectors(table.name, marking.marks)
    if not any(expected.values()):
        return
    if expected["updated"] or expected["removed"]:
        merged = _merged(lake, table, changes, classified.within, expected, marks=marking.marks)
    else:
        merged = {**expected, "inserted": _appended(lake, plan, changes, _version_after(lake, plan, classified))}
    if merged != expected:
        raise RuntimeError(f"table {table.name}: Delta merged {merged}, expected {expected}: maintain restore it")


def _merged(
    lake: Lake, table: Table, changes: DataFrame, within: MergeScope | None, expected: Mapping[str, int], *, marks: bool
) -> dict[str, int]:
    return lake.merge(
        table.name,
        changes if expected["removed"] else changes.drop("_gone"),
        table.key,
        within,
        inserting=expected["inserted"] > 0,
        updating=expected["updated"] > 0,
        removing=expected["removed"] > 0,
        marking=marks,
    )


def _appended(lake: Lake, plan: Plan, changes: DataFrame, version: int) -> int:
    """Adds rows whose keys are all new, and counts them; a merge would look for their keys in the table once more.

    `version`: what the table's version is to be after it. Rows in a commit that is another's are not counted.
    """
    lake.append(plan.table.name, changes.drop("_gone").hint("rebalance", *plan.table.partition_by), plan.table.key)
    return log.rows_written(lake.root, plan.table.name, version, lake.run_id)


def _declaration(plan: Plan) -> Mapping[str, Any] | None:
    """What a new table is declared as, without the columns that its first files add; None of a built-in table."""
    return plan.declared.declaration if plan.declared.origin else None


def remember_deletes(lake: Lake, plan: Plan, classified: Classified, at: datetime) -> None:
    """Keeps in `sluice_deletes` what the merge will delete: before it, so that a killed run does not lose it."""
    if not any(classified.counts.get(name) for name in DELETES):
        return
    rows = _to_remember(lake, plan.table, classified.rows.where(F.col("_outcome").isin(*DELETES)))
    if rows is not None:
        deletes.remember(lake, plan.table, rows, at, _version_after(lake, plan, classified))


def _version_after(lake: Lake, plan: Plan, classified: Classified) -> int:
    """The table's version once the run is merged."""
    if plan.version is None:
        return int(_declaration(plan) is not None)  # which is a commit before the rows
    before = bool(plan.to_add) + decide(lake.root, plan, classified).changes_table
    return plan.version + before + any(classified.counts.get(name) for name in CHANGES)


def _to_remember(lake: Lake, table: Table, rows: DataFrame) -> DataFrame | None:
    """Of the deleting rows those that must be remembered: without them a late row could not be recognised as older.

    As long as a file of the table has rejects, it can be replayed: then all of them. Else, with an ordering column,
    those whose key was not deleted at the same value already; without one none (None).
    """
    if rejects.files_with_rejects(lake.root, table.name):
        return rows
    return rows.where(~F.col("_buried.order").eqNullSafe(F.col(table.order_by))) if table.order_by else None


def record(lake: Lake, plan: Plan, read: Read) -> int:
    """Notes in the ledger that the table holds the files; gives the table's version."""
    table = plan.table
    if table.origin and log.stored(lake.root, table.name).declaration != plan.declared.declaration:
        lake.declare(plan.declared)
    state = log.required_state(lake.root, table.name)
    record_files(lake.root, table.name, state, read.tallies, lake.writer)
    return state.version
