"""What a table and an aggregate are: the declarations that every step reads."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from sluice.errors import UsageError

MAX_KEY_BYTES = 1000


@dataclass(frozen=True)
class Column:
    """A column of a table: `type` is Spark's name of it, `sql` computes it from the input's columns of text.

    An `optional` one may be missing in a file: its rows then have null.
    """

    name: str
    type: str = "string"
    sql: str = ""
    optional: bool = False

    @property
    def expression(self) -> str:
        return self.sql or f"`{self.name}`"


def stripped(name: str) -> Column:
    """A text column without white space at its ends; null if nothing is left."""
    return Column(name, sql=f"nullif(trim(BOTH ' \t\n\r\f\v' FROM `{name}`), '')")


MEASURES = ("count", "sum", "min", "max")


@dataclass(frozen=True)
class Aggregate:
    """A table derived from one table: one row for each combination of the dimensions `by`, null among them.

    `measures` maps a column to `count` (of the table's rows), `sum:c`, `min:c` or `max:c`; `indexes` are what queries
    of the exported table need beside its key.
    """

    name: str
    by: tuple[str, ...]
    measures: Mapping[str, str]
    indexes: tuple[tuple[str, ...], ...] = ()

    def __post_init__(self) -> None:
        for name, measure in self.measures.items():
            kind, _, column = measure.partition(":")
            if kind not in MEASURES or bool(column) == (kind == "count"):
                raise UsageError(
                    f"aggregate {self.name}: measure {name} = {measure!r} is not count, sum:c, min:c or max:c"
                )

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
        return {"by": list(self.by), "measures": dict(self.measures)}


@dataclass(frozen=True)
class Table:
    """A keyed table: `columns` in order, `key` unique among its rows.

    `input_columns` are those of its files; `gained` the columns beside the declared ones that new files brought.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    partition_by: tuple[str, ...] = ()
    input_columns: tuple[str, ...] = ()
    gained: tuple[str, ...] = ()
    aggregates: tuple[Aggregate, ...] = ()
    nullable_key: ClassVar[bool] = False
    indexes: ClassVar[tuple[tuple[str, ...], ...]] = ()

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def required(self) -> tuple[str, ...]:
        """The input columns that no file may lack."""
        optional = {column.name for column in self.columns if column.optional}
        return tuple(name for name in self.input_columns if name not in optional)

    def gaining(self, names: Collection[str]) -> Table:
        """The table with more columns of text, which files may lack."""
        more = [Column(name, optional=True) for name in names]
        return replace(self, columns=(*self.columns, *more), gained=(*self.gained, *names))
