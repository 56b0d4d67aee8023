"""Deleting the files that no recent version of a table needs."""

from __future__ import annotations

from sluice.errors import UsageError, counted
from sluice.lake import lake_files
from sluice.ledger.recording import locked, recorded
from sluice.maintain.versions import report_version
from sluice.model.table import AnyTable
from sluice.runtime.job import Job

SAFE_DAYS = 7


def vacuum(job: Job, source: AnyTable, older_than: float, *, force: bool) -> None:
    """Deletes files, those of the change feed too, that no version of the last `older_than` days needs.

    Raises InputError if the table does not exist, UsageError for less than a week without `force`.
    """
    if older_than < SAFE_DAYS and not force:
        raise UsageError(
            f"table {source.name}: --older-than {older_than:g} deletes files less than {SAFE_DAYS} days old, which "
            "readers, restores and incremental refreshes may need: to delete them anyway, add --force"
        )
    report_version(job, source)
    job.expect([source.name])
    lake = job.lake
    arguments = {"action": "vacuum", "older_than": older_than, "force": force}
    with locked(job, source.name), recorded(job, source.name, arguments), job.step("vacuum"):
        obsolete = lake_files.sizes(lake.root, source.name, lake.obsolete(source.name, older_than * 24))
        freed = "would be freed" if job.settings.dry_run else "freed"
        if obsolete and not job.settings.dry_run:
            lake.vacuum(source.name, older_than * 24)
        job.progress.log(
            f"{source.name}: {counted(len(obsolete), 'file')} of {counted(sum(obsolete.values()), 'byte')} {freed}"
        )
        report_version(job, source)
        job.report.status = "succeeded" if obsolete else "nothing_new"
