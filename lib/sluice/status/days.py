"""How many rows a table's runs read on each day, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, timedelta
from typing import Any

from sluice.status.run_log import document

OUTCOMES = ("inserted", "updated", "other", "rejected")  # other: duplicate, unchanged, deleted
DAYS = 30


def rows_by_day(runs: Iterable[dict[str, Any]], today: date) -> dict[str, dict[date, dict[str, int]]]:
    """Table → day (UTC), of the last thirty up to `today` → outcome → rows. Only tables that read any have an entry.

    in: rows of `runs` that succeeded in reading files.
    """
    days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    found: dict[str, dict[date, dict[str, int]]] = {}
    for run in runs:
        report = document(run["report"])
        day = run["finished_at"].astimezone(UTC).date() if run["finished_at"] else None
        if day not in days or not report.get("rows_read"):
            continue
        table = found.setdefault(run["table"], {each: dict.fromkeys(OUTCOMES, 0) for each in days})
        for outcome, rows in _outcomes(report).items():
            table[day][outcome] += rows
    return {table: found[table] for table in sorted(found)}


def _outcomes(report: dict[str, Any]) -> dict[str, int]:
    named = {name: int(report.get(f"rows_{name}") or 0) for name in OUTCOMES if name != "other"}
    return {**named, "other": int(report["rows_read"]) - sum(named.values())}
