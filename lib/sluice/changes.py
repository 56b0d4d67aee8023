"""Whether a table's change feed leads from a version to the current one, or why all rows must be read."""

from __future__ import annotations

from typing import Any

from sluice import bookkeeping

_FEED_GONE = ("CHANGE_DATA", "CHANGE_TABLE", "FileNotFound", "FILE_NOT_EXIST", "VERSION_NOT_FOUND", "VersionNotFound")


def obstacle(lake: str, table: str, since: tuple[str, int], current: tuple[str, int]) -> str | None:
    """Why the feed does not lead from `since` to `current` (each a table id and version); None if it does."""
    if since[0] != current[0] or since[1] > current[1]:
        return f"table {table} was made anew"
    if bookkeeping.restored(lake, table, since[1]):
        return f"table {table} was restored, or its log does not reach back"
    return None


def is_there() -> Any:
    """Of a row of the feed: whether it tells what the row is after its version, not what it was before."""
    from pyspark.sql import functions as F

    return F.col("_change_type").isin("insert", "update_postimage")


def feed_gone(error: Exception) -> bool:
    """Whether a read of the feed failed because its files or versions are not there any more."""
    return any(sign in str(error) for sign in _FEED_GONE)
