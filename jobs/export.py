"""Copies tables and aggregates to PostgreSQL."""

from __future__ import annotations

from typing import Any

import click
from sluice.catalog.catalog import Catalog
from sluice.cli import known
from sluice.cli.command import JobCommand
from sluice.cli.help import POSTGRESQL, option_group
from sluice.cli.job import job
from sluice.cli.options import common_options, export_options, writer_options
from sluice.export.run import export


@click.command(cls=JobCommand, examples=["export products_agg", "export products products_agg --schema shop"])
@click.argument("names", shell_complete=known.tables_and_aggregates, nargs=-1, required=True, metavar="NAME…")
@option_group(
    POSTGRESQL,
    click.option(
        "--full",
        envvar="SLUICE_FULL",
        is_flag=True,
        help="Compare all rows, not only those that changed: this also sets right what others changed in PostgreSQL.",
    ),
    click.option(
        "--take-over",
        envvar="SLUICE_TAKE_OVER",
        is_flag=True,
        help="Replace tables that another lake exported. Without it they are refused.",
    ),
)
@export_options
@writer_options
@common_options
def main(names: tuple[str, ...], schema: str, full: bool, take_over: bool, **options: Any) -> None:
    """Makes tables in PostgreSQL equal to the tables and aggregates NAME….

    All names are exported in one transaction. The environment variable SLUICE_DATABASE_URL names the database. Without
    it, and without libpq's own such as PGHOST and PGSERVICE, an embedded PostgreSQL is started and used.
    """
    with job("export", options) as running:
        sources = Catalog(running.settings.tables).sources(running.settings.lake, names)
        export(running, sources, schema, full=full, take_over=take_over)


if __name__ == "__main__":
    main()
