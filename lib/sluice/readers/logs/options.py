"""Options of how request logs are read: the fields of `LogFormat` that other readers do not have."""

from __future__ import annotations

import click

from sluice.readers.logs.formats import FORMATS
from sluice.readers.logs.values import DURATION_UNITS

HEADING = "Request logs"
OPTIONS = (
    click.option(
        "--format",
        envvar="SLUICE_FORMAT",
        type=click.Choice(FORMATS),
        show_default="detected for each file",
        help="Read only lines of this format. (In `query`, --format is the format of the answer.)",
    ),
    click.option(
        "--timezone",
        envvar="SLUICE_TIMEZONE",
        metavar="ZONE",
        default="UTC",
        help="Read times without an offset in this zone, such as Europe/Berlin.",
    ),
    click.option(
        "--field",
        envvar="SLUICE_FIELD",
        multiple=True,
        metavar="COLUMN=NAME",
        help="Read a column from this member of JSON objects; a dotted name is of a nested object. Repeat the option "
        "for several columns.",
    ),
    click.option(
        "--customer",
        envvar="SLUICE_CUSTOMER",
        type=click.Choice(["user", "address"]),
        default="user",
        help="Take the customer of an access line from its user (the address if it has none) or from its address.",
    ),
    click.option(
        "--keep-query", envvar="SLUICE_KEEP_QUERY", is_flag=True, help="Keep what follows the ? in request paths."
    ),
    click.option(
        "--source",
        envvar="SLUICE_SOURCE",
        metavar="NAME",
        default="",
        show_default="none",
        help="Name the server that wrote the logs: equal lines of two servers are two requests. (In `query`, --source "
        "chooses what answers.)",
    ),
    click.option(
        "--duration-unit",
        envvar="SLUICE_DURATION_UNIT",
        type=click.Choice(list(DURATION_UNITS)),
        default="s",
        help="Read durations in seconds, milli-, micro- or nanoseconds.",
    ),
)
