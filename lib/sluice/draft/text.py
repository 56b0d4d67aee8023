"""A declaration as TOML, with what was seen in comments beside its lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sluice.draft.columns import Column
from sluice.draft.keys import Key
from sluice.draft.seen import Seen
from sluice.draft.suggestions import Suggestions
from sluice.errors import counted

_WIDEST = 118
_COMMENTS_AT = 48  # where comments begin, if the lines are not longer
_SHOWN_REJECTS = 3


def toml_text(head: Sequence[str], seen: Seen, key: Key, made: Suggestions) -> str:
    """The whole file; `head` are the lines of its first comment."""
    parts = [
        [f"# {line}" for line in _printable(head)] + _rejects(seen),
        _keys(key, made),
        [
            "[source]",
            *_commented((f"{name} = {_value(value)}", seen.notes.get(name, "")) for name, value in _of_source(seen)),
        ],
        ["[columns]", *_commented(map(_column, made.columns))],
        _checks(made.columns),
        [
            "# An aggregate, kept current by the job aggregate; take away the # to have it:",
            *(f"# {line}" for line in made.aggregate),
        ]
        if made.aggregate
        else [],
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _printable(lines: Iterable[str]) -> list[str]:
    """Lines that a comment of TOML may hold."""
    return ["".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in line) for line in lines]


def _rejects(seen: Seen) -> list[str]:
    most = sorted(seen.rejects.items(), key=lambda item: -item[1])
    lines = [f"{_would_be(times)}: {reason}" for reason, times in most[:_SHOWN_REJECTS]]
    if rest := sum(times for _, times in most[_SHOWN_REJECTS:]):
        lines.append(f"{_would_be(rest)} for other reasons")
    return [f"# {line}" for line in _printable(lines)]


def _would_be(times: int) -> str:
    return "1 record would be a reject" if times == 1 else f"{counted(times, 'record')} would be rejects"


def _keys(key: Key, made: Suggestions) -> list[str]:
    lines = [(f"key = {json.dumps(list(key.columns))}", key.note)]
    if key.others:
        lines.append((f"# other candidates: {'; '.join(key.others)}", ""))
    if made.order_by:
        mark = "" if made.order_is_sure else "# "
        lines.append((f'{mark}order_by = "{made.order_by}"', made.order_note))
    if made.partition_by:
        lines.append((f'# partition_by = ["{made.partition_by}"]', made.partition_note))
    return _commented(lines)


def _of_source(seen: Seen) -> list[tuple[str, Any]]:
    """The keys of `[source]`, and those with their defaults of which there is something to say."""
    defaults = {"header": True, "encoding": "utf-8"}
    said = {name: value for name, value in defaults.items() if seen.notes.get(name) and name not in seen.source}
    return [*seen.source.items(), *said.items()]


def _column(column: Column) -> tuple[str, str]:
    declared = column.declared
    if list(declared) == ["type"]:
        return f"{column.name} = {_value(column.guess.type)}", column.guess.note
    properties = ", ".join(f"{name} = {_value(value)}" for name, value in declared.items())
    return f"{column.name} = {{ {properties} }}", column.guess.note


def _checks(columns: Sequence[Column]) -> list[str]:
    checks = {f"{column.name[:50]}_is_readable": column.check for column in columns if column.check}
    return ["[checks]", *(f"{name} = {_value(sql)}" for name, sql in checks.items())] if checks else []


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _commented(lines: Iterable[tuple[str, str]]) -> list[str]:
    """Lines with their comments beside them, or above where that would be too wide."""
    pairs = [(line, _printable([comment])[0]) for line, comment in lines]
    texts = []
    for line, comment in pairs:
        beside = f"{line:<{_COMMENTS_AT}}  # {comment}"
        if not comment:
            texts.append(line)
        elif len(beside) <= _WIDEST:
            texts.append(beside)
        else:
            texts += [f"# {comment}", line]
    return texts
