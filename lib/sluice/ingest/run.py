"""Files into a table: read, reject or keep, one row per key, merge. Every row read is accounted for once.

The steps are `read`, `refuse`, `classify` and `commit`, each in a file of its own; here they are put in order, and what
they give is written into the job's report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sluice.catalog.expressions import explain_sql_failures
from sluice.ingest import commit, refuse
from sluice.ingest.classify import DELETES, against_table, classify
from sluice.ingest.plan import Plan, opened_again
from sluice.ingest.read import Read, read
from sluice.lake import log
from sluice.lake.lake import Lake
from sluice.ledger import rejects
from sluice.ledger.recording import locked, recorded
from sluice.runtime.job import Job


def ingest(job: Job, plan: Plan) -> None:
    """Ingests the plan's new files; without any the table stays as it is and Spark is not started.

    Raises InputError, TooManyRejects or UsageError, and then nothing is merged; Busy if another run holds the table.
    """
    _report_files(job, plan)
    if not plan.sources:
        _leave_out(job, plan, [str(failure) for failure in plan.failures])
        return
    job.expect([plan.table.name], plan.size)
    lake = job.lake
    for source in plan.sources:
        job.require_shared(source.file.uri)
    with locked(job, plan.table.name):
        if log.version(lake.root, plan.table.name) != plan.version:  # another run had the lock
            plan = opened_again(lake.root, plan)
            _report_files(job, plan)
        if plan.sources:
            arguments = {"files": [source.file.uri for source in plan.sources], **plan.options.arguments}
            with recorded(job, plan.table.name, arguments), explain_sql_failures(plan.table):
                _ingest(job, lake, plan)


def _ingest(job: Job, lake: Lake, plan: Plan) -> None:
    if plan.note:
        job.progress.log(plan.note)
    with job.step("read"):
        everything = read(lake, plan)
        readable = _readable(job, plan, everything)
    job.report.rows_read, job.report.rows_rejected = readable.rows_read, readable.rows_rejected
    if readable.tallies:
        _refuse_or_keep_rejects(job, lake, plan, readable)
        if plan.version is None and not plan.table.delete_when and not job.settings.dry_run:
            _create(job, lake, plan, readable)
        else:
            _merge(job, lake, plan, readable)
        if not job.settings.dry_run:
            _record(job, lake, plan, readable)
    else:
        job.report.status = "nothing_new"
    everything.records.unpersist()


def _readable(job: Job, plan: Plan, everything: Read) -> Read:
    """What was read of the files that are readable. Raises InputError for one that must not be left out."""
    reasons = refuse.unreadable(everything.tallies, plan.options)
    _leave_out(job, plan, [*map(str, plan.failures), *reasons.values()])
    return everything.without(list(reasons))


def _leave_out(job: Job, plan: Plan, reasons: Sequence[str]) -> None:
    """Logs and reports files that are left out. Raises InputError if no other file is left."""
    for reason in reasons:
        job.progress.log(f"left out: {reason}", "warning")
    refuse.refuse_if_none_readable(plan, reasons)
    job.report.files = len(plan.files) + plan.missing - plan.files_in_table - len(reasons)
    job.report.files_skipped, job.report.files_left_out = plan.files_in_table + len(reasons), len(reasons)


def _refuse_or_keep_rejects(job: Job, lake: Lake, plan: Plan, readable: Read) -> None:
    """Keeps the rejects, then raises TooManyRejects if they are more than allowed.

    A replay keeps them last: the rows that now fit are among the stored rejects until they are merged, so that a
    replay killed in between finds them again.
    """
    refusal = refuse.refusal(readable.tallies, plan, lake.root)
    if refusal or not plan.replayed:
        _keep_rejects(job, lake, plan, readable)
    if refusal:
        raise refusal
    for line in refuse.warnings(readable.tallies, plan.table.checks):
        job.progress.log(line, "warning")


def _keep_rejects(job: Job, lake: Lake, plan: Plan, readable: Read) -> None:
    if not job.settings.dry_run:
        with job.step("keep rejects"):
            rejects.keep(lake, plan.table, readable.records, readable.tallies, readable.at, plan.replayed)


def _create(job: Job, lake: Lake, plan: Plan, readable: Read) -> None:
    """Makes the table in one pass: its rows are classified, written and counted together."""
    with job.step("merge"):
        counts = commit.create(lake, plan, classify(lake, plan, readable, None), readable.at)
        _report_outcomes(job, counts)


def _merge(job: Job, lake: Lake, plan: Plan, readable: Read) -> None:
    with job.step("classify"):
        classified = against_table(lake, plan, readable)
        _report_outcomes(job, classified.counts)
    if job.settings.dry_run:
        return
    if plan.table.delete_when:
        with job.step("keep deletes"):
            commit.remember_deletes(lake, plan, classified, readable.at)
    with job.step("merge"):
        commit.merge(lake, plan, classified, readable.at)
    classified.rows.unpersist()


def _record(job: Job, lake: Lake, plan: Plan, readable: Read) -> None:
    with job.step("record"):
        job.report.table_version = commit.record(lake, plan, readable)
    if plan.replayed:
        _keep_rejects(job, lake, plan, readable)


def _report_files(job: Job, plan: Plan) -> None:
    report = job.report
    report.table, report.table_version = plan.table.name, plan.version
    report.files, report.bytes_read = len(plan.sources), sum(source.file.size for source in plan.sources)
    report.files_skipped = plan.files_in_table + len(plan.failures)
    report.status = "succeeded" if plan.sources else "nothing_new"


def _report_outcomes(job: Job, counts: Mapping[str, int]) -> None:
    """A delete is one, whether its key was in the table or not. Raises RuntimeError if a row is not accounted for."""
    deleted = sum(counts.get(name, 0) for name in DELETES)
    others = {name: count for name, count in counts.items() if name not in DELETES}
    job.report.set_outcomes({"rejected": job.report.rows_rejected, "deleted": deleted, **others})
