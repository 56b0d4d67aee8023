"""Records that could not become rows."""

from __future__ import annotations

from typing import Any

import click
from sluice.catalog.catalog import Catalog
from sluice.cli.command import JobGroup
from sluice.cli.options import common_options, ingest_options, reading_options, take_ingest, writer_options
from sluice.ingest.replay import replay
from sluice.ledger import rejects
from sluice.runtime.job import job


@click.group(cls=JobGroup)
def main() -> None:
    """Looks at rejects, or reads their files again."""


@main.command("list")
@click.argument("table", required=False)
@click.option("--run", help="Only those found by the run of this id.")
@click.option("--file", help="Only those of files with this text in their paths.")
@click.option("--reason", help="Only those with this text in their reasons.")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="Rows to show, newest first.")
@common_options
def list_(table: str | None, run: str | None, file: str | None, reason: str | None, limit: int, **options: Any) -> None:
    """Shows the rejects of TABLE, or of all tables."""
    with job("rejects", options) as running:
        running.report.table = Catalog(running.settings.tables).table(table).name if table else None
        found = rejects.newest(running.settings.lake, running.report.table, run=run, file=file, reason=reason)
        running.show(found[:limit])
        if len(found) > limit:
            running.progress.log(f"{limit:,} of {len(found):,} rejects shown: see more with --limit")


@main.command("replay")
@click.argument("table", required=False)
@ingest_options
@reading_options
@writer_options
@common_options
def replay_(table: str | None, **options: Any) -> None:
    """Reads the files of TABLE's rejects again, or of all tables', and takes what now fits.

    Files are read with the options that they were read with, or those given now. Rows that later runs brought stay.
    """
    with job("rejects", options) as running:
        catalog = Catalog(running.settings.tables)
        declared = catalog.table(table) if table else None
        chosen, given = take_ingest(options, declared)
        replay(running, catalog, declared, chosen, given)


if __name__ == "__main__":
    main()
