"""What samples of JSON lines show: the members of the objects, nested ones by dotted names, and their texts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import TypeAdapter, ValidationError

from sluice.catalog.schema import Input
from sluice.draft.sample import FileSample
from sluice.draft.seen import Seen, Texts
from sluice.errors import InputError, listed
from sluice.readers.shared.json_values import Number, as_text, member, parse_object
from sluice.readers.shared.line_ranges import refuse_lone_cr
from sluice.readers.shared.records import NotARecord

_FIRST_LINES = 20  # of which half must be objects
_MOST_BYTES = 128 << 10  # of a piece: Python parses these
_MOST_MEMBERS = 64  # of an object within a record; one with more is a map, whose keys are data
_DEEPEST = 8  # objects within each other
_SHOWN = 5  # names in a remark


def is_json(sample: FileSample) -> bool:
    """Whether a file has a JSON object on each line. Raises InputError for JSON of another form."""
    text = sample.beginning.lstrip()
    if not text.startswith((b"{", b"[")):
        return False
    first = [line for line in text.split(b"\n", _FIRST_LINES)[:_FIRST_LINES] if line.strip()]
    objects = sum(_object(line) is not None for line in first)
    if objects * 2 >= len(first):
        return True
    if text.startswith(b"[") and text[1:].lstrip()[:1] in (b"{", b"[", b"]"):
        raise InputError(f"{sample.file.uri}: is one JSON array: write an object a line: jq -c '.[]' FILE > NEW_FILE")
    if text.startswith(b"{") and text[1:].lstrip()[:1] in (b'"', b"}"):
        raise InputError(f"{sample.file.uri}: has JSON over several lines: write an object a line: jq -c . FILE > NEW")
    return False


def see_json(samples: Sequence[FileSample]) -> Seen:
    """What files of JSON objects show."""
    objects, numbers, rejects = [], [], Counter[str]()
    for number, sample in enumerate(samples):
        refuse_lone_cr(sample.file.uri, sample.beginning)
        for line in _lines(sample):
            try:
                objects.append(parse_object(line.decode()))
                numbers.append(number)
            except NotARecord as error:
                rejects[str(error)] += 1
            except UnicodeDecodeError:
                rejects["bytes that are not UTF-8"] += 1
    kinds = _kinds(objects)
    columns = {".".join(path): frozenset(kinds[path]) - {"null"} for path in _columns(kinds)}
    left_out = _left_out(list(columns))
    return Seen(
        source={"format": "json"},
        columns=tuple(Texts(name, _texts(objects, name), of) for name, of in columns.items() if name not in left_out),
        files=np.array(numbers, np.int64),
        rejects=rejects,
        remarks=_remarks(left_out),
    )


def _left_out(names: Sequence[str]) -> list[str]:
    """The names that no declaration can hold, also those that differ from an earlier one only in case."""
    lower = [name.lower() for name in names]
    return [name for i, name in enumerate(names) if not _is_input(name) or lower[i] in lower[:i]]


def _remarks(left_out: Sequence[str]) -> tuple[str, ...]:
    if not left_out:
        return ()
    names = listed(left_out, _SHOWN)
    return (f"Left out, as no column can have their names: {names}: ingest with --on-new-column ignore",)


def _lines(sample: FileSample) -> Iterator[bytes]:
    for piece in sample.pieces:
        cut = piece if len(piece) <= _MOST_BYTES else piece[: piece.rfind(b"\n", 0, _MOST_BYTES) + 1]
        yield from (line for line in cut.split(b"\n") if line.strip())


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        return parse_object(line.decode())
    except (NotARecord, UnicodeDecodeError):
        return None


Path = tuple[str, ...]  # of a member: the names that lead to it


def _kinds(objects: Sequence[Mapping[str, Any]]) -> dict[Path, Counter[str]]:
    """The kinds of each member's values, each with how many, in the order in which the members appear."""
    kinds: defaultdict[Path, Counter[str]] = defaultdict(Counter)

    def look(value: Mapping[str, Any], within: Path) -> None:
        for name, inner in value.items():
            kinds[(*within, name)][_kind(inner)] += 1
            if isinstance(inner, dict) and len(within) < _DEEPEST:
                look(inner, (*within, name))

    for record in objects:
        look(record, ())
    return kinds


def _kind(value: Any) -> str:
    if isinstance(value, Number):
        return "number"
    names = {type(None): "null", str: "string", bool: "boolean", list: "array", dict: "object"}
    return names[type(value)]


def _columns(kinds: Mapping[Path, Counter[str]]) -> Iterator[Path]:
    """The members that become columns: in place of an object its own members, if a dotted name can lead to each."""
    below: defaultdict[Path, list[Path]] = defaultdict(list)
    for path in kinds:
        below[path[:-1]].append(path)

    def leaves(within: Path) -> Iterator[Path]:
        for path in below[within]:
            opens = set(kinds[path]) <= {"object", "null"} and 0 < len(below[path]) <= _MOST_MEMBERS
            if opens and not any("." in name for *_, name in (path, *below[path])):
                yield from leaves(path)
            else:
                yield path

    return leaves(())


def _texts(objects: Sequence[Mapping[str, Any]], name: str) -> pa.StringArray:
    def text(record: Mapping[str, Any]) -> str | None:
        try:
            return as_text(member(record, name))
        except NotARecord:
            return None

    return pa.array(map(text, objects), pa.string())


def _is_input(name: str) -> bool:
    try:
        TypeAdapter(Input).validate_python(name)
    except ValidationError:
        return False
    return name != ""
