"""Makes realistic sample data."""

from __future__ import annotations

from typing import Any

import click
from sluice.cli.command import JobCommand
from sluice.cli.job import job
from sluice.cli.options import common_options, sample_options
from sluice.cli.values import take_sample
from sluice.generate.run import generate_sample


@click.command(
    cls=JobCommand,
    examples=[
        "generate products --rows 1000 --output products.csv",
        "generate processes --this-machine --output snapshots",
    ],
)
@click.argument("table")
@click.option("--rows", type=click.IntRange(min=0), metavar="N", default=500_000, help="Make this many records.")
@click.option(
    "--output",
    required=True,
    type=click.Path(),
    help="Write to this file; processes to files in this folder.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), metavar="N", default=0, help="Make the same records for the same number."
)
@sample_options
@common_options
def main(table: str, rows: int, output: str, seed: int, **options: Any) -> None:
    """Makes files that `ingest TABLE` can read: of products, requests, processes or scores."""
    with job("generate", options) as running:
        generate_sample(running, table, rows, output, seed, *take_sample(options))


if __name__ == "__main__":
    main()
