"""Questions to a table, answered from the smallest table that can: an aggregate of it, or its records."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sluice import aggregate as aggregates
from sluice import bookkeeping, drift
from sluice.cli import Job
from sluice.errors import UsageError
from sluice.report import text_table
from sluice.table import MEASURE, Aggregate, Exact, Table

_NUMBERS = ("int", "bigint", "double", "decimal")
_DOUBLES = "CAST({} AS DECIMAL(28,9))"  # of those without integers of their own: decimals add up alike in any order


@dataclass(frozen=True)
class Question:
    """`metrics` for each combination of the columns `by`, of the records that `where` (SQL) and the days hold.

    Days are inclusive. Without metrics the records themselves. `top`: only so many, greatest first metric first.
    """

    by: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    where: str = ""
    first: date | None = None
    last: date | None = None
    top: int | None = None
    records_only: bool = False

    @property
    def days(self) -> str:
        """SQL that holds for the days, or nothing."""
        bounds = ((">=", self.first), ("<=", self.last))
        return " AND ".join(f"date {sign} DATE'{day.isoformat()}'" for sign, day in bounds if day)


@dataclass(frozen=True)
class _Source:
    """A table that can answer: `aggregate` None stands for the records. `files` and `size` are what is read at most."""

    name: str
    version: int
    files: int
    size: int
    aggregate: Aggregate | None = None


def run(job: Job, table: Table, question: Question, form: str, *, explain: bool) -> None:
    """Puts the answer on standard output. Raises InputError if the table is not there, UsageError for a wrong question.

    An aggregate answers only if it is of the table's current version, and its answer the same as the records'.
    """
    root = job.settings.lake
    job.report.table = table.name
    table_id, version = bookkeeping.existing(root, table.name)
    table = drift.as_it_is(root, table)
    _check(table, question)
    lake = job.lake
    with job.step("query"):
        chosen, passed = _choose(job, table, question, (table_id, version))
        rows = lake.read(chosen.name, chosen.version)
        answer = _answer(rows, table, question, chosen.aggregate)
        found = [row.asDict() for row in answer.collect()]
    if explain:
        _explain(job, chosen, passed, answer, lake.path(chosen.name))
    job.report.table_version = chosen.version
    job.report.status = "succeeded"
    job.report.answer = written(found, answer.columns, form)


def _check(table: Table, question: Question) -> None:
    """Raises UsageError for what the table cannot be asked."""
    types = {column.name: column.type for column in table.columns} | {"ingested_at": "timestamp", "run_id": "string"}
    made = {name for each in table.aggregates for name in each.by}
    for name in question.by:
        if name not in types and name not in made:
            raise UsageError(f"--by {name}: table {table.name} has no such column: choose from {', '.join(types)}")
    for metric in question.metrics:
        if not MEASURE.fullmatch(metric):
            raise UsageError(
                f"--metric {metric!r}: use count, or count, count_distinct, sum, mean, min, max or pNN with :COLUMN"
            )
        kind, _, column = metric.partition(":")
        if column and column not in types:
            raise UsageError(f"--metric {metric}: table {table.name} has no column {column!r}")
        if kind in ("sum", "mean") and not types[column].startswith(_NUMBERS):
            raise UsageError(f"--metric {metric}: column {column} is {types[column]}: only numbers add up")
    if question.by and not question.metrics:
        raise UsageError("--by without --metric: name what to measure, such as --metric count")
    if (question.first or question.last) and "date" not in types:
        raise UsageError(f"--from and --to: table {table.name} has no column date")


def _choose(job: Job, table: Table, question: Question, source: tuple[str, int]) -> tuple[_Source, list[str]]:
    """The smallest table that gives the exact answer, and why others do not."""
    root, passed = job.settings.lake, []
    where = None
    if "date" in table.partition_by and (question.first or question.last):
        where = _partitions(question)
    choice = _Source(table.name, source[1], *bookkeeping.size(root, table.name, where=where))
    for each in aggregates.kept(root, table):
        obstacle = "--source records" if question.records_only else _obstacle(job, table, each, question, source)
        if obstacle:
            passed.append(f"{each.name}: {obstacle}")
            continue
        version = bookkeeping.version(root, each.name) or 0
        found = _Source(each.name, version, *bookkeeping.size(root, each.name), each)
        if found.size < choice.size:
            choice, larger = found, choice
        else:
            larger = found
        passed.append(f"{larger.name}: larger ({larger.files} files, {larger.size:,} bytes)")
    return choice, passed


def _partitions(question: Question) -> Any:
    import pyarrow.compute as pc

    day = pc.field("partition.date")
    first = day >= question.first if question.first else None
    last = day <= question.last if question.last else None
    return first & last if first is not None and last is not None else last if first is None else first


def _obstacle(job: Job, table: Table, each: Aggregate, question: Question, source: tuple[str, int]) -> str | None:
    """Why an aggregate cannot give the answer; None if it can."""
    root = job.settings.lake
    last = bookkeeping.last_built(root, each.name)
    if last is None:
        return "it is not there"
    if not question.metrics:
        return "it holds no records"
    if last != {"id": source[0], "version": source[1], **each.definition}:
        return f"it is not of version {source[1]} of {table.name}: refresh it with aggregate {each.name}"
    lacking = [name for name in question.by if name not in each.by]
    if lacking:
        return f"it is not by {', '.join(lacking)}"
    if question.days and "date" not in each.by:
        return "it is not by date"
    if question.where and not _holds(job, each, question.where):
        return "the condition is over other columns than it is by"
    for metric in question.metrics:
        if _combined(table, each, metric, whole={*question.by} == {*each.by}) is None:
            return f"it cannot tell {metric} of such groups"
    return None


def _holds(job: Job, each: Aggregate, where: str) -> bool:
    """Whether a condition is over an aggregate's dimensions alone."""
    from pyspark.errors import AnalysisException

    version = bookkeeping.version(job.settings.lake, each.name) or 0
    try:
        _ = job.lake.read(each.name, version).select(*each.by).where(where).schema
    except AnalysisException:
        return False
    return True


def _exact(table: Table, column: str) -> Exact | None:
    """How a column's values are added up, where that is not as they are."""
    types = {each.name: each.type for each in table.columns}
    if column in table.exact:
        return table.exact[column]
    return Exact(_DOUBLES.format(f"`{column}`"), 1) if types.get(column) == "double" else None


def _parts(table: Table, metric: str) -> dict[str, tuple[str, str]]:
    """The measures that a metric is made of: its column, or those for a mean → kind and SQL of the values."""
    kind, _, column = metric.partition(":")
    exact = _exact(table, column)
    values = exact.sql if exact else column
    if kind == "mean":
        return {f"_sum_{column}": ("sum", values), f"_count_{column}": ("count", column)}
    if kind == "sum" and exact:
        return {f"_sum_{column}": ("sum", values)}
    return {_named(metric): (kind, column)}


def _named(metric: str) -> str:
    return metric.replace(":", "_")


def _finished(table: Table, metric: str) -> str:
    """A metric's column by SQL from its parts: exact sums, divided once."""
    kind, _, column = metric.partition(":")
    exact = _exact(table, column)
    scale = f"{exact.scale}D" if exact else "1D"
    if kind == "mean":
        return f"CAST(`_sum_{column}` AS double) / (nullif(`_count_{column}`, 0) * {scale})"
    if kind == "sum" and exact:
        return f"CAST(`_sum_{column}` AS double) / {scale}"
    return f"`{_named(metric)}`"


def _combined(table: Table, each: Aggregate, metric: str, *, whole: bool) -> Mapping[str, str] | None:
    """For each part of a metric SQL that makes it of an aggregate's rows; None if they do not tell it.

    `whole`: a group is one of the aggregate's rows.
    """
    texts = {}
    for name, (kind, values) in _parts(table, metric).items():
        column = _kept(each, kind, values)
        if column is None or (kind not in ("count", "sum", "min", "max") and not whole):
            return None
        function = {"count": "sum", "sum": "sum", "min": "min", "max": "max"}.get(kind, "first")
        text = f"{function}(`{column}`)"
        texts[name] = f"coalesce({text}, 0L)" if kind == "count" else text
    return texts


def _kept(each: Aggregate, kind: str, values: str) -> str | None:
    """The aggregate's column of a measure of values, given as a column or as SQL."""
    for column, measure in each.measures.items():
        of_kind, _, of = measure.partition(":")
        if of_kind == kind and each.inputs.get(of, of) == values:
            return column
    return None


def _answer(rows: Any, table: Table, question: Question, source: Aggregate | None) -> Any:
    """One row for each group: the columns `by` and one for each metric; or the records."""
    from pyspark.errors import AnalysisException, ParseException
    from pyspark.sql import functions as F

    from sluice import measures

    if source is None and question.metrics:
        for each in table.aggregates:
            rows = measures.with_dimensions(rows, each)
    try:
        rows = rows.where(question.where) if question.where else rows
    except ParseException:
        raise UsageError(f"--where {question.where!r} is no SQL condition: write one like \"name = 'x'\"") from None
    except AnalysisException as error:
        cause = re.sub(r"^\[[A-Z_.]+\] | SQLSTATE.*", "", str(error).splitlines()[0])[:300]
        raise UsageError(f"--where {question.where!r} is no condition over table {table.name}: {cause}") from None
    rows = rows.where(question.days) if question.days else rows
    if not question.metrics:
        ordered = rows.orderBy(*table.key)
        return ordered.limit(question.top) if question.top else ordered
    if source is None:
        groups = measures.compute(rows, _as_aggregate(table, question))
    else:
        whole = {*question.by} == {*source.by}
        parts: dict[str, str] = {}
        for metric in question.metrics:
            parts |= _combined(table, source, metric, whole=whole) or {}
        groups = rows.groupBy(*question.by).agg(*(F.expr(text).alias(name) for name, text in parts.items()))
    finished = [F.expr(_finished(table, metric)).alias(_named(metric)) for metric in question.metrics]
    groups = groups.select(*question.by, *finished)
    order = [F.col(name).asc_nulls_first() for name in question.by]
    if question.top:
        order.insert(0, F.col(_named(question.metrics[0])).desc_nulls_last())
    groups = groups.orderBy(*order) if order else groups
    return groups.limit(question.top) if question.top else groups


def _as_aggregate(table: Table, question: Question) -> Aggregate:
    """What the records are asked for, as an aggregate of them."""
    parts: dict[str, tuple[str, str]] = {}
    for metric in question.metrics:
        parts |= _parts(table, metric)
    inputs = {f"values{n}": values for n, (_, values) in enumerate(parts.values()) if values}
    made = {name: kind + (f":values{n}" if values else "") for n, (name, (kind, values)) in enumerate(parts.items())}
    dimensions = {name: text for each in table.aggregates for name, text in each.inputs.items() if name in each.by}
    return Aggregate("answer", question.by, made, inputs={**dimensions, **inputs})


def _explain(job: Job, chosen: _Source, passed: Sequence[str], answer: Any, path: str) -> None:
    """Tells which table answered and what was read of it, and of the others why they were passed over."""
    read = {each.rsplit("/", 1)[-1] for each in answer.inputFiles()}
    sizes = [
        entry["size_bytes"]
        for entry in bookkeeping.entries(job.settings.lake, chosen.name)
        if entry["path"].rsplit("/", 1)[-1] in read
    ]
    job.progress.tell(f"answered from {chosen.name}: {len(sizes):,} files, {sum(sizes):,} bytes")
    for text in passed:
        job.progress.tell(f"passed over {text}")


def written(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], form: str) -> str:
    """The answer as text: a table, a JSON array of objects (decimals as strings), or CSV with a header."""
    if form == "table":
        return text_table([{name: _text(row[name]) for name in columns} for row in rows])
    if form == "json":
        return json.dumps([{name: _plain(row[name]) for name in columns} for row in rows], ensure_ascii=False)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_text(row[name]) for name in columns] for row in rows)
    return text.getvalue().removesuffix("\n")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value) if isinstance(value, date | Decimal) else value


def _text(value: Any) -> Any:
    return "" if value is None else _plain(value)
