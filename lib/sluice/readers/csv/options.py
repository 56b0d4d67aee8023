"""Click options of how CSV files are read: the fields of `Dialect` that other readers do not have."""

from __future__ import annotations

import click

HEADING = "CSV"
OPTIONS = (
    click.option("--delimiter", envvar="SLUICE_DELIMITER", default=",", show_default=True),
    click.option("--quote", envvar="SLUICE_QUOTE", default='"', show_default=True, help="Empty: no quoting."),
    click.option(
        "--escape", envvar="SLUICE_ESCAPE", default="", help="Makes the next character text.  [default: none]"
    ),
    click.option("--skip-lines", envvar="SLUICE_SKIP_LINES", type=click.IntRange(min=0), default=0, help="Before all."),
    click.option("--header/--no-header", envvar="SLUICE_HEADER", default=True, help="Without: the table's order."),
)
