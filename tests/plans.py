"""Plans of PostgreSQL."""

from __future__ import annotations


def nodes(plan):
    """The kinds of a plan's nodes, from the top."""
    return [plan["Node Type"], *(kind for each in plan.get("Plans", ()) for kind in nodes(each))]


def plan_of(database, statement):
    [([explained],)] = database(f"EXPLAIN (FORMAT JSON) {statement}")
    return explained["Plan"]
