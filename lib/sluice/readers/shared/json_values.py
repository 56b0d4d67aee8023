"""JSON objects read without losing a digit, and their members as text.

Python's `json` turns numbers into floats: `12345678901234567890.10` would come back as `1.2345678901234567e+19`. Here
a number stays the text that it was written as (`Number`), and becomes a column's text by the rules of `as_text`. A
member is found by a dotted name: `user.id` is the member of that very name, or else the member `id` of the object
`user`.
"""

from __future__ import annotations

import json
import re
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


def member(record: Any, name: str) -> Any:
    """The member of this name, else the one that the dotted name leads to; None if there is none."""
    if isinstance(record, dict) and name in record:
        return record[name]
    for part in name.split("."):
        record = record.get(part) if isinstance(record, dict) else None
    return record


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


_DECODER = json.JSONDecoder(parse_int=Number, parse_float=Number, parse_constant=_refuse)
