"""Files into a table, every row accounted for."""

from __future__ import annotations

from typing import Any

import click
from sluice.catalog.catalog import Catalog
from sluice.cli.command import JobCommand
from sluice.cli.options import (
    common_options,
    file_options,
    ingest_options,
    reading_options,
    take_ingest,
    writer_options,
)
from sluice.ingest.plan import make_plan
from sluice.ingest.run import ingest
from sluice.runtime.job import job


@click.command(cls=JobCommand)
@click.argument("table")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT…")
@ingest_options
@file_options
@reading_options
@writer_options
@common_options
def main(table: str, inputs: tuple[str, ...], **options: Any) -> None:
    """Reads files, folders, globs or s3:// URIs into TABLE. A file that is already in it is skipped."""
    with job("ingest", options) as running:
        declared = Catalog(running.settings.tables).table(table)
        chosen, _ = take_ingest(options, declared)
        running.report.table = declared.name
        ingest(running, make_plan(running.settings.lake, declared, inputs, chosen))


if __name__ == "__main__":
    main()
