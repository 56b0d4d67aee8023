"""Records in JSON as a file of their table: lines for tables of lines, CSV for tables of CSV, else an object a line.

Numbers keep the digits that they were written with.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from sluice.model.table import Table
from sluice.readers.csv import reader as csv_reader
from sluice.readers.lines.formats import LinePattern
from sluice.readers.logs import reader as log_reader
from sluice.readers.processes import reader as process_reader
from sluice.serve.problems import Problem, unfit

# whatever the table's declaration says of its files
_CSV_OPTIONS = ("--delimiter=,", '--quote="', "--escape=", "--encoding=utf-8", "--skip-lines=0", "--header")


class File(NamedTuple):
    """A file, and the options by which a job reads it."""

    name: str
    data: bytes
    options: tuple[str, ...] = ()


class _Number(str):
    """A number as it was written."""


def parsed(body: bytes, most: int) -> list[Any]:
    """The records of a request's body. Raises Problem unless it is `{"items": […]}` with one to `most` of them."""
    try:
        document = json.loads(body, parse_int=_Number, parse_float=_Number, parse_constant=_Number)
    except (ValueError, RecursionError) as error:
        raise Problem(422, f"the body is not valid JSON ({error or 'nested too deep'})") from None
    items = document.get("items") if isinstance(document, dict) else None
    if not isinstance(items, list) or not items:
        raise _wrong("items", 'give a list of records: {"items": […]}')
    if len(items) > most:
        raise _wrong("items", f"{len(items):,} records, more than {most:,}: send fewer, or a file")
    return items


def as_file(table: Table, items: Sequence[Any]) -> File:
    """The file that has these records. Raises Problem for one that no file of the table can hold."""
    if table.reader is process_reader:
        raise Problem(422, f"table {table.name} is read from listings: upload a file")
    if isinstance(table.reading, LinePattern):
        return File("items.txt", lines(items))
    if table.reader is csv_reader:
        return File("items.csv", _csv(items), _CSV_OPTIONS)
    takes_lines = table.reader is log_reader
    texts = [item if takes_lines and _is_text(item) else _object(i, item) for i, item in enumerate(items)]
    return File("items.jsonl", lines(texts))


def lines(items: Sequence[Any]) -> bytes:
    """Texts as lines, each in one."""
    for i, item in enumerate(items):
        if not _is_text(item):
            raise _wrong(f"items.{i}", "give a text, one line of the table's files")
        if "\n" in item or "\r" in item:
            raise _wrong(f"items.{i}", "has a line break: give one record an item")
    return _encoded("".join(f"{item}\n" for item in items))


def _csv(items: Sequence[Any]) -> bytes:
    names: dict[str, None] = {}
    for i, item in enumerate(items):
        if not isinstance(item, dict):
            raise _wrong(f"items.{i}", "give an object with the table's columns")
        names |= dict.fromkeys(item)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for i, item in enumerate(items):
        writer.writerow([_cell(f"items.{i}.{name}", item.get(name)) for name in names])
    return _encoded(text.getvalue())


def _cell(place: str, value: Any) -> str:
    if isinstance(value, dict | list):
        raise _wrong(place, "a table of CSV has no objects and lists: give a text or a number")
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _object(i: int, item: Any) -> str:
    if not isinstance(item, dict):
        raise _wrong(f"items.{i}", "give an object")
    return _json(item)


def _json(value: Any) -> str:
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)}: {_json(member)}" for name, member in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_json, value)) + "]"
    return json.dumps(value)


def _is_text(item: Any) -> bool:
    return isinstance(item, str) and not isinstance(item, _Number)


def _encoded(text: str) -> bytes:
    """UTF-8; half of a surrogate pair becomes bytes that are not, so that its record is a reject."""
    return text.encode("utf-8", "surrogatepass")


def _wrong(name: str, reason: str) -> Problem:
    return unfit([(name, reason)])
