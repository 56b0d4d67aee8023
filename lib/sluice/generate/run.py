"""Realistic sample data of the kinds that there is a sample of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sluice.cli.command import Job
from sluice.errors import UsageError
from sluice.generate import kinds as samples


def run(job: Job, table: str, rows: int, output: str, seed: int, own: Mapping[str, Any], given: set[str]) -> None:
    """Makes `rows` records of a table's kind; the same seed gives the same.

    `own` are arguments that only some kinds have, of which those `given` must be of this one: raises UsageError.
    """
    if table not in samples.KINDS:
        raise UsageError(f"no sample data for table {table!r}: choose from {', '.join(samples.KINDS)}")
    kind = samples.KINDS[table]
    for name in sorted(given - kind.OPTIONS.keys()):
        raise UsageError(f"--{name.replace('_', '-')} is not for table {table}")
    job.report.table = table
    kind.generate(job, rows, output, seed, **{name: own[name] for name in kind.OPTIONS})
    job.report.status = "succeeded"
