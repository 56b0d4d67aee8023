"""Whether a merge marks replaced rows as deleted (Delta's deletion vectors), or writes their files anew without them.

A mark takes some bytes, where a file written anew takes up to 64 MB, however few of its rows change. But tools that do
not know deletion vectors refuse a table that has had them, and readers look at the marks of each file. So they are for
a few rows of a large table, unless the table's declaration says otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sluice.lake import log
from sluice.lake.lake import FILE_BYTES

if TYPE_CHECKING:
    from sluice.ingest.classify import Classified
    from sluice.ingest.plan import Plan

LARGE = FILE_BYTES  # of a table
_REPLACING = ("updated", "removed", "deleted")  # outcomes of rows whose stored row goes


class Marking(NamedTuple):
    """Whether a merge marks rows, and whether the table's property, which allows it, changes before."""

    marks: bool
    changes_table: bool


def decide(lake: str, plan: Plan, classified: Classified) -> Marking:
    """How to merge classified rows into the plan's table, which exists."""
    if not any(classified.counts.get(outcome) for outcome in _REPLACING):
        return Marking(False, False)
    declared, stored = plan.table.deletion_vectors, log.stored(lake, plan.table.name)
    if declared is None:
        marks = classified.few and (stored.deletion_vectors or log.size(lake, plan.table.name)[1] >= LARGE)
        return Marking(marks, marks and not stored.deletion_vectors)
    return Marking(declared, declared != stored.deletion_vectors)
