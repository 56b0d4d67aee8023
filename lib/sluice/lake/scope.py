"""Where in a table the rows of a merge can be, in literals, so that Delta skips the files that hold none of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Protocol

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sluice.lake.sql_text import literal
from sluice.model.table import EXACT_TYPES


class MergeScope(Protocol):
    """A condition that is true for all rows that a merge looks for."""

    def holds(self, alias: str = "") -> Column:
        """Whether a row of the frame `alias` may be one of them."""


@dataclass(frozen=True)
class Partitions:
    """The values that the rows have in partition columns of their table, each column by itself."""

    columns: tuple[str, ...]
    values: tuple[tuple, ...]

    def holds(self, alias: str = "") -> Column:
        """Whether a row of the frame `alias` is in these partitions."""
        tests = []
        for i, column in enumerate(self.columns):
            values = {value[i] for value in self.values}
            partition = F.col(f"{alias}.`{column}`" if alias else f"`{column}`")
            test = partition.isin(*map(literal, sorted(values - {None})))
            tests.append(test | partition.isNull() if None in values else test)
        return reduce(lambda a, b: a & b, tests)


@dataclass(frozen=True)
class KeyRange:
    """The least and the greatest value of a key's first column."""

    column: str
    low: Any
    high: Any

    def holds(self, alias: str = "") -> Column:
        """Whether a row of the frame `alias` is in the range, in literals: Delta skips files by those alone."""
        value = F.col(f"{alias}.`{self.column}`" if alias else f"`{self.column}`")
        return value.between(literal(self.low), literal(self.high))


def key_range(rows: DataFrame, key: Sequence[str]) -> KeyRange | None:
    """The range of the rows' keys; None if there are no rows, or the column's type has no exact literals."""
    column = key[0]
    if dict(rows.dtypes)[column] not in EXACT_TYPES:
        return None
    low, high = rows.agg(F.min(f"`{column}`"), F.max(f"`{column}`")).collect()[0]
    return None if low is None else KeyRange(column, low, high)
