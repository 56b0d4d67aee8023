"""When a run is refused: files that cannot be read, and more rejects than allowed. Nothing is merged then."""

from __future__ import annotations

from collections.abc import Sequence

from sluice.errors import InputError, TooManyRejects
from sluice.ingest.plan import Options, Plan
from sluice.ledger.ingested_files import Tally, not_ingested
from sluice.model.table import Check


def unreadable(tallies: Sequence[Tally], options: Options) -> dict[int, str]:
    """The numbers of the files that turned out to be unreadable, each with the reason.

    Raises InputError for the first one unless `--on-bad-file skip` leaves such files out.
    """
    reasons = {tally.number: reason for tally in tallies if (reason := _why_unreadable(tally, options))}
    if reasons and options.on_bad_file == "fail":
        raise InputError(next(iter(reasons.values())))
    return reasons


def _why_unreadable(tally: Tally, options: Options) -> str:
    """Why the file cannot be taken; empty if it can."""
    if tally.failure:
        return tally.failure
    if tally.unclosed and not options.max_rejects.everything:
        return (
            f"{tally.file.uri}: {tally.unclosed}: fix the file, or ingest what comes before it with --max-rejects 100%"
        )
    return ""


def refuse_if_none_readable(plan: Plan, skipped: Sequence[str]) -> None:
    """Raises InputError if all files that are not in the table already were `skipped` because they are unreadable."""
    if skipped and not plan.files_in_table and len(skipped) == len(plan.files) + plan.missing:
        raise InputError(
            skipped[0] if len(skipped) == 1 else f"none of {len(skipped)} files could be read: see the lines above"
        )


def refusal(tallies: Sequence[Tally], plan: Plan, lake: str) -> TooManyRejects | None:
    """Why nothing may be merged; None if all files are within the limits."""
    return _check_failed(tallies) or _over_limit(tallies, plan, lake)


def _check_failed(tallies: Sequence[Tally]) -> TooManyRejects | None:
    for tally in tallies:
        if tally.failed:
            records = "1 record does" if tally.failed == 1 else f"{tally.failed:,} records do"
            return TooManyRejects(
                f"{tally.file.uri}: {records} not pass a check whose action is fail, so nothing was merged: see them "
                "with `rejects list`, fix the file, or change the check's action"
            )
    return None


def _over_limit(tallies: Sequence[Tally], plan: Plan, lake: str) -> TooManyRejects | None:
    """A replay passes over files that are in the table with their rejects already: they were within a limit once."""
    limit = plan.options.max_rejects
    over = [tally for tally in tallies if limit.exceeded(tally.rows_rejected, tally.rows_read)]
    if over and plan.replayed:
        new = not_ingested(lake, plan.table.name, [tally.file for tally in over])
        over = [tally for tally in over if tally.file in new]
    for tally in over:
        return TooManyRejects(
            f"{tally.file.uri}: {tally.rows_rejected:,} of {tally.rows_read:,} records rejected, more than "
            f"{limit} allowed, so nothing was merged: see them with `rejects list`, or allow more with "
            "--max-rejects"
        )
    return None


def warnings(tallies: Sequence[Tally], checks: Sequence[Check]) -> list[str]:
    """A line for each check with the action `warn` that rows did not pass, and for rejects that nobody foresaw."""
    lines = [
        f"{tally.file.uri}: a record could not be parsed, which is a bug of Sluice ({tally.unexpected}): please report "
        "it with the record, which `rejects list` shows"
        for tally in tallies
        if tally.unexpected
    ]
    for i, check in enumerate(check for check in checks if check.action == "warn"):
        if count := sum(tally.warned[i] for tally in tallies):
            rows = "1 row, which is" if count == 1 else f"{count:,} rows, which are"
            lines.append(f"check {check.name} not passed by {rows} kept: {check.sql}")
    return lines
