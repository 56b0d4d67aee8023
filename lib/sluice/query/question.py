"""What a table may be asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sluice.errors import UsageError, no_column
from sluice.model.aggregate import MEASURE
from sluice.model.table import Table

_NUMBERS = ("int", "bigint", "double", "decimal")


@dataclass(frozen=True)
class Question:
    """`metrics` for each combination of the columns `by`, of the records that `where` (SQL) and the days hold.

    Days are inclusive. Without metrics the records themselves. `top`: only so many, greatest first metric first;
    records by the table's ranking, if it has one.
    """

    by: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    where: str = ""
    first: date | None = None
    last: date | None = None
    top: int | None = None
    records_only: bool = False

    @property
    def of_all(self) -> bool:
        """Whether no record is left out."""
        return not (self.where or self.first or self.last)

    @property
    def days(self) -> str:
        """SQL that holds for the days, or nothing."""
        bounds = ((">=", self.first), ("<=", self.last))
        return " AND ".join(f"date {sign} DATE'{day.isoformat()}'" for sign, day in bounds if day)


def check(table: Table, question: Question) -> None:
    """Raises UsageError for what the table cannot be asked."""
    types = {column.name: column.type for column in table.columns} | {"ingested_at": "timestamp", "run_id": "string"}
    for name in question.by:
        if name not in types and name not in table.dimensions:
            raise UsageError(f"--by {name}: table {table.name} has {no_column(name, {**types, **table.dimensions})}")
    for metric in question.metrics:
        if not MEASURE.fullmatch(metric):
            raise UsageError(
                f"--metric {metric!r}: use count, or count, count_distinct, sum, mean, min, max or pNN with :COLUMN"
            )
        kind, _, column = metric.partition(":")
        if column and column not in types:
            raise UsageError(f"--metric {metric}: table {table.name} has {no_column(column, types)}")
        if kind in ("sum", "mean") and not types[column].startswith(_NUMBERS):
            raise UsageError(f"--metric {metric}: column {column} is {types[column]}: only numbers add up")
    if question.by and not question.metrics:
        raise UsageError("--by without --metric: name what to measure, such as --metric count")
    if (question.first or question.last) and "date" not in types:
        raise UsageError(f"--from and --to: table {table.name} has no column date")
