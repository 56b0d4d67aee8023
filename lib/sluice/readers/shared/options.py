"""Click options of how files of several families are read."""

from __future__ import annotations

import click

HEADING = "Input"
OPTIONS = (
    click.option("--encoding", envvar="SLUICE_ENCODING", help="Of files without a byte order mark.  [default: utf-8]"),
    click.option(
        "--max-record-bytes",
        envvar="SLUICE_MAX_RECORD_BYTES",
        type=click.IntRange(1, 256 << 20),
        default=1 << 20,
        show_default=True,
        help="A longer record is a reject.",
    ),
)
