"""Options of how process listings are read: the fields of `SnapshotOptions` that other readers do not have."""

from __future__ import annotations

import click

from sluice.readers.processes.snapshot import SnapshotOptions

HEADING = "Process listings"
OPTIONS = (
    click.option(
        "--host",
        envvar="SLUICE_HOST",
        metavar="NAME",
        show_default="from the path",
        help="Use this host for every listing.",
    ),
    click.option(
        "--snapshot-at",
        envvar="SLUICE_SNAPSHOT_AT",
        metavar="TIME",
        show_default="from the path",
        help="Use this time for every listing, such as 2024-09-01T10:00:00Z.",
    ),
    click.option(
        "--os",
        envvar="SLUICE_OS",
        type=click.Choice(["unix", "windows"]),
        show_default="from the listing",
        help="Use this system for every listing.",
    ),
    click.option(
        "--path-pattern",
        envvar="SLUICE_PATH_PATTERN",
        metavar="PATTERN",
        default=SnapshotOptions().path_pattern,
        help="Read host and time, and {os} if it names it, from the end of a file's path by this pattern.",
    ),
)
