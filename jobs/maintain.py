"""Upkeep of tables."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click
from sluice import catalog, maintain
from sluice.cli import JobGroup, job
from sluice.options import common_options, writer_options


@click.group(cls=JobGroup)
def main() -> None:
    """Empties a table or sets it back."""


@main.command()
@click.argument("table")
@writer_options
@common_options
def clear(table: str, **options: Any) -> None:
    """Deletes all rows of TABLE; every file is new to it again."""
    with job("maintain", options) as running:
        maintain.clear(running, catalog.table(table))


@main.command()
@click.argument("table")
@click.option("--version", type=click.IntRange(min=0), required=True, help="The version to go back to.")
@writer_options
@common_options
def restore(table: str, version: int, **options: Any) -> None:
    """Sets TABLE back to a version; files ingested after it are new to it again."""
    with job("maintain", options) as running:
        maintain.restore(running, catalog.table(table), version)


@main.command()
@click.argument("table")
@click.option("--before", type=click.DateTime(["%Y-%m-%d"]), required=True, help="The first day to keep.")
@writer_options
@common_options
def prune(table: str, before: datetime, **options: Any) -> None:
    """Deletes TABLE's records of days before one; aggregates of those days stay."""
    with job("maintain", options) as running:
        maintain.prune(running, catalog.table(table), before.date())


if __name__ == "__main__":
    main()
