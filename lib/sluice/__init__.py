"""Sluice: files into keyed Delta tables, aggregates of them, and those into PostgreSQL."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sluice.api.lake import ReadableLake
    from sluice.runtime.report import Report

__version__ = "0.1.0"

import_module("sluice.lake")  # first: a later import of the folder would put it in place of the function


def lake(folder: str | None = None) -> ReadableLake:
    """The lake in a folder or at `s3://BUCKET/FOLDER`, to read without Spark: `sluice.lake().read("products")`.

    Without a folder it is the one that the jobs take: of `SLUICE_LAKE`, of `conf/sluice.toml`, or `lake`. Nothing is
    read yet. Raises UsageError for a folder that cannot be a lake.
    """
    from sluice.api.lake import open_lake

    return open_lake(folder)


def run(job: str, *arguments: object, **options: Any) -> Report:
    """Runs a job as `./spark-submit.sh` does, in a process of its own, and gives its report.

    `sluice.run("ingest", "products", "products.csv", max_rejects="5%")` is `ingest products products.csv --max-rejects
    5%`: True is an option without a value, a list is joined by commas, None and False leave an option out, and an
    option that is a word of Python gets a `_` behind it (`from_`). What the job writes on standard error is written
    there. The report's `answer` is what the job prints in place of its report, as `query` does.

    Raises the error that ended the job, a class of `sluice.errors` with its exit code.
    """
    from sluice.api.run import run_job

    return run_job(job, arguments, options)
