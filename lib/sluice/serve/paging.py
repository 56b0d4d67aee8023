"""Pages by key: each begins behind the last row of the one before, wherever rows were added or deleted meanwhile.

What comes behind a row in the order of several columns is a union of ranges that an index has in one piece each: for
`a, b` behind (1, 2) the rows with a = 1 and b > 2, and those with a > 1. Nulls come last, as in PostgreSQL's indexes;
in a descending order first.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import asyncpg
from fastapi import Query

from sluice.model.aggregate import direction
from sluice.serve.answers import as_json
from sluice.serve.database import Snapshot
from sluice.serve.problems import Problem, unfit
from sluice.serve.relations import Relation, column

Limit = Annotated[int, Query(ge=1, le=1000, description="at most so many rows")]
After = Annotated[str | None, Query(description="`after` of the page before", max_length=20_000)]
_AFTER = "after"
_PAGE = """
SELECT row_to_json(r)::text AS row, json_build_array({key})::text AS key
FROM ({ranges}) t CROSS JOIN LATERAL (SELECT {columns}) r ORDER BY {order} LIMIT {limit}"""
_RANGE = "(SELECT * FROM {table} t WHERE {conditions} ORDER BY {order} LIMIT {limit})"


@dataclass(frozen=True)
class Given:
    """A value of a parameter, which PostgreSQL is to read as this type."""

    parameter: str
    text: str
    type: str


class Conditions:
    """What rows of a relation have to be: SQL over the columns of `t`, and the values that it binds."""

    def __init__(self, relation: Relation) -> None:
        self.relation = relation
        self.sql: list[str] = []
        self.given: list[Given] = []

    def add(self, sql: str, name: str, text: str, parameter: str = "") -> None:
        """Adds `sql`, in which `{column}` is a column of the table, and `{value}` the text as a value of its type."""
        self.sql.append(sql.format(column=column(name, "t"), value=self.value(name, text, parameter or name)))

    def value(self, name: str, text: str, parameter: str) -> str:
        """The text of a parameter as a value of the column, in SQL."""
        given = Given(parameter, text, self.relation.columns[name])
        if given not in self.given:
            self.given.append(given)
        return f"CAST(${self.given.index(given) + 1}::text AS {given.type})"


@dataclass(frozen=True)
class Page:
    """Rows as JSON, and what the next page begins behind; None after the last one."""

    rows: list[str]
    after: str | None


async def read(
    snapshot: Snapshot,
    conditions: Conditions,
    limit: int,
    after: str | None = None,
    *,
    order: Sequence[str] = (),
    columns: Mapping[str, str] | None = None,
) -> Page:
    """A page of the rows that meet the conditions.

    `order`: columns whose values no two rows share, `-` before a name for descending; the key unless told. `columns`:
    what rows show, name → type; all unless told. Raises a Problem for a value that its column cannot have.
    """
    relation = conditions.relation
    entries = [direction(entry) for entry in order or relation.key]
    starts = _starts(conditions, entries, _position(after, len(entries)))
    statement = _statement(conditions, entries, starts, columns or relation.columns, limit + 1)
    try:
        found = await snapshot.fetch(statement, *(given.text for given in conditions.given))
    except asyncpg.DataError as error:
        raise await _unfit(snapshot, conditions.given) or error from None
    shown = [row["row"] for row in found[:limit]]
    return Page(shown, _text_of(found[limit - 1]["key"]) if len(found) > limit else None)


def _statement(
    conditions: Conditions,
    order: Sequence[tuple[str, bool]],
    starts: Sequence[Sequence[str]],
    columns: Mapping[str, str],
    limit: int,
) -> str:
    """What selects the rows of these ranges, as JSON, each with its place in the order."""
    sorted_by = ", ".join(f"{column(name, 't')}{' DESC' * descending}" for name, descending in order)
    parts = {"table": conditions.relation.sql, "order": sorted_by, "limit": limit}
    ranges = [_RANGE.format(conditions=" AND ".join([*conditions.sql, *start, "true"]), **parts) for start in starts]
    return _PAGE.format(
        key=", ".join(f"{column(name, 't')}::text" for name, _ in order),
        columns=as_json(columns, "t"),
        ranges=" UNION ALL ".join(ranges),
        **parts,
    )


async def _unfit(snapshot: Snapshot, given: Sequence[Given]) -> Problem | None:
    """The Problem that names the parameters whose values their columns cannot have."""
    errors = []
    for each in given:
        try:
            await snapshot.database.fetchval(f"SELECT CAST($1::text AS {each.type}) IS NULL", each.text)
        except asyncpg.DataError as error:
            reason = f"not an `after` of this list ({error})" if each.parameter == _AFTER else str(error)
            errors.append((each.parameter, reason))
    return unfit(errors) if errors else None


def _starts(
    conditions: Conditions, order: Sequence[tuple[str, bool]], position: Sequence[str | None] | None
) -> list[list[str]]:
    """The ranges of the rows behind the position, as lists of conditions; one of all rows without a position."""
    if position is None:
        return [[]]
    ranges: list[list[str]] = []
    same: list[str] = []
    for (name, descending), text in zip(order, position, strict=True):
        sql = column(name, "t")
        if text is None:
            behind, equal = [f"{sql} IS NOT NULL"] if descending else [], f"{sql} IS NULL"
        else:
            value = conditions.value(name, text, _AFTER)
            behind = [f"{sql} < {value}"] if descending else [f"{sql} > {value}", f"{sql} IS NULL"]
            equal = f"{sql} = {value}"
        ranges += [[*same, condition] for condition in behind]
        same = [*same, equal]
    return ranges or [["false"]]


def _text_of(position: str) -> str:
    """A position, which is JSON, as `after` has it."""
    return urlsafe_b64encode(position.encode()).decode().rstrip("=")


def _position(after: str | None, length: int) -> list[str | None] | None:
    """The values of the order's columns in the row that the page begins behind."""
    if after is None:
        return None
    try:
        values = json.loads(urlsafe_b64decode(after + "=" * (-len(after) % 4)).decode())
        json.dumps(values, ensure_ascii=False).encode()  # no half surrogates
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, list) or len(values) != length or any(not isinstance(v, str | None) for v in values):
        reason = "not an `after` of this list: begin without it"
        raise unfit([(_AFTER, reason)])
    return values
