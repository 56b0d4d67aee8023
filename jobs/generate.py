"""Realistic sample data."""

from __future__ import annotations

from typing import Any

import click
from sluice.cli.command import JobCommand
from sluice.cli.options import common_options, sample_options, take_sample
from sluice.generate import run as generate
from sluice.runtime.job import job


@click.command(cls=JobCommand)
@click.argument("table")
@click.option("--rows", type=click.IntRange(min=0), default=500_000, show_default=True)
@click.option("--output", required=True, type=click.Path(), help="The file to write; of snapshots the folder.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@sample_options
@common_options
def main(table: str, rows: int, output: str, seed: int, **options: Any) -> None:
    """Makes files of records for TABLE; the same seed gives the same ones."""
    with job("generate", options) as running:
        generate.run(running, table, rows, output, seed, *take_sample(options))


if __name__ == "__main__":
    main()
