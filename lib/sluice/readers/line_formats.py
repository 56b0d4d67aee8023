"""What a line means: the named groups of a pattern, or the members of a JSON object."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sluice.errors import UsageError
from sluice.readers.dialect import byte_wise

_LARGEST_EXPONENT = 60
NO_OBJECT = "the line is not a JSON object"


class Unfit(ValueError):
    """Why a line is no record."""


@dataclass(frozen=True)
class LinePattern:
    """A regular expression of RE2 (https://github.com/google/re2/wiki/Syntax) with named groups for whole lines.

    RE2 takes time in proportion to a line's length, whatever the expression. A line of more than `max_record_bytes` is
    a reject, as is one that is `unmatched`.
    """

    pattern: str = field(metadata={"declared": True})
    unmatched: str = field(default="the line does not match the pattern", metadata={"declared": True})
    encoding: str = "utf-8"
    max_record_bytes: int = 1 << 20

    def __post_init__(self) -> None:
        object.__setattr__(self, "encoding", byte_wise(self.encoding))
        _ = self.groups

    @property
    def groups(self) -> tuple[str, ...]:
        """The names of the groups in order. Raises UsageError for a pattern that is none, or has other groups."""
        try:
            return tuple(self.extracted(pa.array([], pa.string())).type.names)
        except pa.ArrowInvalid as error:
            cause = str(error).removeprefix("Invalid: ").replace(self._whole, self.pattern)
            raise UsageError(
                f"pattern {self.pattern!r} is not a regular expression of named groups (?P<name>…) and others (?:…), "
                f"without look-arounds and back-references: {cause}"
            ) from None

    @property
    def _whole(self) -> str:
        return rf"\A(?:{self.pattern})\z"

    def extracted(self, lines: pa.StringArray) -> pa.StructArray:
        """The groups of each line; null for one that does not match."""
        names = pc.extract_regex(lines, self._whole)
        if len(set(names.type.names)) != names.type.num_fields or not names.type.num_fields:
            raise pa.ArrowInvalid("it has no named group, or two of one name")
        return names


@dataclass(frozen=True)
class JsonLines:
    """One JSON object (RFC 8259) a line, UTF-8. A line of more than `max_record_bytes` is a reject."""

    max_record_bytes: int = 1 << 20

    @property
    def encoding(self) -> str:
        return "utf-8"


def members(line: str) -> dict[str, Any]:
    """The object of a line, its numbers as they are written. Raises Unfit."""
    try:
        found = json.loads(line, parse_int=_Number, parse_float=_number, parse_constant=_refused)
    except (ValueError, RecursionError):
        raise Unfit(NO_OBJECT) from None
    if not isinstance(found, dict):
        raise Unfit(NO_OBJECT)
    return found


class _Number(str):
    """A number as it is written."""


def _number(text: str) -> str:
    """A number without an exponent, if that is not too long."""
    if "e" not in text and "E" not in text:
        return _Number(text)
    value = Decimal(text)
    return _Number(format(value, "f") if abs(value.adjusted()) <= _LARGEST_EXPONENT else text)


def _refused(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def member(record: Any, name: str) -> Any:
    """A member of an object by its name, or by those of nested objects joined by dots; None if it is not there."""
    if isinstance(record, Mapping) and name in record:
        return record[name]
    for part in name.split("."):
        record = record.get(part) if isinstance(record, Mapping) else None
    return record


def text(value: Any, name: str) -> str | None:
    """A member's value as text: objects and lists as JSON. Raises Unfit for text that no table can hold."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    found = value if isinstance(value, str) else _json(value)
    if "\0" in found:
        raise Unfit(f"{name} holds a NUL character")
    if not found.isascii() and any("\ud800" <= letter <= "\udfff" for letter in found):
        raise Unfit(f"{name} holds half of a surrogate pair")
    return str(found)


def _json(value: Any) -> str:
    """JSON of a parsed value, numbers as they were written."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k, ensure_ascii=False)}:{_json(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_json(each) for each in value) + "]"
    return str(value) if isinstance(value, _Number) else json.dumps(value, ensure_ascii=False)
