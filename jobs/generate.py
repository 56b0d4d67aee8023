"""Realistic sample data."""

from __future__ import annotations

from typing import Any

import click
from sluice import generate, generate_snapshots
from sluice.cli import JobCommand, job
from sluice.errors import UsageError
from sluice.options import common_options


@click.command(cls=JobCommand)
@click.argument("table")
@click.option("--rows", type=click.IntRange(min=0), default=500_000, show_default=True)
@click.option("--output", required=True, type=click.Path(), help="The file to write; of snapshots the folder.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "--disorder",
    type=click.IntRange(min=0),
    default=3600,
    show_default=True,
    help="Seconds by which lines of a log may be late.",
)
@click.option("--this-machine", is_flag=True, help="Of processes: those that run here now.")
@common_options
def main(table: str, rows: int, output: str, seed: int, disorder: int, this_machine: bool, **options: Any) -> None:
    """Makes files of records for TABLE; the same seed gives the same ones."""
    with job("generate", options) as running:
        if this_machine and table != "processes":
            raise UsageError(f"--this-machine is not for table {table}")
        if this_machine:
            generate_snapshots.this_machine(running, output)
        elif table == "processes":
            generate_snapshots.run(running, rows, output, seed)
        else:
            generate.run(running, table, rows, output, seed, disorder)


if __name__ == "__main__":
    main()
