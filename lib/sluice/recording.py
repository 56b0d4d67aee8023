"""A run that writes a table: it holds the table's lock and is kept in `runs`, whatever becomes of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sluice import ledger, lock
from sluice.cli import Job, note_failure
from sluice.lake import Lake


@contextmanager
def held(job: Job, lake: Lake, table: str) -> Iterator[None]:
    """Holds a table's lock for this run."""
    timeout, tell = job.settings.lock_timeout, job.progress.tell
    with lock.held_by_jvm(lake.spark, lake.root, table, lake.run_id, timeout, tell):
        yield


@contextmanager
def recorded(job: Job, arguments: dict[str, Any]) -> Iterator[None]:
    """Keeps the run in `runs`, whatever becomes of it; a dry run leaves nothing."""
    if job.settings.dry_run:
        yield
        return
    lake, started_at = job.settings.lake, datetime.now(UTC)
    attempt = ledger.start_run(lake, job.report, arguments)
    try:
        yield
    except BaseException as failure:
        note_failure(job.report, failure)
        ledger.finish_run(lake, job.report, attempt, started_at, arguments)
        raise
    ledger.finish_run(lake, job.report, attempt, started_at, arguments)
