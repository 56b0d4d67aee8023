"""Realistic sample data, a kind of it for each built-in table."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from sluice.errors import UsageError
from sluice.generate import kinds
from sluice.generate.options import OF_KIND
from sluice.runtime.job import Job

KINDS = {module.name: import_module(f"{kinds.__name__}.{module.name}") for module in iter_modules(kinds.__path__)}


def run(job: Job, table: str, rows: int, output: str, seed: int, own: Mapping[str, Any], given: set[str]) -> None:
    """Makes `rows` records of a table's kind; the same seed gives the same records.

    `own` are the values of the options that only some kinds have; those `given` on the command line must be this
    kind's: raises UsageError.
    """
    if table not in KINDS:
        raise UsageError(f"no sample data for table {table!r}: choose from {', '.join(KINDS)}")
    names = OF_KIND.get(table, {})
    for name in sorted(given - names.keys()):
        raise UsageError(f"--{name.replace('_', '-')} is not for table {table}")
    job.report.table = table
    KINDS[table].generate(job, rows, output, seed, **{name: own[name] for name in names})
    job.report.status = "succeeded"
