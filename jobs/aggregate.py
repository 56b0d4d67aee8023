"""Brings aggregates up to date with their tables."""

from __future__ import annotations

from typing import Any

import click
from sluice.aggregate.refresh import refresh
from sluice.catalog.catalog import Catalog
from sluice.cli import known
from sluice.cli.command import JobCommand
from sluice.cli.job import job
from sluice.cli.options import common_options, writer_options


@click.command(cls=JobCommand, examples=["aggregate products", "aggregate products --by name,description"])
@click.argument("names", shell_complete=known.tables_and_aggregates, nargs=-1, required=True, metavar="NAME…")
@click.option(
    "--by",
    envvar="SLUICE_BY",
    metavar="COL[,COL…]",
    help="Count the rows of each combination of these columns, in a new aggregate TABLE_by_COL….",
)
@click.option(
    "--full-refresh", envvar="SLUICE_FULL_REFRESH", is_flag=True, help="Compute all groups again, from all rows."
)
@writer_options
@common_options
def main(names: tuple[str, ...], by: str | None, full_refresh: bool, **options: Any) -> None:
    """Brings aggregates up to date with their tables.

    Each NAME is an aggregate, or a table: then all aggregates of the table are refreshed. Only the groups that changed
    since the last refresh are computed again.
    """
    with job("aggregate", options) as running:
        chosen = Catalog(running.settings.tables).aggregates(
            running.settings.lake, names, by.split(",") if by else None
        )
        running.expect({table.name for table, _ in chosen})
        running.each(chosen, lambda part, pair: refresh(part, *pair, full_refresh=full_refresh))


if __name__ == "__main__":
    main()
