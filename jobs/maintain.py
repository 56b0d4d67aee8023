"""Upkeep of tables."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click
from sluice.catalog.catalog import Catalog
from sluice.cli.command import JobGroup
from sluice.cli.options import common_options, writer_options
from sluice.maintain import clear_restore, history, optimize, prune, vacuum
from sluice.model.table import AnyTable, Table
from sluice.runtime.job import Job, job


@click.group(cls=JobGroup)
def main() -> None:
    """Keeps tables quick and small; empties them or sets them back."""


@main.command()
@click.argument("table")
@writer_options
@common_options
def clear(table: str, **options: Any) -> None:
    """Deletes all rows of TABLE; every file is new to it again."""
    with job("maintain", options) as running:
        clear_restore.clear(running, _table(running, table))


@main.command()
@click.argument("table")
@click.option("--version", type=click.IntRange(min=0), required=True, help="The version to go back to.")
@writer_options
@common_options
def restore(table: str, version: int, **options: Any) -> None:
    """Sets TABLE back to a version; files ingested after it are new to it again."""
    with job("maintain", options) as running:
        clear_restore.restore(running, _table(running, table), version)


@main.command("prune")
@click.argument("table")
@click.option("--before", type=click.DateTime(["%Y-%m-%d"]), required=True, help="The first day to keep.")
@writer_options
@common_options
def prune_(table: str, before: datetime, **options: Any) -> None:
    """Deletes TABLE's records of days before one; aggregates of those days stay."""
    with job("maintain", options) as running:
        prune.prune(running, _table(running, table), before.date())


@main.command("optimize")
@click.argument("name")
@writer_options
@common_options
def optimize_(name: str, **options: Any) -> None:
    """Rewrites table or aggregate NAME in files of a good size, clustered by its key."""
    with job("maintain", options) as running:
        optimize.optimize(running, _source(running, name))


@main.command("vacuum")
@click.argument("name")
@click.option(
    "--older-than",
    type=click.FloatRange(min=0),
    default=vacuum.SAFE_DAYS,
    show_default=True,
    help="Days; files that a later version needs stay.",
)
@click.option("--force", is_flag=True, help=f"Allow less than {vacuum.SAFE_DAYS} days.")
@writer_options
@common_options
def vacuum_(name: str, older_than: float, force: bool, **options: Any) -> None:
    """Deletes files that table or aggregate NAME has not needed for days."""
    with job("maintain", options) as running:
        vacuum.vacuum(running, _source(running, name), older_than, force=force)


@main.command("history")
@click.argument("name")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Commits to show.")
@common_options
def history_(name: str, limit: int, **options: Any) -> None:
    """Shows what was done to table or aggregate NAME, newest first."""
    with job("maintain", options) as running:
        history.show(running, _source(running, name), limit)


def _table(running: Job, name: str) -> Table:
    return Catalog(running.settings.tables).table(name)


def _source(running: Job, name: str) -> AnyTable:
    return Catalog(running.settings.tables).sources(running.settings.lake, [name])[0]


if __name__ == "__main__":
    main()
