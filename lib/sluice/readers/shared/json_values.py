"""Members of JSON objects as text, numbers as they are written; plain Python, no Spark."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, NoReturn

MAX_EXPONENT = 60  # what is written out plainly has about so many digits more
NO_OBJECT = "the line is not a JSON object"


class Unfit(ValueError):
    """Why a text is no object, or its values are no text of a table."""


class Number(str):
    """A number as it is written: no digit is lost, however many there are."""


def parsed(line: str) -> dict[str, Any]:
    """The object of a line; its numbers are `Number`. Raises Unfit."""
    try:
        found = _DECODER.decode(line)
    except Unfit:
        raise
    except (ValueError, RecursionError):
        raise Unfit(NO_OBJECT) from None
    if not isinstance(found, dict):
        raise Unfit(NO_OBJECT)
    return found


def member(record: Any, name: str) -> Any:
    """The member of this name, else the one that the dotted name leads to; None if there is none."""
    if isinstance(record, dict) and name in record:
        return record[name]
    for part in name.split("."):
        record = record.get(part) if isinstance(record, dict) else None
    return record


def text(value: Any) -> str | None:
    """A value of an object as text: numbers plainly, objects and arrays as compact JSON, null as None.

    Raises Unfit for text that no table can hold.
    """
    if value is None:
        return None
    if isinstance(value, Number):
        return _plain(value)
    try:
        found = value if isinstance(value, str) else _compact(value)
    except RecursionError:
        raise Unfit("a member is nested too deeply") from None
    if "\0" in found:
        raise Unfit("a member's text holds a NUL")
    try:
        found.encode()
    except UnicodeEncodeError:
        raise Unfit("a member's text holds half of a surrogate pair") from None
    return found


_EXPONENT = re.compile(r"[eE][+-]?0*([0-9]{1,2})")


def _plain(number: str) -> str:
    at = max(number.find("e"), number.find("E"))
    exponent = _EXPONENT.fullmatch(number, at) if at >= 0 else None
    return format(Decimal(number), "f") if exponent and int(exponent[1]) <= MAX_EXPONENT else str(number)


def _compact(value: Any) -> str:
    if isinstance(value, Number):
        return value
    if isinstance(value, dict):
        return "{" + ",".join(f"{_compact(name)}:{_compact(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_compact, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _refuse(constant: str) -> NoReturn:
    raise Unfit(f"{constant} is no number of JSON")


_DECODER = json.JSONDecoder(parse_int=Number, parse_float=Number, parse_constant=_refuse)
