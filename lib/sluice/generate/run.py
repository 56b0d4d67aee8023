"""Realistic sample data. For each built-in table `kinds` has a module of its name, which is found by that alone."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from sluice.errors import UsageError, closest
from sluice.generate import kinds
from sluice.generate.options import OF_KIND
from sluice.runtime.job import Job

KINDS = {module.name: import_module(f"{kinds.__name__}.{module.name}") for module in iter_modules(kinds.__path__)}


def generate_sample(
    job: Job, table: str, rows: int, output: str, seed: int, options: Mapping[str, Any], given: set[str]
) -> None:
    """Makes `rows` records for a table; the same seed gives the same records.

    `options` are the values of all options that only some kinds of sample data have, `given` the names of those on the
    command line. Raises UsageError for an unknown table, and if one of the given options is not of the table's kind.
    """
    if table not in KINDS:
        raise UsageError(f"there is no sample data for table {table!r}: {closest(table, KINDS)}")
    known = OF_KIND.get(table, {})
    for name in sorted(given - known.keys()):
        raise UsageError(f"--{name.replace('_', '-')} does not apply to sample data of table {table}: leave it out")
    job.report.table = table
    KINDS[table].generate(job, rows, output, seed, **{name: options[name] for name in known})
    job.report.status = "succeeded"
