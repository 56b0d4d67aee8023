"""Lists the records that could not become rows, or reads their files again."""

from __future__ import annotations

from typing import Any

import click
from sluice.catalog.catalog import Catalog
from sluice.cli import known
from sluice.cli.command import JobGroup
from sluice.cli.job import job
from sluice.cli.options import common_options, ingest_options, reading_options, writer_options
from sluice.cli.values import take_ingest
from sluice.ingest.replay import replay
from sluice.ledger import rejects


@click.group(cls=JobGroup)
def main() -> None:
    """Lists rejects, the records that could not become rows, or reads their files again."""


@main.command("list", examples=["rejects list products --reason fields --limit 20"])
@click.argument("table", shell_complete=known.tables, required=False)
@click.option("--run", metavar="ID", help="Show only rejects of this run.")
@click.option("--file", metavar="TEXT", help="Show only rejects of files whose path contains this text.")
@click.option("--reason", metavar="TEXT", help="Show only rejects whose reason contains this text.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", default=100, help="Show at most this many rejects.")
@common_options
def list_(table: str | None, run: str | None, file: str | None, reason: str | None, limit: int, **options: Any) -> None:
    """Lists the rejects of TABLE, or of all tables, newest first."""
    with job("rejects", options) as running:
        running.report.table = Catalog(running.settings.tables).table(table).name if table else None
        rows = rejects.newest(running.settings.lake, running.report.table, run=run, file=file, reason=reason)
        running.show(rows[:limit])
        if len(rows) > limit:
            running.progress.log(f"{limit:,} of {len(rows):,} rejects shown: see more with --limit")


@main.command("replay", examples=["rejects replay products --encoding latin-1"])
@click.argument("table", shell_complete=known.tables, required=False)
@ingest_options
@reading_options
@writer_options
@common_options
def replay_(table: str | None, **options: Any) -> None:
    """Reads the files that have rejects again.

    Reads those of TABLE, or of all tables, with the same options as before, except for those given now. Records that
    have become valid are merged; rows that later runs brought stay as they are.
    """
    with job("rejects", options) as running:
        catalog = Catalog(running.settings.tables)
        declared = catalog.table(table) if table else None
        chosen, given = take_ingest(options, declared)
        replay(running, catalog, declared, chosen, given)


if __name__ == "__main__":
    main()
