"""Files that no recent version of a table needs, deleted."""

from __future__ import annotations

import os

from sluice.errors import UsageError
from sluice.ledger.recording import locked, recorded
from sluice.maintain.versions import current_version
from sluice.model.table import AnyTable
from sluice.runtime.job import Job

SAFE_DAYS = 7


def vacuum(job: Job, source: AnyTable, older_than: float, *, force: bool) -> None:
    """Deletes files, of the change feed too, that no version of the last `older_than` days needs.

    Raises UsageError for less than a week without `force`.
    """
    if older_than < SAFE_DAYS and not force:
        raise UsageError(
            f"table {source.name}: --older-than {older_than:g} deletes files of less than {SAFE_DAYS} days ago, which "
            "readers may still read and restores and incremental refreshes need: to do so all the same, add --force"
        )
    current_version(job, source)
    lake = job.lake
    arguments = {"action": "vacuum", "older_than": older_than, "force": force}
    with locked(job, source.name), recorded(job, source.name, arguments), job.step("vacuum"):
        obsolete = [path for path in lake.obsolete(source.name, older_than * 24) if os.path.isfile(path)]
        size = sum(os.path.getsize(path) for path in obsolete)
        freed = "would be freed" if job.settings.dry_run else "freed"
        if obsolete and not job.settings.dry_run:
            lake.vacuum(source.name, older_than * 24)
        job.progress.log(f"{source.name}: {len(obsolete):,} files of {size:,} bytes {freed}")
        current_version(job, source)
        job.report.status = "succeeded" if obsolete else "nothing_new"
