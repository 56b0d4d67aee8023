"""Click options of how request logs are read: the fields of `LogFormat` that other readers do not have."""

from __future__ import annotations

import click

from sluice.readers.logs.formats import FORMATS

HEADING = "Request logs"
OPTIONS = (
    click.option(
        "--format", envvar="SLUICE_FORMAT", type=click.Choice(FORMATS), help="Of logs.  [default: found for each file]"
    ),
    click.option(
        "--timezone", envvar="SLUICE_TIMEZONE", default="UTC", show_default=True, help="Of times without an offset."
    ),
    click.option(
        "--field", envvar="SLUICE_FIELD", multiple=True, metavar="COLUMN=NAME", help="Name in JSON, dotted if nested."
    ),
    click.option(
        "--customer",
        envvar="SLUICE_CUSTOMER",
        type=click.Choice(["user", "address"]),
        default="user",
        show_default=True,
        help="Of access lines; user: the address where there is none.",
    ),
    click.option("--keep-query", envvar="SLUICE_KEEP_QUERY", is_flag=True, help="Keep ?… in paths."),
    click.option("--source", envvar="SLUICE_SOURCE", default="", help="Tells the logs of different servers apart."),
)
