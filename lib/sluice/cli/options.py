"""Click options that several jobs share, each with its environment variable."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields, replace
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import click
from click.core import ParameterSource

from sluice import readers
from sluice.catalog.catalog import BUILT_IN
from sluice.errors import UsageError
from sluice.generate.options import OF_KIND
from sluice.ingest.plan import Options
from sluice.ingest.limit import RejectLimit
from sluice.model.table import Table
from sluice.readers.shared import new_columns

Decorator = Callable[[Callable], Callable]


class RejectLimitType(click.ParamType):
    """`N` or `P%`."""

    name = "N|P%"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> RejectLimit:
        if isinstance(value, RejectLimit):
            return value
        match = re.fullmatch(r"(\d+(?:\.\d+)?)(%?)", str(value).strip())
        if not match or (match[2] and float(match[1]) > 100) or (not match[2] and "." in match[1]):
            self.fail(f"{value!r} is neither a number of records nor a share such as 1%", param, ctx)
        return RejectLimit(float(match[1]), bool(match[2]))


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
        type=RejectLimitType(),
        default="1%",
        show_default=True,
        help="Of each file; more merge nothing.",
    ),
    click.option(
        "--on-new-column",
        envvar="SLUICE_ON_NEW_COLUMN",
        type=click.Choice(new_columns.CHOICES),
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

_OF_READING = {item.name for table in BUILT_IN.values() for item in fields(table.reading)}
_FAMILIES = [import_module(f"{family.name}.options") for family in iter_modules(readers.__path__, "sluice.readers.")]
reading_options = _together(*(option for family in _FAMILIES for option in family.OPTIONS))

_OF_SAMPLES = {name: option for own in OF_KIND.values() for name, option in own.items()}
sample_options = _together(*_OF_SAMPLES.values())

export_options = _together(
    click.option("--schema", envvar="SLUICE_SCHEMA", default="public", show_default=True, help="Of PostgreSQL."),
)


def take_ingest(options: dict[str, Any], table: Table | None) -> tuple[Options, dict[str, Any]]:
    """Takes the values of `ingest_options`, `file_options` and `reading_options` out of a job's.

    Files are read as the table declares, but for what is chosen otherwise: Click's own defaults are only for show.
    Gives also those of `reading_options` that stand on the command line. Raises UsageError for one of them that is not
    for files of the table (None: any).
    """
    values = {name: options.pop(name) for name in _OF_READING & options.keys()}
    given = {name: value for name, value in values.items() if _source(name) is ParameterSource.COMMANDLINE}
    reading = None
    if table is not None:
        known = {item.name for item in fields(table.reading)}
        for name in given.keys() - known:
            raise UsageError(f"--{name.replace('_', '-')} is not for files of table {table.name}")
        chosen = known & {name for name in values if _source(name) is not ParameterSource.DEFAULT}
        reading = replace(table.reading, **{name: values[name] for name in chosen})
    others = {item.name for item in fields(Options)} & options.keys()
    return Options(reading, **{name: options.pop(name) for name in others}), given


def take_sample(options: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """Takes the values of `sample_options` out of a job's, and the names of those that stand on the command line."""
    values = {name: options.pop(name) for name in _OF_SAMPLES}
    return values, {name for name in values if _source(name) is ParameterSource.COMMANDLINE}


def _source(name: str) -> ParameterSource | None:
    return click.get_current_context().get_parameter_source(name)
