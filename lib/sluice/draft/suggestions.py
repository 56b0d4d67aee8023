"""What else a declaration may have: an order of rows, partitions by day, an aggregate."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import pyarrow.compute as pc

from sluice.draft.columns import Column
from sluice.draft.guess import Guess
from sluice.draft.keys import Key
from sluice.draft.names import valid_name
from sluice.lake.sql_text import identifier

_EVENT = re.compile(
    r"(^|_)(date|day|time|timestamp|ts|created|ordered|occurred|happened|event|datum|jour|fecha)($|_|at)"
)
_OTHER_TIME = re.compile(r"birth|naissance|geburt|valid|expir|due|updated|modified|changed|deleted")
_MONEY = re.compile(
    r"amount|total|price|revenue|sum|betrag|montant|importe|preis|prix|net|gross|value|cost|qty|quantity"
)
_DURATION = re.compile(r"duration|latency|seconds|millis|_ms$|elapsed|_time$")
_FEW, _OFTEN, _LONGEST = 50, 4, 40  # groups of an aggregate, rows of each, and characters of their names


@dataclass(frozen=True)
class Suggestions:
    """`order_by` and `partition_by`: a column ("" if there is none), and what to say; the order may be sure.

    `columns`: those of the table, perhaps with a date more. `aggregate`: lines of TOML; none if there is nothing to
    count by.
    """

    columns: tuple[Column, ...]
    order_by: str = ""
    order_note: str = ""
    order_is_sure: bool = False
    partition_by: str = ""
    partition_note: str = ""
    aggregate: tuple[str, ...] = field(default=())


def suggest(table: str, columns: Sequence[Column], key: Key, rows: int, taken: Collection[str]) -> Suggestions:
    """What else the table of this name may have. No aggregate gets a name that is taken."""
    columns = [_fit_for_key(column) if column.name in key.columns else column for column in columns]
    made = Suggestions(tuple(columns))
    made = _with_order(made)
    made = _with_partitions(made, rows)
    return replace(made, aggregate=_aggregate(table, made, key, rows, taken))


def _fit_for_key(column: Column) -> Column:
    """A key's integers grow, and its values are exact."""
    if column.guess.type == "double":
        return replace(column, guess=Guess(note="a float, which a key may not be: text as it is written"))
    kind = "bigint" if column.guess.type == "int" else column.guess.type
    return replace(column, guess=replace(column.guess, type=kind))


def _with_order(made: Suggestions) -> Suggestions:
    """The time at which rows change, or else a time that they have; never a column that is empty in some."""
    filled = [column for column in made.columns if not _empty(made.columns, column)]
    for column in filled:
        if column.tells_change:
            note = "the row with the greatest value wins; without it the last one"
            return replace(made, order_by=column.name, order_note=note, order_is_sure=True)
    moments = [column.name for column in filled if column.guess.is_time and not _OTHER_TIME.search(column.name)]
    if not moments:
        return made
    return replace(made, order_by=moments[0], order_note="if the newest row of a key is to win, not the last one")


def _empty(columns: Sequence[Column], column: Column) -> int:
    """How many rows have no value in a column; of one that is made of others, as many as those."""
    texts = column.texts or _source(columns, column).texts
    return texts.texts.null_count if texts else 0


def _source(columns: Sequence[Column], column: Column) -> Column:
    sql = str((column.properties or {}).get("sql", ""))
    return next((other for other in columns if other.texts and identifier(other.name) in sql), column)


def _with_partitions(made: Suggestions, rows: int) -> Suggestions:
    """A day: of a date, or of a time, which then gets a column for it."""
    times = [column for column in made.columns if column.guess.is_time and not _OTHER_TIME.search(column.name)]
    if not times:
        return made
    chosen = min(times, key=lambda column: (not _EVENT.search(column.name), column.guess.type != "date"))
    columns, name = made.columns, chosen.name
    days = chosen.guess.days
    if chosen.guess.type == "timestamp":
        names = [column.name for column in columns]
        name = "date" if "date" not in names else valid_name(f"{chosen.name}_date", "day", names)
        derived = Column(name, Guess("date", days=days), properties={"sql": f"date({identifier(chosen.name)})"})
        columns = (*columns, derived)
    seen = f"{days:,} day{'' if days == 1 else 's'} in {rows:,} rows"
    note = f"{seen}; worth it where a day has 64 MB, or old days are deleted by maintain prune"
    return replace(made, columns=columns, partition_by=name, partition_note=note)


def _aggregate(table: str, made: Suggestions, key: Key, rows: int, taken: Collection[str]) -> tuple[str, ...]:
    """Counts and sums by day, and by the first column with few values that come again and again."""
    few = [column.name for column in made.columns if column.name not in key.columns and _is_group(column, rows)]
    days = [column.name for column in made.columns if column.guess.type == "date"]
    day = made.partition_by or (days[0] if days else "")
    by = [name for name in (day, *few[:1]) if name]
    if not by:
        return ()
    measures = {"rows": "count"} | _measures(made.columns, by, key)
    name = valid_name(f"{table}_by_{by[0]}", "", taken)
    listed = ", ".join(f'"{column}"' for column in by)
    shown = ", ".join(f'{measure} = "{what}"' for measure, what in measures.items())
    return (f"[aggregates.{name}]", f"by = [{listed}]", f"measures = {{ {shown} }}")


def _is_group(column: Column, rows: int) -> bool:
    """Whether a column has a few short values, each in several rows."""
    if (
        not column.texts
        or column.guess.type not in ("string", "boolean", "int")
        or column.is_measured
        or _MONEY.search(column.name)
    ):
        return False
    values = pc.unique(column.texts.texts).drop_null()
    longest = pc.max(pc.utf8_length(values)).as_py() or 0
    return 1 < len(values) <= _FEW and len(values) * _OFTEN <= rows and longest <= _LONGEST


def _measures(columns: Sequence[Column], by: Sequence[str], key: Key) -> dict[str, str]:
    """Sums of what looks like amounts, or else of the first number; and the slow ones of durations."""
    amounts = [
        c for c in columns if c.guess.is_amount and c.guess.type != "string" and c.name not in (*key.columns, *by)
    ]
    durations = [c.name for c in amounts if _DURATION.search(c.name)]
    money = [c.name for c in amounts if _MONEY.search(c.name) and c.name not in durations]
    decimals = [c.name for c in amounts if c.guess.type.startswith("decimal") and c.name not in durations]
    sums = (money or decimals)[:2]
    wanted = {f"{name[:50]}_sum": f"sum:{name}" for name in sums} | {
        f"{name[:50]}_p99": f"p99:{name}" for name in durations[:1]
    }
    return {name: what for name, what in wanted.items() if name not in by}
