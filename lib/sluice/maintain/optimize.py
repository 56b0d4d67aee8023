"""Rewriting a table in few files of a good size, clustered by its key, if its log shows that this gains anything."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from typing import Any

from sluice.catalog import drift
from sluice.errors import counted
from sluice.lake import log
from sluice.lake.lake import FILE_BYTES
from sluice.ledger.recording import locked, recorded
from sluice.maintain.versions import report_version
from sluice.model.table import AnyTable, Table
from sluice.runtime.job import Job

_MARKED = 0.05  # of a table's rows: from here on Delta compacts files for the sake of their deletion vectors
_OVERLAP = 1.5  # worth clustering from here on: two files whose ranges of keys overlap have it


def optimize(job: Job, source: AnyTable) -> None:
    """Compacts and clusters a table or aggregate. Its rows stay as they are, and so does what is built on them.

    Raises InputError if the table does not exist, UsageError if it is not as declared.
    """
    report_version(job, source)
    if isinstance(source, Table):
        drift.refuse_changed(job.settings.lake, source)
    gain, found = _gain(job, source)
    if not gain or job.settings.dry_run:
        job.progress.log(found)
        return
    job.expect([source.name])
    lake = job.lake
    with locked(job, source.name):
        gain, found = _gain(job, source)  # another run may have had the lock
        job.progress.log(found)
        if not gain:
            return
        with recorded(job, source.name, {"action": "optimize"}), job.step("optimize"):
            lake.optimize(source.name, cluster_by(source))
            files, size = log.size(lake.root, source.name)
            job.progress.log(f"{source.name}: now {_sized(files, size)}")
            report_version(job, source)
            job.report.status = "succeeded"


def cluster_by(source: AnyTable) -> str | None:
    """The first column of a table's key: clustered by it, a merge passes over most files.

    None for aggregates, which are small, and for tables with partitions, by which a merge passes over files already.
    """
    return source.key[0] if isinstance(source, Table) and not source.partition_by else None


def _gain(job: Job, source: AnyTable) -> tuple[bool, str]:
    """Whether there is something to gain, by the table's log alone, and a line that says how much.

    Sets the report's status.
    """
    root, column = job.settings.lake, cluster_by(source)
    entries = log.entries(root, source.name)
    small = _small_files(entries)
    overlap = _overlap(entries, column) if column else 1.0
    marked = log.marked_rows(root, source.name)
    many_marked = marked >= _MARKED * max(sum(entry["num_records"] or 0 for entry in entries), 1)
    gain = (small > 1 or overlap >= _OVERLAP or many_marked) and not log.optimized(root, source.name, column)
    files = _sized(len(entries), sum(entry["size_bytes"] for entry in entries))
    spread = f", a key may be in {overlap:.1f} of them" if column else ""
    spread += f", {counted(marked, 'row')} of them {'is' if marked == 1 else 'are'} marked as deleted" if marked else ""
    job.report.status = "succeeded" if gain else "nothing_new"
    return gain, f"{source.name}: {files}: {f'{small:,} could be joined{spread}' if gain else 'nothing to gain'}"


def _sized(files: int, size: int) -> str:
    return f"{counted(files, 'file')} of {counted(size, 'byte')}"


def _small_files(entries: list[dict[str, Any]]) -> int:
    """How many files could be joined with another: both are at most half of a full one, and of the same partition."""
    small: Counter[tuple] = Counter()
    for entry in entries:
        if entry["size_bytes"] <= FILE_BYTES // 2:
            small[tuple(value for name, value in entry.items() if name.startswith("partition."))] += 1
    return sum(count for count in small.values() if count > 1)


def _overlap(entries: list[dict[str, Any]], column: str) -> float:
    """In how many files' ranges of the column the least value of a file lies, on average; 1 if no ranges overlap."""
    ranges = [(entry.get(f"min.{column}"), entry.get(f"max.{column}")) for entry in entries]
    known = [(low, high) for low, high in ranges if low is not None and high is not None]
    lows, highs = sorted(low for low, _ in known), sorted(high for _, high in known)
    around = [bisect_right(lows, low) - bisect_left(highs, low) for low in lows]
    return sum(around) / len(around) if around else 1.0
