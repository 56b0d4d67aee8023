"""Questions to a table."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click
from sluice.catalog.catalog import Catalog
from sluice.cli.command import JobCommand
from sluice.cli.options import common_options
from sluice.query import run as query
from sluice.query.question import Question
from sluice.runtime.job import job


def _names(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in value.split(",")) if value else ()


_DAY = click.DateTime(["%Y-%m-%d"])


@click.command(cls=JobCommand)
@click.argument("table")
@click.option("--by", callback=_names, metavar="COLUMN,…", help="One row for each combination of these columns.")
@click.option(
    "--metric", callback=_names, metavar="METRIC,…", help="count, or count:c, sum:c, mean:c, min:c, max:c, p99:c"
)
@click.option("--where", default="", help="SQL condition over the table's columns.")
@click.option("--from", "first", type=_DAY, help="First date.")
@click.option("--to", "last", type=_DAY, help="Last date.")
@click.option(
    "--top",
    type=click.IntRange(min=1),
    help="Only so many rows: with the greatest first metric, or first in TABLE's ranking.",
)
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
@click.option("--source", type=click.Choice(["auto", "records"]), default="auto", help="records: of no aggregate.")
@click.option("--explain", is_flag=True, help="Tell on standard error what answered, and why not others.")
@common_options
def main(table: str, first: datetime | None, last: datetime | None, source: str, **options: Any) -> None:
    """Answers from the smallest table that can give the exact answer; without --metric shows records of TABLE."""
    question = Question(
        by=options.pop("by"),
        metrics=options.pop("metric"),
        where=options.pop("where"),
        first=first.date() if first else None,
        last=last.date() if last else None,
        top=options.pop("top"),
        records_only=source == "records",
    )
    form, explain = options.pop("form"), options.pop("explain")
    with job("query", options) as running:
        query.run(running, Catalog(running.settings.tables).table(table), question, form, explain=explain)


if __name__ == "__main__":
    main()
