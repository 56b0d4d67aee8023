"""Answers a question about a table, from an aggregate where one can."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click
from sluice.catalog.catalog import Catalog
from sluice.cli import known
from sluice.cli.command import JobCommand
from sluice.cli.job import job
from sluice.cli.options import common_options
from sluice.cli.values import column_names
from sluice.query.question import Question
from sluice.query.run import query

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command(
    cls=JobCommand,
    examples=[
        "query products --by name --metric count --top 5",
        """query requests --by date --metric p99:duration --where 'status_code < 500' --from 2024-10-01""",
    ],
)
@click.argument("table", shell_complete=known.tables)
@click.option(
    "--by", callback=column_names, metavar="COLUMN,…", help="Answer with a row for each combination of these columns."
)
@click.option(
    "--metric",
    callback=column_names,
    metavar="METRIC,…",
    help="Compute these: count (of rows), or of a column c count:c, count_distinct:c, sum:c, mean:c, min:c, max:c or a "
    "percentile such as p99:c.",
)
@click.option(
    "--where",
    metavar="SQL",
    default="",
    show_default=False,
    help="Use only rows for which this condition over the table's columns is true.",
)
@click.option("--from", "first", type=_DAY, metavar="YYYY-MM-DD", help="Use only rows of this date or later.")
@click.option("--to", "last", type=_DAY, metavar="YYYY-MM-DD", help="Use only rows of this date or earlier.")
@click.option(
    "--top",
    type=click.IntRange(min=1),
    metavar="N",
    help="Show only the N rows with the greatest first metric, or without --metric the first N of TABLE's ranking.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    help="Print the answer in this format. (In `ingest requests`, --format is the format of log lines.)",
)
@click.option(
    "--source",
    "answer_from",
    type=click.Choice(["auto", "records"]),
    default="auto",
    help="Answer from an aggregate where one can (auto), or always from the table's records. (In `ingest requests`, "
    "--source names the server of a log.)",
)
@click.option("--explain", is_flag=True, help="Show on standard error what answered, and why nothing else did.")
@common_options
def main(table: str, first: datetime | None, last: datetime | None, answer_from: str, **options: Any) -> None:
    """Answers a question about TABLE; without --metric it shows records of TABLE.

    The answer comes from the smallest table that can give it exactly: an aggregate of TABLE, or TABLE itself.
    """
    question = Question(
        by=options.pop("by"),
        metrics=options.pop("metric"),
        where=options.pop("where"),
        first=first.date() if first else None,
        last=last.date() if last else None,
        top=options.pop("top"),
        records_only=answer_from == "records",
    )
    form, explain = options.pop("form"), options.pop("explain")
    with job("query", options) as running:
        query(running, Catalog(running.settings.tables).table(table), question, form, explain=explain)


if __name__ == "__main__":
    main()
