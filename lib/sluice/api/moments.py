"""Moments as users give them, and the version that a table had then."""

from __future__ import annotations

from datetime import UTC, date, datetime
from operator import index
from typing import TypeAlias

from sluice.errors import UsageError
from sluice.lake import log

Moment: TypeAlias = datetime | date | str  # text is ISO 8601; UTC unless it says another zone


def moment(given: Moment) -> datetime:
    """A moment in UTC. Raises UsageError for what is none."""
    try:
        if isinstance(given, date) and not isinstance(given, datetime):
            given = given.isoformat()
        found = given if isinstance(given, datetime) else datetime.fromisoformat(given)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise UsageError(f"{given!r} is not a time: give a datetime, or text such as '2024-10-15 08:30'") from None


def version_of(lake: str, table: str, given: int | Moment, *, before_all: bool = False) -> int:
    """A version given by its number, or by a moment: the last one that was committed by then.

    Raises UsageError for one that the table does not have. `before_all`: gives -1 for a moment before the table was
    made.
    """
    current = log.required_state(lake, table).version
    if isinstance(given, Moment):
        return _version_at(lake, table, moment(given), before_all)
    try:
        version = index(given)
    except TypeError:
        raise UsageError(f"{given!r} is neither a version nor a time: give a number or a datetime") from None
    if not 0 <= version <= current:
        raise UsageError(f"table {table} has no version {version}: choose one from 0 to {current}")
    return version


def _version_at(lake: str, table: str, at: datetime, before_all: bool) -> int:
    commits = log.history(lake, table)
    versions = [commit["version"] for commit in commits if log.time_of(commit) <= at]
    if versions:
        return int(max(versions))
    oldest = min(commits, key=lambda commit: int(commit["version"]))
    if before_all and oldest["version"] == 0:
        return -1
    began = "was made" if oldest["version"] == 0 else "has a log only"
    raise UsageError(f"table {table} {began} since {log.time_of(oldest):%Y-%m-%d %H:%M:%S} UTC: choose a later time")
