"""Which tables there are."""

from __future__ import annotations

from typing import Any

import click
from sluice.catalog import describe
from sluice.catalog.catalog import Catalog
from sluice.cli.command import JobGroup
from sluice.cli.options import common_options
from sluice.runtime.job import job


@click.group(cls=JobGroup, default="list")
def main() -> None:
    """Shows the tables that are built in or declared, or checks a declaration; by itself it lists them."""


@main.command("list")
@common_options
def list_(**options: Any) -> None:
    """Lists all tables; those whose declaration is wrong with the error."""
    with job("tables", options) as running:
        describe.list_tables(running, Catalog(running.settings.tables))


@main.command()
@click.argument("name")
@common_options
def show(name: str, **options: Any) -> None:
    """Shows the columns and the key of table NAME."""
    with job("tables", options) as running:
        describe.show(running, Catalog(running.settings.tables).table(name))


@main.command()
@click.argument("file")
@common_options
def check(file: str, **options: Any) -> None:
    """Checks the declaration FILE without running anything by it."""
    with job("tables", options) as running:
        describe.check(running, Catalog(running.settings.tables), file)


if __name__ == "__main__":
    main()
