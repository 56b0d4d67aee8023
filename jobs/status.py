"""Shows the state of all tables, what runs, and what is late."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import click
from sluice.catalog.catalog import Catalog
from sluice.cli import known
from sluice.cli.age import AgeType
from sluice.cli.command import JobCommand
from sluice.cli.job import job
from sluice.cli.options import common_options
from sluice.errors import UsageError
from sluice.runtime.wrapper import prints_to_terminal
from sluice.status.run import show_run, show_status


@click.command(cls=JobCommand, examples=["status", "status --fail-if-older-than 26h products"])
@click.argument("names", shell_complete=known.tables_and_aggregates, nargs=-1, metavar="[NAME]…")
@click.option(
    "--fail-if-older-than",
    "most",
    type=AgeType(),
    metavar="AGE",
    help="End with exit code 1 if a table was last brought up to date longer ago than this, such as 90m, 26h or 2d, or "
    "if an aggregate or an export is behind its table for longer.",
)
@click.option("--run", "shown_run", metavar="ID", help="Show this run: its attempts, and the seconds of their steps.")
@click.option(
    "--html", "page_file", metavar="FILE", help="Write a page with charts of tables, runs and rejects to FILE."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    show_default="table on a terminal, else json",
    help="Print a table for people, or the report (json) and the table on standard error. (In `ingest requests`, "
    "--format is the format of log lines.)",
)
@common_options
def main(
    names: tuple[str, ...],
    most: timedelta | None,
    shown_run: str | None,
    page_file: str | None,
    form: str | None,
    **options: Any,
) -> None:
    """Shows the state of each table: rows, files, last run, rejects, and how far aggregates and exports are behind.

    Shows also which runs are under way, and which of them wait for another. Each NAME is a table, shown with its
    aggregates, or an aggregate; without names all are shown. Java is not started.
    """
    form = form or ("table" if prints_to_terminal() else "json")
    with job("status", options) as running:
        if shown_run is not None:
            if names or most or page_file:
                raise UsageError("--run shows one run: leave out names, --fail-if-older-than and --html")
            show_run(running, shown_run, form)
        else:
            show_status(running, Catalog(running.settings.tables), names, form, most, page_file)


if __name__ == "__main__":
    main()
