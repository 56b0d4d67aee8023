"""A table rewritten in few files of a good size, clustered by its key, where its log says that this gains anything."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter

from sluice.catalog import drift
from sluice.lake import log
from sluice.ledger.recording import locked, recorded
from sluice.maintain.versions import current_version
from sluice.model.table import AnyTable, Table
from sluice.runtime.job import Job

FILE_BYTES = 64 * 1024 * 1024  # spark.databricks.delta.optimize.maxFileSize
_OVERLAP = 1.5  # files that a key may be in, on average, in a clustered table; two files of the same keys have as many


def optimize(job: Job, source: AnyTable) -> None:
    """Compacts and clusters a table or aggregate; its rows, and what is built on them, stay as they are."""
    current_version(job, source)
    if isinstance(source, Table):
        drift.refuse_changed(job.settings.lake, source)
    if _nothing_to_gain(job, source) or job.settings.dry_run:
        return
    lake = job.lake
    with locked(job, source.name):
        if _nothing_to_gain(job, source):  # another run may have had the lock
            return
        with recorded(job, source.name, {"action": "optimize"}), job.step("optimize"):
            lake.optimize(source.name, cluster_by(source))
            files, size = log.size(lake.root, source.name)
            job.progress.log(f"{source.name}: now {files:,} files of {size:,} bytes")
            current_version(job, source)
            job.report.status = "succeeded"


def cluster_by(source: AnyTable) -> str | None:
    """The column by which a merge passes over files: it bounds the key's first, where no partitions do."""
    return source.key[0] if isinstance(source, Table) and not source.partition_by else None


def _nothing_to_gain(job: Job, source: AnyTable) -> bool:
    """Tells and reports what is to be done about the table, by its log alone."""
    root, column = job.settings.lake, cluster_by(source)
    entries = log.entries(root, source.name)
    small = _small_files(entries)
    overlap = _overlap(entries, column) if column else 1.0
    gain = (small > 1 or overlap >= _OVERLAP) and not log.optimized(root, source.name, column)
    size = sum(entry["size_bytes"] for entry in entries)
    said = f"{small:,} could be joined" + (f", a key may be in {overlap:.1f} of them" if column else "")
    job.progress.log(f"{source.name}: {len(entries):,} files of {size:,} bytes: {said if gain else 'nothing to gain'}")
    job.report.status = "succeeded" if gain else "nothing_new"
    return not gain


def _small_files(entries: list[dict]) -> int:
    """Files of which two fit into one; only files of the same partition can be joined."""
    small: Counter[tuple] = Counter()
    for entry in entries:
        if entry["size_bytes"] <= FILE_BYTES // 2:
            small[tuple(value for name, value in entry.items() if name.startswith("partition."))] += 1
    return sum(count for count in small.values() if count > 1)


def _overlap(entries: list[dict], column: str) -> float:
    """In how many files' ranges of the column a file's least value lies, on average."""
    ranges = [(entry.get(f"min.{column}"), entry.get(f"max.{column}")) for entry in entries]
    known = [(low, high) for low, high in ranges if low is not None and high is not None]
    lows, highs = sorted(low for low, _ in known), sorted(high for _, high in known)
    around = [bisect_right(lows, low) - bisect_left(highs, low) for low in lows]
    return sum(around) / len(around) if around else 1.0
