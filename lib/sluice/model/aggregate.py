"""What an aggregate and a ranking of a table are: pure data. `sluice.aggregate` computes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

from sluice.errors import UsageError

MEASURE = re.compile(r"count|(count|count_distinct|sum|mean|min|max|p[1-9][0-9]?):[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Measure:
    """A measure of a group of rows: `kind` is count, count_distinct, sum, mean, min, max or pNN.

    Written `kind:column`, such as `p99:duration`; `count` alone has no column and counts the rows.
    """

    kind: str
    column: str = ""

    @classmethod
    def parse(cls, text: str) -> Measure:
        """Reads the written form. The text must match MEASURE."""
        kind, _, column = text.partition(":")
        return cls(kind, column)

    @property
    def percent(self) -> int | None:
        """NN of a percentile pNN; None for other kinds."""
        return int(self.kind[1:]) if self.kind.startswith("p") else None


@dataclass(frozen=True)
class Exact:
    """How a column of doubles is summed exactly, in whatever order: `sql` makes an integer of value times `scale`."""

    sql: str
    scale: int


@dataclass(frozen=True)
class Aggregate:
    """A table derived from one table: one row for each combination of values in its dimensions, null included.

    * `by`: the dimensions, which are the key.
    * `measures`: column → `count` (of rows) or, over the values of a column that are not null, `count:c`,
      `count_distinct:c`, `sum:c`, `mean:c`, `min:c`, `max:c` or `pNN:c` (nearest rank: the smallest value that at
      least NN % of the values do not exceed).
    * `inputs`: column → SQL over the table's columns, for dimensions and measures that the table has no column for.
    * `derived`: column → SQL over the measures.
    * `indexes`: what the exported table needs besides its key, a list of columns each; `-` before a name: descending.
    """

    name: str
    by: tuple[str, ...]
    measures: Mapping[str, str]
    indexes: tuple[tuple[str, ...], ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    derived: Mapping[str, str] = field(default_factory=dict)

    nullable_key: ClassVar[bool] = True  # dimensions may be null

    @property
    def key(self) -> tuple[str, ...]:
        return self.by

    @property
    def adjustable(self) -> bool:
        """Whether the changes alone give the new values. Counts do, and a count of 0 shows that a group is gone."""
        return set(self.measures.values()) == {"count"}

    @property
    def definition(self) -> dict[str, Any]:
        """What its stored rows depend on, to compare with the one that they were computed by."""
        named = {"inputs": dict(self.inputs), "derived": dict(self.derived)}
        return {"by": list(self.by), "measures": dict(self.measures), **{k: v for k, v in named.items() if v}}

    @property
    def columns_of_table(self) -> tuple[str, ...]:
        """The table's columns among the dimensions and in the measures; those in SQL of `inputs` are not included."""
        measured = (measure.column for measure in self.parsed_measures.values())
        return tuple(name for name in (*self.by, *measured) if name and name not in self.inputs)

    @property
    def parsed_measures(self) -> dict[str, Measure]:
        """The measures by their columns' names."""
        return {name: Measure.parse(text) for name, text in self.measures.items()}

    @property
    def values(self) -> tuple[str, ...]:
        """The columns besides the dimensions."""
        return (*self.measures, *self.derived)


def direction(entry: str) -> tuple[str, bool]:
    """A column's name, and whether its order is descending: `-value` is, `value` is not."""
    return entry.removeprefix("-"), entry.startswith("-")


@dataclass(frozen=True)
class Ranking:
    """A table derived from one table: its first rows in an order, each with its `rank`, from 1 on.

    * `columns`: the columns of the table that it has, among them all of `order`.
    * `order`: columns, `-` before a name for descending; null comes last. It ends with the table's key, so that no two
      rows are equal in it.
    * `size`: how many rows it has at most.
    """

    name: str
    columns: tuple[str, ...]
    order: tuple[str, ...]
    size: int = 1000
    key: ClassVar[tuple[str, ...]] = ("rank",)
    nullable_key: ClassVar[bool] = False
    indexes: ClassVar[tuple[tuple[str, ...], ...]] = ()

    def __post_init__(self) -> None:
        for name, _ in map(direction, self.order):
            if name not in self.columns:
                raise UsageError(f"ranking {self.name}: its order has column {name!r}: add it to its columns too")

    @property
    def values(self) -> tuple[str, ...]:
        """The columns besides the rank."""
        return self.columns

    @property
    def columns_of_table(self) -> tuple[str, ...]:
        return self.columns

    @property
    def definition(self) -> dict[str, Any]:
        """What its stored rows depend on, to compare with the one that they were computed by."""
        return {"columns": list(self.columns), "order": list(self.order), "size": self.size}


Derived: TypeAlias = Aggregate | Ranking
