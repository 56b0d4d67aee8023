"""Lists all tables, shows one, checks a declaration, or drafts one from files."""

from __future__ import annotations

from typing import Any

import click
from sluice.catalog import describe
from sluice.catalog.catalog import Catalog
from sluice.cli import known
from sluice.cli.command import JobGroup
from sluice.cli.job import job
from sluice.cli.options import common_options
from sluice.cli.values import column_names
from sluice.draft.run import draft as draft_declaration


@click.group(cls=JobGroup, default="list")
def main() -> None:
    """Lists all tables, shows one, checks a declaration or drafts one; without a command it lists them."""


@main.command("list", examples=["tables", "tables list --tables conf/tables"])
@common_options
def list_(**options: Any) -> None:
    """Lists the built-in and the declared tables.

    A declaration that is wrong is listed with its error.
    """
    with job("tables", options) as running:
        describe.list_tables(running, Catalog(running.settings.tables))


@main.command(examples=["tables show orders"])
@click.argument("name", shell_complete=known.tables)
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


@main.command(
    examples=["tables draft orders.csv --output conf/tables/orders.toml", "tables draft 'logs/*.jsonl' --key host,time"]
)
@click.argument("inputs", nargs=-1, required=True, metavar="FILE…")
@click.option(
    "--key",
    callback=column_names,
    metavar="COLUMN,…",
    show_default="the columns that differ in each row",
    help="Take these columns as the key.",
)
@click.option("--output", metavar="FILE", help="Write the declaration to this new file, NAME.toml of a table NAME.")
@common_options
def draft(inputs: tuple[str, ...], key: tuple[str, ...], output: str | None, **options: Any) -> None:
    """Drafts a declaration for CSV or JSON files.

    It looks at samples of the files, and says in comments what it saw and what it cannot know. Without --output the
    declaration is printed in place of the report. Each FILE is what ingest takes as an input.
    """
    with job("tables", options) as running:
        draft_declaration(running, Catalog(running.settings.tables), inputs, key, output)


if __name__ == "__main__":
    main()
