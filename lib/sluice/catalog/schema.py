"""The keys of a declaration and, by pydantic, what each may hold. Rules between keys are in `checks`."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from sluice.readers.shared.reading import MAX_RECORD_BYTES

NAME = "[a-z][a-z0-9_]{0,62}"
RESERVED_PREFIX = "sluice_"
OWN_TABLES = ("runs", "ingested_files", "rejects", "sluice_deletes")
_WORKING_COLUMNS = ("_file", "_position", "_raw", "_reason")  # what ingest adds to an input's columns
_TYPES = ("string", "boolean", "tinyint", "smallint", "int", "bigint", "float", "double", "date", "timestamp")
_ALIASES = {
    "integer": "int",
    "long": "bigint",
    "short": "smallint",
    "byte": "tinyint",
    "real": "float",
    "decimal": "decimal(10,0)",
}


def _name(text: Any) -> Any:
    if not isinstance(text, str) or not re.fullmatch(NAME, text):
        raise ValueError(f"{text!r} is not a valid name: use {NAME}")
    if text.startswith(RESERVED_PREFIX):
        raise ValueError(f"{text!r}: names that begin with {RESERVED_PREFIX} are reserved: choose another")
    return text


def _type(text: Any) -> Any:
    """A type in Spark's spelling."""
    if not isinstance(text, str):
        raise ValueError("expected the name of a type")
    lower = re.sub(r"\s", "", text.lower())
    kind = _ALIASES.get(lower, lower)
    if decimal := re.fullmatch(r"decimal\((\d{1,2})(?:,(\d{1,2}))?\)", kind):
        precision, scale = int(decimal[1]), int(decimal[2] or 0)
        if not 1 <= precision <= 38 or scale > precision:
            raise ValueError(f"{text!r}: expected decimal(P,S) with P up to 38 and S up to P")
        return f"decimal({precision},{scale})"
    if kind not in _TYPES:
        raise ValueError(f"unknown type {text!r}: expected {', '.join(_TYPES)} or decimal(P,S)")
    return kind


def _zone(text: Any) -> Any:
    try:
        return ZoneInfo(text).key
    except (KeyError, ValueError, OSError, TypeError):
        raise ValueError(f"unknown time zone {text!r}: expected a name like Europe/Berlin or UTC") from None


def _input(text: Any) -> Any:
    if isinstance(text, str) and ("`" in text or not text.isprintable() or text.lower() in _WORKING_COLUMNS):
        raise ValueError(f"{text!r} cannot be an input's column: expected its name, without ` and control characters")
    return text


def _text_or_table(key: str) -> BeforeValidator:
    """Lets a text stand for a table that has only this key."""
    return BeforeValidator(lambda value: {key: value} if isinstance(value, str) else value)


Name = Annotated[str, BeforeValidator(_name)]
Type = Annotated[str, BeforeValidator(_type)]
Zone = Annotated[str, BeforeValidator(_zone)]
Input = Annotated[str, BeforeValidator(_input)]
Text = Annotated[str, Field(min_length=1)]
RecordBytes = Annotated[int, Field(ge=1, le=MAX_RECORD_BYTES)]


class Keys(BaseModel):
    """A TOML table with these keys and no others."""

    model_config = ConfigDict(extra="forbid", strict=True)


class DeclaredColumn(Keys):
    """`[columns]` NAME = …: a type, or a table of these keys."""

    type: Type = "string"
    sql: str = ""
    field: Input = ""
    format: str = ""
    timezone: Zone = "UTC"
    optional: bool = False

    @model_validator(mode="after")
    def _check_keys_together(self) -> DeclaredColumn:
        if self.format and self.type not in ("date", "timestamp"):
            raise ValueError(f"format is for a date or timestamp, not for {self.type}")
        if self.timezone != "UTC" and self.type != "timestamp":
            raise ValueError(f"timezone is for a timestamp, not for {self.type}")
        if self.timezone != "UTC" and "[" in self.format:
            raise ValueError(
                "format has optional parts, which leave open if timezone applies: write it without [ and ]"
            )
        if self.sql and self.format:
            raise ValueError("a column made by sql has no format: convert the text in the sql")
        return self


class CsvSource(Keys):
    format: Literal["csv"]
    delimiter: str = ","
    quote: str = '"'
    escape: str = ""
    encoding: str = "utf-8"
    skip_lines: Annotated[int, Field(ge=0)] = 0
    header: bool = True
    max_record_bytes: RecordBytes = 1 << 20
    strict_quotes: bool = False
    header_rows: Literal["reject", "keep"] = "reject"
    null: str = ""
    escape_sequences: bool = False
    skip_initial_space: bool = False


class JsonSource(Keys):
    format: Literal["json"]
    max_record_bytes: RecordBytes = 1 << 20


class LinesSource(Keys):
    format: Literal["lines"]
    pattern: Text
    encoding: str = "utf-8"
    max_record_bytes: RecordBytes = 1 << 20


class DeclaredCheck(Keys):
    """`[checks]` NAME = …: SQL, or a table of these keys."""

    sql: Text
    action: Literal["reject", "warn", "fail"] = "reject"


class DeclaredAggregate(Keys):
    """`[aggregates.NAME]`"""

    by: Annotated[list[str], Field(min_length=1)]
    measures: Annotated[dict[Name, str], Field(min_length=1)]


class Storage(Keys):
    """`[storage]`"""

    deletion_vectors: bool | Literal["auto"] = "auto"


class Declaration(Keys):
    """A whole file; its name is the table's."""

    key: Annotated[list[str], Field(min_length=1)]
    source: Annotated[CsvSource | JsonSource | LinesSource, Field(discriminator="format")]
    columns: Annotated[dict[Name, Annotated[DeclaredColumn, _text_or_table("type")]], Field(min_length=1)]
    order_by: str = ""
    partition_by: list[str] = []
    delete_when: str = ""
    checks: dict[Name, Annotated[DeclaredCheck, _text_or_table("sql")]] = {}
    aggregates: dict[Name, DeclaredAggregate] = {}
    storage: Storage = Storage()
