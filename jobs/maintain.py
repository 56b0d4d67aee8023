"""Compacts, prunes, empties or restores tables, and shows their history."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click
from sluice.catalog.catalog import Catalog
from sluice.cli import known
from sluice.cli.command import JobGroup
from sluice.cli.job import job
from sluice.cli.options import common_options, writer_options
from sluice.maintain import clear_restore, history, optimize, prune, vacuum
from sluice.model.table import AnyTable, Table
from sluice.runtime.job import Job


@click.group(cls=JobGroup)
def main() -> None:
    """Compacts, prunes, empties or restores tables, and shows their history."""


@main.command(examples=["maintain clear products --dry-run"])
@click.argument("table", shell_complete=known.tables)
@writer_options
@common_options
def clear(table: str, **options: Any) -> None:
    """Deletes all rows of TABLE. Files that were ingested can be ingested again."""
    with job("maintain", options) as running:
        clear_restore.clear(running, _table(running, table))


@main.command(examples=["maintain restore products --version 3"])
@click.argument("table", shell_complete=known.tables)
@click.option(
    "--version",
    type=click.IntRange(min=0),
    required=True,
    metavar="N",
    help="Go back to this version, as `maintain history` shows it.",
)
@writer_options
@common_options
def restore(table: str, version: int, **options: Any) -> None:
    """Restores an earlier version of TABLE. Files that were ingested after it can be ingested again."""
    with job("maintain", options) as running:
        clear_restore.restore(running, _table(running, table), version)


@main.command("prune", examples=["maintain prune requests --before 2024-10-05"])
@click.argument("table", shell_complete=known.tables)
@click.option(
    "--before",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    required=True,
    help="Keep this day and later ones.",
)
@writer_options
@common_options
def prune_(table: str, before: datetime, **options: Any) -> None:
    """Deletes the rows of TABLE from before a date. Aggregates of the earlier days stay."""
    with job("maintain", options) as running:
        prune.prune(running, _table(running, table), before.date())


@main.command("optimize", examples=["maintain optimize products"])
@click.argument("name", shell_complete=known.tables_and_aggregates)
@writer_options
@common_options
def optimize_(name: str, **options: Any) -> None:
    """Compacts the files of the table or aggregate NAME.

    The new files have about 64 MB each and are clustered by the key.
    """
    with job("maintain", options) as running:
        optimize.optimize(running, _source(running, name))


@main.command("vacuum", examples=["maintain vacuum products --older-than 30"])
@click.argument("name", shell_complete=known.tables_and_aggregates)
@click.option(
    "--older-than",
    type=click.FloatRange(min=0),
    metavar="DAYS",
    default=vacuum.SAFE_DAYS,
    help="Keep files that a version of the last so many days needs.",
)
@click.option("--force", is_flag=True, help=f"Allow --older-than of less than {vacuum.SAFE_DAYS} days.")
@writer_options
@common_options
def vacuum_(name: str, older_than: float, force: bool, **options: Any) -> None:
    """Deletes old files of the table or aggregate NAME.

    These are files that no version of the last days needs. Older versions can then not be restored.
    """
    with job("maintain", options) as running:
        vacuum.vacuum(running, _source(running, name), older_than, force=force)


@main.command("history", examples=["maintain history products --limit 5"])
@click.argument("name", shell_complete=known.tables_and_aggregates)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", default=20, help="Show at most this many commits.")
@common_options
def history_(name: str, limit: int, **options: Any) -> None:
    """Shows the commits of the table or aggregate NAME, newest first."""
    with job("maintain", options) as running:
        history.show_history(running, _source(running, name), limit)


def _table(running: Job, name: str) -> Table:
    return Catalog(running.settings.tables).table(name)


def _source(running: Job, name: str) -> AnyTable:
    return Catalog(running.settings.tables).sources(running.settings.lake, [name])[0]


if __name__ == "__main__":
    main()
