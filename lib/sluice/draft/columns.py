"""The columns of a declaration: a name, a type and what to say of each; and the text that stands for null."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow.compute as pc

from sluice.draft.guess import Guess
from sluice.draft.names import valid_name
from sluice.draft.seen import Seen, Texts
from sluice.draft.types import Context, guess_type
from sluice.draft.values import Values
from sluice.errors import listed
from sluice.lake.sql_text import identifier, spark_text

_ALWAYS_NULL = (r"\N", "NULL", "(null)", "<null>")  # in text too, where other words may be meant as they are
_NULL = (*_ALWAYS_NULL, "null", "NA", "N/A", "n/a", "#N/A", "None", "nan", "NaN", "-", "--", "?", "0000-00-00")
_NULL_WORDS = (*_NULL, "0000-00-00 00:00:00")
_UPDATED = re.compile(
    r"(^|_)(updated|modified|changed|last_?(update|modified|changed?)|geaendert|geandert|modification|version)"
)


@dataclass(frozen=True)
class Column:
    """A column of the declaration. `texts` are those of the input's column that it is made from, None if of another.

    `check`: SQL that is false where a text could not be converted.
    """

    name: str
    guess: Guess
    texts: Texts | None = None
    properties: Mapping[str, Any] | None = None
    check: str = ""

    @property
    def is_measured(self) -> bool:
        """Whether equal values mean nothing: times and amounts, but for integers, which may number something."""
        return self.guess.is_time or (self.guess.is_amount and "int" not in self.guess.type)

    @property
    def tells_change(self) -> bool:
        """Whether the greatest value is that of a row's latest change."""
        return bool(_UPDATED.search(self.name)) and (self.guess.is_time or "int" in self.guess.type)

    @property
    def declared(self) -> dict[str, Any]:
        """Its keys in the declaration."""
        form = {"format": self.guess.format} if self.guess.format and "sql" not in (self.properties or {}) else {}
        return {"type": self.guess.type, **form, **(self.properties or {})}


@dataclass(frozen=True)
class _Input:
    """A column of the input, the words in it that stand for null, and what it is without them."""

    texts: Texts
    guess: Guess
    words: Mapping[str, int]


def draft_columns(seen: Seen) -> tuple[Seen, list[Column]]:
    """The columns of a table for the input; what was seen has the null text, if there is one, and nulls by it."""
    inputs = _inputs(seen)
    null = seen.source.get("null", "")
    if seen.source["format"] == "csv" and not null:
        words = Counter[str]()
        for column in inputs:
            words.update(column.words)
        null = max(words, key=lambda word: words[word], default="")
        if null:
            seen = _with_null(seen, null, inputs)
            inputs = [replace(item, texts=texts) for item, texts in zip(inputs, seen.columns, strict=True)]
    names: list[str] = []
    columns: list[Column] = []
    for place, column in enumerate(inputs, 1):
        others = [word for word in column.words if word != null]
        columns += _columns(column, others, f"column_{place}", names)
    return seen, columns


def _with_null(seen: Seen, null: str, inputs: Sequence[_Input]) -> Seen:
    texts = [item.texts for item in inputs if item.guess.type == "string" and null not in item.words]
    also = [column.name for column in texts if pc.any(pc.equal(column.texts, null)).as_py()]
    return replace(
        seen,
        source={**seen.source, "null": null},
        notes={**seen.notes, "null": f"also in texts, where it may be meant: {listed(also, 5)}" if also else ""},
        columns=tuple(texts.without(null) for texts in seen.columns),
    )


def _inputs(seen: Seen) -> list[_Input]:
    """Each column of the input with its type, if words for null are left out where that makes it more than text."""
    every = [Values.of(column) for column in seen.columns]
    words = [values.counts(_NULL_WORDS) for values in every]
    bare = [values.without(words[i]) for i, values in enumerate(every)]
    context = Context.of(bare, seen.source.get("delimiter", ","))
    inputs = []
    for column, values, without, found in zip(seen.columns, every, bare, words, strict=True):
        guess = guess_type(without, context)
        if guess.type == "string" and found:
            found = {word: times for word, times in found.items() if word in _ALWAYS_NULL}
            guess = guess_type(values.without(found), context)
        inputs.append(_Input(column, guess, found))
    return inputs


def _columns(column: _Input, nulls: Sequence[str], otherwise: str, names: list[str]) -> list[Column]:
    """The columns for one of the input: one, or where SQL converts it one of its text and one of its value."""
    guess, texts = column.guess, column.texts
    optional = {} if texts.in_all_files else {"optional": True}
    name = valid_name(texts.name, otherwise, names)
    if guess.type == "string" or not (guess.sql or nulls):
        names.append(name)
        field = {"field": texts.name} if texts.named and texts.name != name else {}
        made = [Column(name, guess, texts, field | optional)]
    else:
        made = _converted(column, name, nulls, optional, names)
    if guess.moment:
        at = valid_name(f"{name}_at", otherwise, names)
        names.append(at)
        sql = guess.moment.replace("{}", identifier(name))
        made.append(Column(at, Guess("timestamp", days=guess.days), properties={"sql": sql}))
    return made


def _converted(
    column: _Input, name: str, nulls: Sequence[str], optional: Mapping[str, Any], names: list[str]
) -> list[Column]:
    """The text as it is, and the value that SQL makes of it; a check rejects rows whose text could not be converted."""
    names.append(name)
    text = valid_name(f"{name[:57]}_text", f"{name}_text", names)
    names.append(text)
    given: dict[str, Any] = {"field": column.texts.name} if column.texts.named or nulls else {}
    if nulls:
        words = ", ".join(map(spark_text, nulls))
        source = identifier(column.texts.name)
        given["sql"] = f"if(trim({source}) in ({words}), null, {source})"
    sql = (column.guess.sql or _conversion(column.guess)).replace("{}", identifier(text))
    note = "; ".join(filter(None, (column.guess.note, f"null for {', '.join(nulls)}" if nulls else "")))
    return [
        Column(
            text, Guess(note="the input's text, converted below", is_amount=True), column.texts, {**given, **optional}
        ),
        Column(
            name,
            replace(column.guess, note=note),
            properties={"sql": sql},
            check=f"{identifier(name)} is not null or {identifier(text)} is null",
        ),
    ]


def _conversion(guess: Guess) -> str:
    """SQL for what ingest converts by itself, but for words that stand for null; null of any other text."""
    if guess.type == "string":
        return "{}"
    if guess.is_time and guess.format:
        return f"cast(try_to_timestamp({{}}, {spark_text(guess.format)}) as {guess.type})"
    return f"try_cast({{}} as {guess.type})"
