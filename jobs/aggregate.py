"""Aggregate tables kept up to date with their tables."""

from __future__ import annotations

from typing import Any

import click
from sluice import aggregate, catalog
from sluice.cli import JobCommand, job
from sluice.options import common_options, writer_options


@click.command(cls=JobCommand)
@click.argument("names", nargs=-1, required=True, metavar="NAME…")
@writer_options
@common_options
def main(names: tuple[str, ...], **options: Any) -> None:
    """Refreshes aggregates: NAME is one of them, or a table: all of its aggregates."""
    with job("aggregate", options) as running:
        chosen = [pair for name in names for pair in catalog.aggregates(name)]
        with running.session() as spark:
            running.each(chosen, lambda part, pair: aggregate.run(part, spark, *pair))


if __name__ == "__main__":
    main()
