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
from sluice.ingest import run as ingest
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
        plan = ingest.plan(running, declared, inputs, chosen)
        ingest.run(running, plan)


if __name__ == "__main__":
    main()
