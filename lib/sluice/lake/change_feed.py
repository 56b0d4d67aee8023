"""A table's change feed: whether it leads from one version to another, and the last state of each key in it."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from sluice.lake import log
from sluice.lake.log import State

_FEED_GONE = (
    *("CHANGE_DATA", "CHANGE_TABLE", "FileNotFound", "FILE_NOT_EXIST", "VERSION_NOT_FOUND", "VersionNotFound"),
    "were vacuumed",  # by `rows.query_errors`
)


class NotEnough(Exception):
    """The changes do not suffice to refresh a table that is built on them: all rows must be read. Says why."""


def obstacle(lake: str, table: str, since: State, current: State) -> str | None:
    """Why the feed does not lead from `since` to `current`; None if it does."""
    if since.table_id != current.table_id or since.version > current.version:
        return f"table {table} was made anew"
    if not log.is_same_commit(lake, table, since.version, since.mark):
        return f"table {table} was made anew: version {since.version} is another commit than before"
    if log.restored(lake, table, since.version):
        return f"table {table} was restored, or its log does not reach back"
    return None


def is_new_state() -> Column:
    """Whether a row of the feed is a row of the table after its version, not a row as it was before."""
    return F.col("_change_type").isin("insert", "update_postimage")


def last_states(feed: DataFrame, key: Sequence[str]) -> DataFrame:
    """The last row of each key in the feed: its row after all versions, or, without `is_new_state`, a deleted one.

    in, out: the table's columns, `_change_type`, `_commit_version`; out: one row a key.
    """
    # within a version a new state comes after an old one: an overwrite deletes and inserts
    newest_first = Window.partitionBy(*key).orderBy(F.col("_commit_version").desc(), is_new_state().desc())
    return feed.withColumn("_nth", F.row_number().over(newest_first)).where("_nth = 1").drop("_nth")


def feed_gone(error: Exception) -> bool:
    """Whether a read of the feed failed because its files or versions no longer exist: Delta has no class for it."""
    return any(sign in str(error) for sign in _FEED_GONE)
