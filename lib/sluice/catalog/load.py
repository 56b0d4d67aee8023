"""Tables that users declare: a TOML file each, `NAME.toml`, checked by pydantic and made a `Table`.

    key = ["order_id"]
    order_by = "updated_at"
    partition_by = ["date"]
    delete_when = "op = 'D'"

    [source]                       # format csv, json (one object a line) or lines (a pattern of named groups)
    format = "csv"

    [columns]                      # a type, or a table of type, format, timezone, sql, field, optional
    order_id = "bigint"
    updated_at = { type = "timestamp", format = "yyyy-MM-dd HH:mm:ss", timezone = "Europe/Berlin" }

    [checks]                       # SQL over the columns, or a table of sql and action: reject, warn or fail
    positive = "amount > 0"

    [aggregates.orders_by_day]
    by = ["date"]
    measures = { orders = "count", revenue = "sum:amount" }

What SQL says is checked where Spark runs, by `declared_sql`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from sluice.errors import UsageError
from sluice.model import table
from sluice.model.aggregate import MEASURE, Aggregate
from sluice.model.table import Check, Table, is_taken
from sluice.readers.csv import reader as csv
from sluice.readers.csv.dialect import Dialect
from sluice.readers.lines import reader as lines
from sluice.readers.lines.formats import JsonLines, LinePattern

NAME = "[a-z][a-z0-9_]{0,62}"
OWN_TABLES = ("runs", "ingested_files", "rejects", "sluice_deletes")
_WORKED_WITH = ("_file", "_position", "_raw", "_reason")
_SIMPLE = ("string", "boolean", "tinyint", "smallint", "int", "bigint", "float", "double", "date", "timestamp")
_ALIASES = {"integer": "int", "long": "bigint", "short": "smallint", "byte": "tinyint", "real": "float"}
_NUMBERS = ("tinyint", "smallint", "int", "bigint", "float", "double", "decimal")


def _name(text: Any) -> Any:
    if not isinstance(text, str) or not re.fullmatch(NAME, text):
        raise ValueError(f"{text!r} is not a name: use {NAME}")
    if text.startswith("sluice_"):
        raise ValueError(f"{text!r}: names that begin with sluice_ are taken: choose another")
    return text


def _type(text: Any) -> Any:
    """A type in Spark's spelling."""
    if not isinstance(text, str):
        raise ValueError("expected the name of a type")
    kind = re.sub(r"\s", "", text.lower())
    kind = _ALIASES.get(kind, "decimal(10,0)" if kind == "decimal" else kind)
    decimal = re.fullmatch(r"decimal\((\d{1,2})(?:,(\d{1,2}))?\)", kind)
    if decimal:
        precision, scale = int(decimal[1]), int(decimal[2] or 0)
        if not 1 <= precision <= 38 or scale > precision:
            raise ValueError(f"{text!r}: expected decimal(P,S) with P up to 38 and S up to P")
        return f"decimal({precision},{scale})"
    if kind not in _SIMPLE:
        raise ValueError(f"{text!r} is not a type here: expected {', '.join(_SIMPLE)} or decimal(P,S)")
    return kind


def _zone(text: Any) -> Any:
    try:
        return ZoneInfo(text).key
    except (KeyError, ValueError, OSError, TypeError):
        raise ValueError(f"{text!r} is no time zone: expected a name like Europe/Berlin or UTC") from None


def _as_table(key: str) -> BeforeValidator:
    """A text stands for a table with this key alone."""
    return BeforeValidator(lambda value: {key: value} if isinstance(value, str) else value)


def _field(text: Any) -> Any:
    if isinstance(text, str) and ("`" in text or not text.isprintable() or text.lower() in _WORKED_WITH):
        raise ValueError(f"{text!r} cannot be an input's column: expected its name, without ` and control characters")
    return text


Name = Annotated[str, BeforeValidator(_name)]
Type = Annotated[str, BeforeValidator(_type)]
Zone = Annotated[str, BeforeValidator(_zone)]
Text = Annotated[str, Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Column(_Strict):
    type: Type = "string"
    sql: str = ""
    field: Annotated[str, BeforeValidator(_field)] = ""
    format: str = ""
    timezone: Zone = "UTC"
    optional: bool = False

    @model_validator(mode="after")
    def _fits(self) -> _Column:
        if self.format and self.type not in ("date", "timestamp"):
            raise ValueError(f"format is for a date or timestamp, not for {self.type}")
        if self.timezone != "UTC" and self.type != "timestamp":
            raise ValueError(f"timezone is for a timestamp, not for {self.type}")
        if self.timezone != "UTC" and "[" in self.format:
            raise ValueError("format has optional parts, so it cannot be told whether timezone holds: write one form")
        if self.sql and self.format:
            raise ValueError("a column made by sql has no format: convert the text in the sql")
        return self


class _Csv(_Strict):
    format: Literal["csv"]
    delimiter: str = ","
    quote: str = '"'
    escape: str = ""
    encoding: str = "utf-8"
    skip_lines: Annotated[int, Field(ge=0)] = 0
    header: bool = True
    max_record_bytes: Annotated[int, Field(ge=1, le=256 << 20)] = 1 << 20


class _Json(_Strict):
    format: Literal["json"]
    max_record_bytes: Annotated[int, Field(ge=1, le=256 << 20)] = 1 << 20


class _Lines(_Strict):
    format: Literal["lines"]
    pattern: Text
    encoding: str = "utf-8"
    max_record_bytes: Annotated[int, Field(ge=1, le=256 << 20)] = 1 << 20


_READERS: dict[str, tuple[Any, Any]] = {
    "csv": (csv, Dialect),
    "json": (lines, JsonLines),
    "lines": (lines, LinePattern),
}


class _Check(_Strict):
    sql: Text
    action: Literal["reject", "warn", "fail"] = "reject"


class _Aggregate(_Strict):
    by: Annotated[list[str], Field(min_length=1)]
    measures: Annotated[dict[Name, str], Field(min_length=1)]


class _Declaration(_Strict):
    key: Annotated[list[str], Field(min_length=1)]
    source: Annotated[_Csv | _Json | _Lines, Field(discriminator="format")]
    columns: Annotated[dict[Name, Annotated[_Column, _as_table("type")]], Field(min_length=1)]
    order_by: str = ""
    partition_by: list[str] = []
    delete_when: str = ""
    checks: dict[Name, Annotated[_Check, _as_table("sql")]] = {}
    aggregates: dict[Name, _Aggregate] = {}


def read(path: Path) -> Table:
    """The table that a file declares. Raises UsageError with file, key or line, and what was expected."""
    if not re.fullmatch(NAME, path.stem) or path.stem.startswith("sluice_"):
        raise UsageError(f"{path}: {path.stem!r} is not a table's name: call the file NAME.toml, NAME like {NAME}")
    try:
        text = path.read_text(encoding="utf-8")
        declared = _Declaration.model_validate(tomllib.loads(text))
        return _table(path, declared)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: not UTF-8: TOML is") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from None
    except ValidationError as error:
        raise UsageError(f"{path}: {_told(error.errors()[0])}") from None
    except _Wrong as error:
        raise UsageError(f"{path}: {error}") from None


_PARTS: dict[str, type[_Strict]] = {"columns": _Column, "checks": _Check, "aggregates": _Aggregate}
_SOURCES: dict[str, type[_Strict]] = {"csv": _Csv, "json": _Json, "lines": _Lines}


def _told(error: ErrorDetails) -> str:
    """One of pydantic's findings: the key and what was expected there."""
    place = [str(part) for part in error["loc"] if part != "[key]"]
    model: type[_Strict] = _PARTS.get(place[0], _Declaration) if len(place) > 2 else _Declaration
    if place[:1] == ["source"] and len(place) > 1:
        model = _SOURCES[place.pop(1)]
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        message = f"is not known here: expected some of {', '.join(model.model_fields)}"
    elif error["type"] == "missing":
        message = "is missing"
    return f"{'.'.join(place) or 'the file'}: {message[0].lower()}{message[1:]}"


class _Wrong(Exception):
    """What is wrong with keys that are right by themselves."""


def _table(path: Path, declared: _Declaration) -> Table:
    columns = tuple(
        table.Column(name, column.type, column.sql, column.optional, column.field, column.format, column.timezone)
        for name, column in declared.columns.items()
    )
    _check(path.stem, declared)
    reader, reading = _READERS[declared.source.format]
    try:
        how = reading(**declared.source.model_dump(exclude={"format"}))
    except UsageError as error:
        raise _Wrong(f"source: {error}") from None
    inputs = tuple(dict.fromkeys(column.input for column in columns if column.input))
    if isinstance(how, LinePattern):
        inputs = _of_pattern(how, inputs, columns)
    for i, name in enumerate(inputs):
        if alike := next((other for other in inputs[:i] if other.lower() == name.lower()), None):
            raise _Wrong(f"columns: inputs {alike!r} and {name!r} differ in case alone: Spark does not tell them apart")
    return Table(
        name=path.stem,
        columns=columns,
        key=tuple(declared.key),
        reader=reader,
        reading=how,
        partition_by=tuple(declared.partition_by),
        key_partitions=tuple(name for name in declared.partition_by if _told_by_key(name, declared, inputs)),
        input_columns=inputs,
        order_by=declared.order_by,
        delete_when=declared.delete_when,
        checks=tuple(Check(name, check.sql, check.action) for name, check in declared.checks.items()),
        aggregates=tuple(Aggregate(name, tuple(each.by), each.measures) for name, each in declared.aggregates.items()),
        origin=str(path),
    )


def _check(name: str, declared: _Declaration) -> None:
    """Raises _Wrong for names that do not go together."""
    columns = declared.columns
    for column in columns:
        if is_taken(column):
            raise _Wrong(f"columns.{column}: the name is taken: choose another, with field = {column!r}")
    for key in ("key", "partition_by"):
        _check_columns(key, getattr(declared, key), columns)
    for column in declared.key:
        if columns[column].type in ("float", "double"):
            raise _Wrong(f"key: {column} is a {columns[column].type}, which has no exact values: use a decimal")
    if declared.order_by:
        _check_columns("order_by", [declared.order_by], columns)
    if "date" in declared.partition_by and columns["date"].type != "date":
        raise _Wrong(f"partition_by: date is a {columns['date'].type}: of a column of this name a date is expected")
    if set(declared.partition_by) == set(columns):
        raise _Wrong("partition_by: names all columns: leave some")
    for made, aggregate in declared.aggregates.items():
        _check_aggregate(f"aggregates.{made}", made, aggregate, columns)
        if made in (name, *OWN_TABLES):
            raise _Wrong(f"aggregates.{made}: the name is taken by a table: choose another")


def _check_columns(key: str, names: list[str], columns: Iterable[str]) -> None:
    for i, name in enumerate(names):
        if name not in columns:
            raise _Wrong(f"{key}: {name!r} is not a column: expected some of {', '.join(columns)}")
        if name in names[:i]:
            raise _Wrong(f"{key}: names {name!r} twice: name each once")


def _check_aggregate(key: str, made: str, aggregate: _Aggregate, columns: dict[str, _Column]) -> None:
    _check_columns(f"{key}.by", aggregate.by, columns)
    for name, measure in aggregate.measures.items():
        place = f"{key}.measures.{name}"
        if name in aggregate.by or is_taken(name):
            raise _Wrong(f"{place}: the name is taken: choose another")
        if not MEASURE.fullmatch(measure):
            raise _Wrong(
                f"{place}: {measure!r} is no measure: expected count, or count:c, count_distinct:c, sum:c, mean:c, "
                "min:c, max:c or pNN:c of a column c"
            )
        kind, _, column = measure.partition(":")
        if column:
            _check_columns(place, [column], columns)
        if kind in ("sum", "mean") and not columns[column].type.startswith(_NUMBERS):
            raise _Wrong(f"{place}: {column} is a {columns[column].type}: only numbers add up")


def _words(sql: str) -> set[str]:
    """The names that SQL may speak of: its texts in quotes and its functions are among them."""
    return set(re.findall(r"[a-z_][a-z0-9_]*", sql.lower()))


def _of_pattern(how: LinePattern, inputs: tuple[str, ...], columns: tuple[table.Column, ...]) -> tuple[str, ...]:
    """The groups of a pattern, which must be the columns' inputs, or what their SQL speaks of."""
    for name in inputs:
        if name not in how.groups:
            raise _Wrong(f"source.pattern: has no group (?P<{name}>…), which column {name} needs")
    spoken = set().union(*(_words(column.sql) for column in columns))
    for name in how.groups:
        if name not in inputs and name.lower() not in spoken:
            raise _Wrong(f"source.pattern: group {name!r} is no column: declare it, or write (?:…)")
    return how.groups


def _told_by_key(name: str, declared: _Declaration, inputs: Iterable[str]) -> bool:
    """Whether rows of one key always have the same value in a column: it is of the key, or SQL makes it of that.

    Only of types whose values are the same as a partition's name and in Python.
    """
    column = declared.columns[name]
    of = _words(column.sql) & {*declared.columns, *(each.lower() for each in inputs)} - {name}
    told = name in declared.key or bool(of and of <= set(declared.key) and not column.field)
    return told and column.type in ("string", "int", "bigint", "date")
