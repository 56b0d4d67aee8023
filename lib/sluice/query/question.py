"""What can be asked of a table: the options of the job `query`, and the check that they fit the table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sluice.errors import UsageError, no_column
from sluice.model.aggregate import MEASURE, Measure
from sluice.model.table import Table

_NUMBERS = ("int", "bigint", "double", "decimal")


@dataclass(frozen=True)
class Question:
    """A question about the records of a table.

    * `by`, `metrics`: one row for each combination of the columns `by`, with the metrics, written as measures. Without
      metrics the answer is the records themselves.
    * `where` (SQL), `first`, `last` (dates, inclusive): only these records.
    * `top`: only so many rows, those with the greatest first metric; of records those first in the table's ranking.
    * `records_only`: answer from no aggregate.
    """

    by: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    where: str = ""
    first: date | None = None
    last: date | None = None
    top: int | None = None
    records_only: bool = False

    @property
    def measures(self) -> tuple[Measure, ...]:
        """The metrics, once `check_question` has found them valid."""
        return tuple(map(Measure.parse, self.metrics))

    @property
    def about_all_records(self) -> bool:
        return not (self.where or self.first or self.last)

    @property
    def days(self) -> str:
        """The condition on the column `date` as SQL; empty if there is none."""
        bounds = ((">=", self.first), ("<=", self.last))
        return " AND ".join(f"date {sign} DATE'{day.isoformat()}'" for sign, day in bounds if day)


def check_question(table: Table, question: Question) -> None:
    """Raises UsageError if the question does not fit the table's columns. `where` is checked when it is used."""
    types = {column.name: column.type for column in table.columns} | {"ingested_at": "timestamp", "run_id": "string"}
    for name in question.by:
        if name not in types and name not in table.dimensions:
            raise UsageError(f"--by {name}: table {table.name} has {no_column(name, {**types, **table.dimensions})}")
    for metric in question.metrics:
        _check_metric(metric, table, types)
    if question.by and not question.metrics:
        raise UsageError("--by without --metric: name what to measure, such as --metric count")
    if (question.first or question.last) and "date" not in types:
        raise UsageError(
            f"--from and --to select by the column date, which table {table.name} does not have: use --where"
        )


def _check_metric(metric: str, table: Table, types: dict[str, str]) -> None:
    if not MEASURE.fullmatch(metric):
        raise UsageError(
            f"--metric {metric!r} is not a valid metric: use count, or one of count, count_distinct, sum, mean, min, "
            "max and pNN (a percentile) with :COLUMN"
        )
    measure = Measure.parse(metric)
    if measure.column and measure.column not in types:
        raise UsageError(f"--metric {metric}: table {table.name} has {no_column(measure.column, types)}")
    if measure.kind in ("sum", "mean") and not types[measure.column].startswith(_NUMBERS):
        raise UsageError(
            f"--metric {metric}: column {measure.column} has type {types[measure.column]}, and only numbers can be "
            "added up: use count, min or max"
        )
