"""What a table and an aggregate are: the declarations that every step reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sluice.errors import UsageError
from sluice.readers.dialect import Dialect

MAX_KEY_BYTES = 1000


@dataclass(frozen=True)
class Column:
    """A column of a table: `type` is Spark's name of it, `sql` computes it from the input's columns of text."""

    name: str
    type: str = "string"
    sql: str = ""

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
    """A keyed table: `columns` in order, `key` unique among its rows, read from files of the `dialect`."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    partition_by: tuple[str, ...] = ()
    dialect: Dialect = Dialect()
    input_columns: tuple[str, ...] = ()
    aggregates: tuple[Aggregate, ...] = ()
    nullable_key: ClassVar[bool] = False
    indexes: ClassVar[tuple[tuple[str, ...], ...]] = ()

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)
