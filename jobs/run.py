"""Reads files into a table, refreshes its aggregates and exports them, in one Spark application."""

from __future__ import annotations

from typing import Any

import click
from sluice import pipeline
from sluice.catalog.catalog import Catalog
from sluice.cli import known
from sluice.cli.command import JobCommand
from sluice.cli.help import POSTGRESQL, option_group
from sluice.cli.job import job
from sluice.cli.options import (
    common_options,
    export_options,
    file_options,
    ingest_options,
    reading_options,
    writer_options,
)
from sluice.cli.values import take_ingest
from sluice.ingest.plan import make_plan


@click.command(cls=JobCommand, examples=["run products products.csv", "run requests logs --with-records"])
@click.argument("table", shell_complete=known.tables)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT…")
@ingest_options
@file_options
@reading_options
@option_group(
    POSTGRESQL,
    click.option("--with-records", envvar="SLUICE_WITH_RECORDS", is_flag=True, help="Export the table itself too."),
)
@export_options
@writer_options
@common_options
def main(table: str, inputs: tuple[str, ...], with_records: bool, schema: str, **options: Any) -> None:
    """Reads files into TABLE, refreshes its aggregates and exports them.

    This is `ingest`, `aggregate` and `export` in one Spark application, with the inputs of `ingest`. It also finishes
    what an interrupted run left undone.
    """
    with job("run", options) as running:
        declared = Catalog(running.settings.tables).table(table)
        chosen, _ = take_ingest(options, declared)
        running.report.table = declared.name
        plan = make_plan(running.settings.lake, declared, inputs, chosen)
        pipeline.run(running, plan, schema, with_records=with_records)


if __name__ == "__main__":
    main()
