"""Options of how files are read, of several families of readers."""

from __future__ import annotations

import click

from sluice.readers.shared.reading import MAX_RECORD_BYTES

HEADING = "Input"
OPTIONS = (
    click.option(
        "--encoding",
        envvar="SLUICE_ENCODING",
        metavar="NAME",
        show_default="utf-8",
        help="Decode files without a byte order mark by this encoding.",
    ),
    click.option(
        "--max-record-bytes",
        envvar="SLUICE_MAX_RECORD_BYTES",
        type=click.IntRange(1, MAX_RECORD_BYTES),
        metavar="BYTES",
        default=1 << 20,
        help="Reject a record that is longer than this.",
    ),
)
