"""Reads files into a table and merges their rows by key."""

from __future__ import annotations

from typing import Any

import click
from sluice.catalog.catalog import Catalog
from sluice.cli import known
from sluice.cli.command import JobCommand
from sluice.cli.job import job
from sluice.cli.options import (
    common_options,
    file_options,
    ingest_options,
    reading_options,
    writer_options,
)
from sluice.cli.values import take_ingest
from sluice.ingest.plan import make_plan
from sluice.ingest.run import ingest


@click.command(
    cls=JobCommand,
    examples=[
        "ingest products products.csv --max-rejects 10",
        "ingest requests 's3://logs/2024/*.gz' --format combined --source web-1",
    ],
)
@click.argument("table", shell_complete=known.tables)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT…")
@ingest_options
@file_options
@reading_options
@writer_options
@common_options
def main(table: str, inputs: tuple[str, ...], **options: Any) -> None:
    """Reads files into TABLE and merges their rows by key.

    Each INPUT is a file, a folder (read with its subfolders), a glob or an s3:// URI, compressed (gzip, bzip2, zstd) or
    not. A file that is in the table already is skipped. Records that cannot become rows are kept as rejects, which
    `rejects list` shows.
    """
    with job("ingest", options) as running:
        declared = Catalog(running.settings.tables).table(table)
        chosen, _ = take_ingest(options, declared)
        running.report.table = declared.name
        ingest(running, make_plan(running.settings.lake, declared, inputs, chosen))


if __name__ == "__main__":
    main()
