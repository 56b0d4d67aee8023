"""JSON objects read without losing a digit or a member, and their members as text.

Python's `json` turns numbers into floats: `12345678901234567890.10` would come back as `1.2345678901234567e+19`. Here
a number stays the text that it was written as (`Number`), and becomes a column's text by the rules of `as_text`. Where
a member comes twice, `json` keeps the last; here such an object is not a record. A member is found by a dotted name:
`user.id` is the member of that very name, or else the member `id` of the object `user`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, NoReturn

from sluice.readers.shared.records import NotARecord, storable

_MAX_EXPONENT = 60  # numbers are written out up to 10^60; 1e999999999 would fill the memory
_NOT_AN_OBJECT = "the line is not a JSON object"


class Number(str):
    """A number as it is written."""


def parse_object(line: str) -> dict[str, Any]:
    """The object of a line; its numbers are `Number`. Raises NotARecord for any other line."""
    try:
        value = _DECODER.decode(line)
    except NotARecord:
        raise
    except (ValueError, RecursionError):
        raise NotARecord(_NOT_AN_OBJECT) from None
    if not isinstance(value, dict):
        raise NotARecord(_NOT_AN_OBJECT)
    return value


def member(record: Mapping[str, Any], name: str) -> Any:
    """The member of this name, else the one that the dotted name leads to; None if there is none.

    Raises NotARecord where the name leads through a text, a number or a list.
    """
    if name in record:
        return record[name]
    value: Any = record
    parts = name.split(".")
    for at, part in enumerate(parts):
        if value is None:
            return None
        if not isinstance(value, dict):
            raise NotARecord(f"{'.'.join(parts[:at])[:80]} is not an object, so it has no member {part[:80]!r}")
        value = value.get(part)
    return value


Members = Mapping[str, "Members | None"]  # name → its members (None: all are known)


def known_members(columns: Iterable[str]) -> Members:
    """The members that an object may have whose dotted names are columns."""
    known: dict[str, Any] = {}
    for column in columns:
        *parents, last = column.split(".")
        below: dict[str, Any] | None = known
        for parent in parents:
            below = below.setdefault(parent, {}) if below is not None else None
        if below is not None:
            below[last] = None
        known[column] = None
    return known


def unknown_members(record: Mapping[str, Any], known: Members, within: str = "") -> Iterator[str]:
    """The dotted names of an object's members that are not known."""
    for name, value in record.items():
        if name not in known:
            yield within + name
        elif isinstance(value, dict) and (below := known[name]) is not None:
            yield from unknown_members(value, below, f"{within}{name}.")


def as_text(value: Any) -> str | None:
    """A member as text: a number without an exponent up to 10^±60, an object or list as compact JSON, null as None.

    Raises NotARecord for text that no table can hold.
    """
    if value is None:
        return None
    if isinstance(value, Number):
        return _without_exponent(value)
    try:
        text = value if isinstance(value, str) else _compact(value)
    except RecursionError:
        raise NotARecord("a member is nested too deeply") from None
    return storable(text, "a member's text")


_EXPONENT = re.compile(r"[eE][+-]?0*([0-9]{1,2})")


def _without_exponent(number: str) -> str:
    at = max(number.find("e"), number.find("E"))
    exponent = _EXPONENT.fullmatch(number, at) if at >= 0 else None
    return format(Decimal(number), "f") if exponent and int(exponent[1]) <= _MAX_EXPONENT else str(number)


def _compact(value: Any) -> str:
    if isinstance(value, Number):
        return value
    if isinstance(value, dict):
        return "{" + ",".join(f"{_compact(name)}:{_compact(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_compact, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _refuse(constant: str) -> NoReturn:
    raise NotARecord(f"{constant} is not a JSON number")


def unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, for `json`. Raises NotARecord if a name comes twice: which of the values is meant cannot be told."""
    record = dict(pairs)
    if len(record) < len(pairs):
        name = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        raise NotARecord(f"member {name[:80]!r} comes twice in one object")
    return record


_DECODER = json.JSONDecoder(
    parse_int=Number, parse_float=Number, parse_constant=_refuse, object_pairs_hook=unique_members
)
