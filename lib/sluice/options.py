"""Click options that several jobs share, each with its environment variable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import click
from click.core import ParameterSource

from sluice import drift, ingest
from sluice.errors import UsageError
from sluice.limit import LimitType
from sluice.readers.dialect import Dialect
from sluice.readers.log_formats import FORMATS, LogFormat
from sluice.readers.snapshots import Listing
from sluice.table import Table

Decorator = Callable[[Callable], Callable]


def _together(*options: Decorator) -> Decorator:
    def decorate(function: Callable) -> Callable:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


common_options = _together(
    click.option("--lake", envvar="SLUICE_LAKE", default="lake", show_default=True, help="Folder of all tables."),
    click.option("--tables", envvar="SLUICE_TABLES", help="Folder of declared tables.  [default: conf/tables]"),
    click.option("--run-id", envvar="SLUICE_RUN_ID", help="Marks everything this run writes.  [default: generated]"),
    click.option("--result-file", envvar="SLUICE_RESULT_FILE", help="Write the report here too."),
    click.option(
        "--log-format",
        envvar="SLUICE_LOG_FORMAT",
        type=click.Choice(["text", "json"]),
        default="text",
        help="Of lines.",
    ),
    click.option(
        "--progress",
        envvar="SLUICE_PROGRESS",
        type=click.Choice(["auto", "plain", "none"]),
        default="auto",
        help="auto: a live line on a terminal.",
    ),
)

writer_options = _together(
    click.option("--dry-run", envvar="SLUICE_DRY_RUN", is_flag=True, help="Count everything, commit nothing."),
    click.option(
        "--lock-timeout",
        envvar="SLUICE_LOCK_TIMEOUT",
        type=click.FloatRange(min=0),
        default=600,
        show_default=True,
        help="Seconds to wait for another run.",
    ),
)


ingest_options = _together(
    click.option(
        "--max-rejects",
        envvar="SLUICE_MAX_REJECTS",
        type=LimitType(),
        default="1%",
        show_default=True,
        help="Of each file; more merge nothing.",
    ),
    click.option(
        "--on-new-column",
        envvar="SLUICE_ON_NEW_COLUMN",
        type=click.Choice(drift.CHOICES),
        default="fail",
        show_default=True,
        help="What to do with columns of a file that the table lacks.",
    ),
)

file_options = _together(
    click.option("--reprocess", envvar="SLUICE_REPROCESS", is_flag=True, help="Ingest files as if they were new."),
    click.option(
        "--on-bad-file",
        envvar="SLUICE_ON_BAD_FILE",
        type=click.Choice(["fail", "skip"]),
        default="fail",
        show_default=True,
        help="skip: leave out files that cannot be read.",
    ),
    click.option(
        "--min-age",
        envvar="SLUICE_MIN_AGE",
        type=click.FloatRange(min=0),
        default=0,
        help="Leave files written less than so many seconds ago.",
    ),
)

_CSV = (
    click.option("--delimiter", envvar="SLUICE_DELIMITER", default=",", show_default=True),
    click.option("--quote", envvar="SLUICE_QUOTE", default='"', show_default=True, help="Empty: no quoting."),
    click.option(
        "--escape", envvar="SLUICE_ESCAPE", default="", help="Makes the next character text.  [default: none]"
    ),
    click.option("--encoding", envvar="SLUICE_ENCODING", help="Of files without a byte order mark.  [default: utf-8]"),
    click.option("--skip-lines", envvar="SLUICE_SKIP_LINES", type=click.IntRange(min=0), default=0, help="Before all."),
    click.option("--header/--no-header", envvar="SLUICE_HEADER", default=True, help="Without: the table's order."),
    click.option(
        "--max-record-bytes",
        envvar="SLUICE_MAX_RECORD_BYTES",
        type=click.IntRange(1, 256 << 20),
        default=1 << 20,
        show_default=True,
        help="A longer record is a reject.",
    ),
)

_LOGS = (
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

_SNAPSHOTS = (
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

_READINGS = (Dialect, LogFormat, Listing)
reading_options = _together(*_CSV, *_LOGS, *_SNAPSHOTS)

export_options = _together(
    click.option("--schema", envvar="SLUICE_SCHEMA", default="public", show_default=True, help="Of PostgreSQL."),
)


def take_ingest(options: dict[str, Any], table: Table | None) -> tuple[ingest.Options, dict[str, Any]]:
    """Takes the values of `ingest_options`, `file_options` and `reading_options` out of a job's.

    Files are read as the table declares, but for what is chosen otherwise: Click's own defaults are only for show.
    Gives also those of `reading_options` that stand on the command line. Raises UsageError for one of them that is not
    for files of the table (None: any).
    """
    names = dict.fromkeys(item.name for kind in _READINGS for item in fields(kind))
    values = {name: options.pop(name) for name in names}
    given = {name: value for name, value in values.items() if _source(name) is ParameterSource.COMMANDLINE}
    reading = None
    if table is not None:
        known = {item.name for item in fields(table.reading)}
        for name in given.keys() - known:
            raise UsageError(f"--{name.replace('_', '-')} is not for files of table {table.name}")
        chosen = known & {name for name in names if _source(name) is not ParameterSource.DEFAULT}
        reading = replace(table.reading, **{name: values[name] for name in chosen})
    others = {item.name for item in fields(ingest.Options)} & options.keys()
    return ingest.Options(reading, **{name: options.pop(name) for name in others}), given


def _source(name: str) -> ParameterSource | None:
    return click.get_current_context().get_parameter_source(name)
