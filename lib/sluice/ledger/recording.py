"""A run that writes a table: it holds the table's lock and is kept in `runs`, whatever becomes of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sluice.lake import lock
from sluice.ledger import runs as ledger
from sluice.runtime.exit import note_failure
from sluice.runtime.job import Job


@contextmanager
def locked(job: Job, table: str) -> Iterator[None]:
    """Holds a table's lock for this run."""
    settings, log = job.settings, job.progress.log
    with lock.held_by_jvm(job.spark, settings.lake, table, settings.run_id, settings.lock_timeout, log):
        yield


@contextmanager
def recorded(job: Job, table: str, arguments: dict[str, Any]) -> Iterator[None]:
    """Keeps the run on a table in `runs`, whatever becomes of it; a dry run leaves nothing."""
    if job.settings.dry_run:
        yield
        return
    lake, report = job.settings.lake, job.report
    run = (lake, report, table, arguments, datetime.now(UTC))
    with lock.living(lake, report.run_id, report.job, table):
        attempt = ledger.start_run(*run)
        try:
            yield
        except BaseException as failure:
            note_failure(report, failure)
            raise
        finally:
            ledger.finish_run(*run, attempt)
