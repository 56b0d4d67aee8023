"""What an aggregate and a ranking of a table are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

from sluice.errors import UsageError

MEASURE = re.compile(r"count|(count|count_distinct|sum|mean|min|max|p[1-9][0-9]?):[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Exact:
    """An integer by SQL that stands for a column's value times `scale`: sums of doubles depend on their order."""

    sql: str
    scale: int


@dataclass(frozen=True)
class Aggregate:
    """A table derived from one table: one row for each combination of the dimensions `by`, null among them.

    `measures` maps a column to `count` (of the table's rows) or, of the values of a column that are not null, to
    `count:c`, `count_distinct:c`, `sum:c`, `mean:c`, `min:c`, `max:c` or `pNN:c` (nearest rank: the smallest value that
    at least NN % of them do not exceed). `inputs` are columns for them, and for dimensions, made by SQL from the
    table's, `derived` columns made by SQL from the measures. `indexes` are what queries of the exported table need
    beside its key; a name with `-` before it is in descending order.
    """

    name: str
    by: tuple[str, ...]
    measures: Mapping[str, str]
    indexes: tuple[tuple[str, ...], ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    derived: Mapping[str, str] = field(default_factory=dict)

    nullable_key: ClassVar[bool] = True

    @property
    def key(self) -> tuple[str, ...]:
        return self.by

    @property
    def adjustable(self) -> bool:
        """Whether the changes alone tell the new values: so it is with counts, which also tell when a group is gone."""
        return set(self.measures.values()) == {"count"}

    @property
    def definition(self) -> dict[str, Any]:
        named = {"inputs": dict(self.inputs), "derived": dict(self.derived)}
        return {"by": list(self.by), "measures": dict(self.measures), **{k: v for k, v in named.items() if v}}

    @property
    def columns_of_table(self) -> tuple[str, ...]:
        """The table's columns that are measured or grouped by as they are."""
        measured = (measure.partition(":")[2] for measure in self.measures.values())
        return tuple(name for name in (*self.by, *measured) if name and name not in self.inputs)

    @property
    def values(self) -> tuple[str, ...]:
        """The columns beside the dimensions."""
        return (*self.measures, *self.derived)


def direction(entry: str) -> tuple[str, bool]:
    """Of an entry of an order: the column's name, and whether a `-` before it says that it is descending."""
    return entry.removeprefix("-"), entry.startswith("-")


@dataclass(frozen=True)
class Ranking:
    """A table derived from one table: its first `size` rows by `order`, each at its `rank` from 1 on.

    `columns` are those kept of a row, all of the order among them. In `order` a name with `-` before it is in
    descending order, and null comes last; with the table's key at its end no two rows are equal in it.
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
                raise UsageError(f"ranking {self.name}: it is ordered by {name}: name it among its columns too")

    @property
    def values(self) -> tuple[str, ...]:
        """The columns beside the rank."""
        return self.columns

    @property
    def columns_of_table(self) -> tuple[str, ...]:
        return self.columns

    @property
    def definition(self) -> dict[str, Any]:
        return {"columns": list(self.columns), "order": list(self.order), "size": self.size}


Derived: TypeAlias = Aggregate | Ranking
