"""Tables and aggregates to PostgreSQL."""

from __future__ import annotations

from typing import Any

import click
from sluice.catalog.catalog import Catalog
from sluice.cli.command import JobCommand
from sluice.cli.options import common_options, export_options, writer_options
from sluice.export import run as export
from sluice.runtime.job import job


@click.command(cls=JobCommand)
@click.argument("names", nargs=-1, required=True, metavar="NAME…")
@export_options
@writer_options
@common_options
def main(names: tuple[str, ...], schema: str, **options: Any) -> None:
    """Makes tables of PostgreSQL equal to tables or aggregates; the database comes from SLUICE_DATABASE_URL."""
    with job("export", options) as running:
        sources = Catalog(running.settings.tables).sources(running.settings.lake, names)
        export.run(running, sources, schema)


if __name__ == "__main__":
    main()
