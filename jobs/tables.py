"""Lists all tables, shows one, or checks a declaration."""

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
    """Lists all tables, shows one, or checks a declaration; without a command it lists them."""


@main.command("list", examples=["tables", "tables list --tables conf/tables"])
@common_options
def list_(**options: Any) -> None:
    """Lists the built-in and the declared tables.

    A declaration that is wrong is listed with its error.
    """
    with job("tables", options) as running:
        describe.list_tables(running, Catalog(running.settings.tables))


@main.command(examples=["tables show orders"])
@click.argument("name")
@common_options
def show(name: str, **options: Any) -> None:
    """Shows the columns and the key of the table NAME."""
    with job("tables", options) as running:
        describe.show_columns(running, Catalog(running.settings.tables).table(name))


@main.command(examples=["tables check conf/tables/orders.toml"])
@click.argument("file")
@common_options
def check(file: str, **options: Any) -> None:
    """Checks the declaration in FILE.

    Spark checks its SQL too. No data is read or written.
    """
    with job("tables", options) as running:
        describe.check_declaration(running, Catalog(running.settings.tables), file)


if __name__ == "__main__":
    main()
