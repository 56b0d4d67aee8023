"""Click options of how process listings are read: the fields of `Listing` that other readers do not have."""

from __future__ import annotations

import click

from sluice.readers.processes.reader import Listing

HEADING = "Process listings"
OPTIONS = (
    click.option("--host", envvar="SLUICE_HOST", help="Of snapshots.  [default: their path tells]"),
    click.option("--snapshot-at", envvar="SLUICE_SNAPSHOT_AT", help="Like 2024-09-01T10:00:00Z.  [default: the path]"),
    click.option("--os", envvar="SLUICE_OS", type=click.Choice(["unix", "windows"]), help="[default: the listing]"),
    click.option(
        "--path-pattern",
        envvar="SLUICE_PATH_PATTERN",
        default=Listing().path_pattern,
        show_default=True,
        help="What the end of a snapshot's path tells; {os} too.",
    ),
)
