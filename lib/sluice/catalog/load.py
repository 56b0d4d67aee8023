"""Tables that users declare: a TOML file each, `NAME.toml`, read into a `Table`.

    key = ["order_id"]
    order_by = "updated_at"
    partition_by = ["date"]
    delete_when = "op = 'D'"

    [source]                       # format csv, json (one object a line) or lines (a pattern of named groups)
    format = "csv"

    [columns]                      # a type, or a table of type, format, timezone, sql, field, optional
    order_id = "bigint"
    amount = "decimal(12,2)"
    op = "string"
    updated_at = { type = "timestamp", format = "yyyy-MM-dd HH:mm:ss", timezone = "Europe/Berlin" }
    date = { type = "date", sql = "date(updated_at)" }

    [checks]                       # SQL over the columns, or a table of sql and action: reject, warn or fail
    positive = "amount > 0"

    [aggregates.orders_by_day]
    by = ["date"]
    measures = { orders = "count", revenue = "sum:amount" }

Which keys there are, and what each may hold, is in `schema`; which of them go together, in `checks`. What only Spark
can check, SQL and datetime formats, is checked by `expressions` later.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from sluice.catalog.checks import check_inputs_differ, check_keys, check_pattern_groups
from sluice.catalog.schema import (
    NAME,
    RESERVED_PREFIX,
    CsvSource,
    Declaration,
    DeclaredAggregate,
    DeclaredCheck,
    DeclaredColumn,
    JsonSource,
    Keys,
    LinesSource,
)
from sluice.errors import UsageError, closest
from sluice.model.aggregate import Aggregate
from sluice.model.table import Check, Column, Table
from sluice.readers.csv import reader as csv_reader
from sluice.readers.csv.dialect import Dialect
from sluice.readers.lines import reader as line_reader
from sluice.readers.lines.formats import JsonLines, LinePattern

# format of a source → the module that reads it, and the class of what that has to know
_READERS: dict[str, tuple[Any, Any]] = {
    "csv": (csv_reader, Dialect),
    "json": (line_reader, JsonLines),
    "lines": (line_reader, LinePattern),
}


def read_declaration(path: Path) -> Table:
    """The table that a file declares. Raises UsageError with file, key or line, and what was expected."""
    check_table_name(path)
    try:
        text = path.read_text(encoding="utf-8")
        return _table(path, Declaration.model_validate(tomllib.loads(text)))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: not UTF-8, which TOML requires") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from None
    except ValidationError as error:
        raise UsageError(f"{path}: {_explained(error.errors()[0])}") from None
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None


def check_table_name(path: Path) -> None:
    """Raises UsageError for a file whose name is not that of a table."""
    if not re.fullmatch(NAME, path.stem) or path.stem.startswith(RESERVED_PREFIX):
        raise UsageError(f"{path}: {path.stem!r} is not a valid table name: call the file NAME.toml, NAME like {NAME}")


_KEYS_OF_PART: dict[str, type[Keys]] = {
    "columns": DeclaredColumn,
    "checks": DeclaredCheck,
    "aggregates": DeclaredAggregate,
}
_KEYS_OF_SOURCE: dict[str, type[Keys]] = {"csv": CsvSource, "json": JsonSource, "lines": LinesSource}


def _explained(error: ErrorDetails) -> str:
    """One of pydantic's findings as a message: the key, and what was expected there."""
    place = [str(part) for part in error["loc"] if part != "[key]"]
    keys: type[Keys] = _KEYS_OF_PART.get(place[0], Declaration) if len(place) > 2 else Declaration
    if place[:1] == ["source"] and len(place) > 1:
        keys = _KEYS_OF_SOURCE[place.pop(1)]
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        message = f"unknown key: {closest(place[-1], keys.model_fields)}"
    elif error["type"] == "missing":
        message = "is missing"
    return f"{'.'.join(place) or 'the file'}: {message[0].lower()}{message[1:]}"


def _table(path: Path, declared: Declaration) -> Table:
    """The table of a declaration whose keys are valid by themselves. Raises UsageError if they do not go together."""
    check_keys(path.stem, declared)
    columns = tuple(
        Column(name, column.type, column.sql, column.optional, column.field, column.format, column.timezone)
        for name, column in declared.columns.items()
    )
    reader, reading = _source(declared)
    inputs = tuple(dict.fromkeys(column.input for column in columns if column.input))
    if isinstance(reading, LinePattern):
        check_pattern_groups(reading.groups, inputs, declared)
        inputs = reading.groups
    check_inputs_differ(inputs)
    return Table(
        name=path.stem,
        columns=columns,
        key=tuple(declared.key),
        reader=reader,
        reading=reading,
        partition_by=tuple(declared.partition_by),
        key_partitions=(),  # what the SQL of columns uses only Spark can say: see `expressions.key_partitions`
        input_columns=inputs,
        order_by=declared.order_by,
        delete_when=declared.delete_when,
        checks=tuple(Check(name, check.sql, check.action) for name, check in declared.checks.items()),
        aggregates=tuple(
            Aggregate(name, tuple(aggregate.by), aggregate.measures) for name, aggregate in declared.aggregates.items()
        ),
        deletion_vectors=None if (marking := declared.storage.deletion_vectors) == "auto" else marking,
        origin=str(path),
    )


def _source(declared: Declaration) -> tuple[Any, Any]:
    """The module that reads the table's files, and what it has to know of them."""
    reader, reading = _READERS[declared.source.format]
    try:
        return reader, reading(**declared.source.model_dump(exclude={"format"}))
    except UsageError as error:
        raise UsageError(f"source: {error}") from None
