"""What a table and an aggregate are: the declarations that every step reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

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


@dataclass(frozen=True)
class Aggregate:
    """A table derived from one table: one row for each combination of the dimensions `by`.

    `measures` maps a column to `count` (of the table's rows).
    """

    name: str
    by: tuple[str, ...]
    measures: Mapping[str, str]

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.by, *self.measures)


@dataclass(frozen=True)
class Table:
    """A keyed table: `columns` in order, `key` unique among its rows, read from files of the `dialect`."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    partition_by: tuple[str, ...] = ()
    dialect: Dialect = Dialect()
    input_columns: tuple[str, ...] = ()
    aggregates: tuple[Aggregate, ...] = field(default=())

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)
