"""The values of shared options, as the steps of a job need them, taken out of all that a command was given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import click
from click.core import ParameterSource

from sluice.catalog.catalog import BUILT_IN
from sluice.errors import UsageError
from sluice.generate.options import OF_KIND
from sluice.ingest.plan import Options
from sluice.model.table import Table

_OF_READING = {item.name for table in BUILT_IN.values() for item in fields(table.reading)}
_OF_INGEST = {item.name for item in fields(Options)}
_OF_SAMPLES = {name for own in OF_KIND.values() for name in own}


def take_ingest(options: dict[str, Any], table: Table | None) -> tuple[Options, dict[str, Any]]:
    """Takes the values of `ingest_options`, `file_options` and `reading_options` out of a job's options.

    Also gives the values of `reading_options` that are on the command line. Raises UsageError if one of them does not
    apply to files of the table. Without a table the `reading` of the options is None.
    """
    values = {name: options.pop(name) for name in _OF_READING & options.keys()}
    given = {name: value for name, value in values.items() if _source(name) is ParameterSource.COMMANDLINE}
    others = {name: options.pop(name) for name in _OF_INGEST & options.keys()}
    return Options(_reading(table, values, given) if table else None, **others), given


def _reading(table: Table, values: Mapping[str, Any], given: Mapping[str, Any]) -> Any:
    """How the table declares its files, changed by the values that come from anywhere but Click's own defaults."""
    known = {item.name for item in fields(table.reading)}
    for name in sorted(given.keys() - known):
        raise UsageError(f"--{name.replace('_', '-')} does not apply to files of table {table.name}: leave it out")
    chosen = known & {name for name in values if _source(name) is not ParameterSource.DEFAULT}
    return replace(table.reading, **{name: values[name] for name in chosen})


def take_sample(options: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """Takes the values of `sample_options` out of a job's, and the names of those that are on the command line."""
    values = {name: options.pop(name) for name in _OF_SAMPLES}
    return values, {name for name in values if _source(name) is ParameterSource.COMMANDLINE}


def _source(name: str) -> ParameterSource | None:
    return click.get_current_context().get_parameter_source(name)


def column_names(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...]:
    """The value of an option that takes names of columns, separated by commas."""
    return tuple(name.strip() for name in value.split(",")) if value else ()
