"""The versions of a table: which it is at, and which it can be set back to."""

from __future__ import annotations

from sluice.errors import UsageError
from sluice.lake import log
from sluice.model.table import AnyTable, Table
from sluice.runtime.job import Job


def report_version(job: Job, table: AnyTable) -> int:
    """Puts the table's name and current version into the report. Raises InputError if the table does not exist."""
    job.report.table = table.name
    version = log.required_state(job.settings.lake, table.name, "make it with ingest or aggregate").version
    job.report.table_version = version
    return version


def check_restorable(job: Job, table: Table, version: int) -> None:
    """Raises UsageError if the table never had the version, or files of it are deleted."""
    current = report_version(job, table)
    if version > current:
        raise UsageError(f"table {table.name} has no version {version}: choose one from 0 to {current}")
    if not log.has_all_files(job.settings.lake, table.name, version):
        raise UsageError(
            f"table {table.name}: files of version {version} were vacuumed: choose a later one, see `maintain history`"
        )
