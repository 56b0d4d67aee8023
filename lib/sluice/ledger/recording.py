"""A run that writes a table: it holds the table's lock, and `runs` has its row however it ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sluice.lake import lock
from sluice.ledger import deletes, runs
from sluice.ledger.runs import Run
from sluice.runtime.exit import explained
from sluice.runtime.job import Job


@contextmanager
def locked(job: Job, table: str) -> Iterator[None]:
    """Holds a table's lock for this run, and puts in order what a killed one left. Raises Busy if another run still has
    the lock after `--lock-timeout`.

    A dry run writes nothing on S3, where a lock is an object, and does not create a folder that does not exist.
    """
    if job.settings.dry_run and not os.path.isdir(job.settings.lake):
        yield
        return
    with lock.held_by_jvm(job.spark, job.settings.lake, table, job.writer):
        if not job.settings.dry_run:
            deletes.forget_unmerged(job.settings.lake, table, job.writer)
        yield


@contextmanager
def recorded(job: Job, table: str, arguments: dict[str, Any]) -> Iterator[None]:
    """Records the run on a table in `runs`, at its start and at its end; a dry run records nothing."""
    if job.settings.dry_run:
        yield
        return
    lake, run = job.settings.lake, Run(job.report, table, arguments, datetime.now(UTC))
    with lock.living(lake, *run.identity), job.watch(job, arguments):
        attempt = runs.start(lake, run, job.writer)
        try:
            yield
        except BaseException as failure:
            job.note(failure)
            try:
                runs.finish(lake, run, attempt, job.writer)
            except Exception as other:  # the run's own failure is the one to report
                lost = f"table runs: this run's end could not be recorded ({explained(other, lake)})"
                job.progress.log(lost, "warning")
            raise
        runs.finish(lake, run, attempt, job.writer)
