"""Whether a table's change feed leads from a version to the current one, or why all rows must be read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sluice.lake import log

_FEED_GONE = ("CHANGE_DATA", "CHANGE_TABLE", "FileNotFound", "FILE_NOT_EXIST", "VERSION_NOT_FOUND", "VersionNotFound")


class NotEnough(Exception):
    """The changes do not tell what has become of a table built on them: all rows must be read. Says why."""


def obstacle(lake: str, table: str, since: tuple[str, int], current: tuple[str, int]) -> str | None:
    """Why the feed does not lead from `since` to `current` (each a table id and version); None if it does."""
    if since[0] != current[0] or since[1] > current[1]:
        return f"table {table} was made anew"
    if log.restored(lake, table, since[1]):
        return f"table {table} was restored, or its log does not reach back"
    return None


def is_there() -> Any:
    """Of a row of the feed: whether it tells what the row is after its version, not what it was before."""
    from pyspark.sql import functions as F

    return F.col("_change_type").isin("insert", "update_postimage")


def last_states(feed: Any, key: Sequence[str]) -> Any:
    """Of each key the last row of the feed, which tells what it is after all versions, or that it is gone."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    # within a version a row that is there comes after one that is not: an overwrite deletes and inserts
    newest_first = Window.partitionBy(*key).orderBy(F.col("_commit_version").desc(), is_there().desc())
    return feed.withColumn("_nth", F.row_number().over(newest_first)).where("_nth = 1").drop("_nth")


def feed_gone(error: Exception) -> bool:
    """Whether a read of the feed failed because its files or versions are not there any more."""
    return any(sign in str(error) for sign in _FEED_GONE)
