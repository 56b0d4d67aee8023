"""Realistic sample data."""

from __future__ import annotations

from typing import Any

import click
from sluice import generate
from sluice.cli import JobCommand, job
from sluice.options import common_options


@click.command(cls=JobCommand)
@click.argument("table")
@click.option("--rows", type=click.IntRange(min=0), default=500_000, show_default=True)
@click.option("--output", required=True, type=click.Path(dir_okay=False), help="The file to write.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "--disorder",
    type=click.IntRange(min=0),
    default=3600,
    show_default=True,
    help="Seconds by which lines of a log may be late.",
)
@common_options
def main(table: str, rows: int, output: str, seed: int, disorder: int, **options: Any) -> None:
    """Makes a file of records for TABLE; the same seed gives the same file."""
    with job("generate", options) as running:
        generate.run(running, table, rows, output, seed, disorder)


if __name__ == "__main__":
    main()
