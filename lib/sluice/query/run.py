"""The job `query`: chooses the smallest table that gives the exact answer, asks it, and explains the choice."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from sluice.catalog import drift
from sluice.catalog.derived import aggregates_of, is_current
from sluice.catalog.expressions import SQL_FAILURES
from sluice.errors import UsageError, counted, spark_cause
from sluice.lake import log
from sluice.lake.log import State
from sluice.lake.rows import at_version, schema_of
from sluice.lake.sql_text import literal
from sluice.model.aggregate import Aggregate, Derived, Ranking
from sluice.model.table import Table
from sluice.query.answer import answer, combined_parts
from sluice.query.question import Question, check_question
from sluice.query.render import render, times_as_text
from sluice.runtime.job import Job
from sluice.runtime.warm import stay

_SMALL = 2 << 20  # bytes of a table's files


@dataclass(frozen=True)
class _Candidate:
    """A table that can give the answer, and the number and bytes of the files that it reads at most.

    `derived`: the aggregate or ranking; None for the records.
    """

    name: str
    version: int
    files: int
    size: int
    derived: Derived | None = None
    is_partitioned: bool = False

    @property
    def is_small(self) -> bool:
        """Whether this process reads it, as a whole. In a process that stays Java has read tables, and is quicker."""
        return self.size <= _SMALL and not self.is_partitioned and not stay.is_server

    @property
    def cost(self) -> tuple[bool, int]:
        """The least one answers: a ranking, whose few rows are in order already, or else what is fewest bytes."""
        return (not isinstance(self.derived, Ranking), self.size)


def query(job: Job, table: Table, question: Question, form: str, *, explain: bool) -> None:
    """Prints the answer on standard output.

    Aggregates answer only if they are up to date with the table, and if their answer equals that of the records.
    Raises InputError if the table does not exist, UsageError if the question does not fit it or its records.
    """
    root = job.settings.lake
    job.report.table = table.name
    table_state = log.required_state(root, table.name)
    table = drift.as_stored(root, table)
    check_question(table, question)
    chosen, reasons = _choose(job, table, question, table_state)
    job.expect([chosen.name])
    lake = job.lake  # starts Spark, unless a condition has
    with job.step("query"):
        read = lake.read_small if chosen.is_small else lake.read
        stored = _kept_days(job, table, question, read(chosen.name, chosen.version))
        answered = answer(stored, table, question, chosen.derived)
        try:
            rows = [row.asDict() for row in times_as_text(answered).collect()]
        except SQL_FAILURES as error:
            raise UsageError(f"table {table.name} gives no answer to this question: {spark_cause(error)}") from None
    if explain:
        _explain(job, chosen, reasons, answered)
    job.report.table, job.report.table_version = chosen.name, chosen.version
    job.report.status = "succeeded"
    job.report.answer = render(rows, answered.columns, form)


def _kept_days(job: Job, table: Table, question: Question, rows: DataFrame) -> DataFrame:
    """The rows without those that aggregates keep of pruned days: so all tables give the same answer. Says so."""
    day = log.stored(job.settings.lake, table.name).pruned_before
    if day is None:
        return rows
    if question.first is None or question.first < day:
        job.progress.log(
            f"table {table.name} is pruned: the answer is of the days from {day.isoformat()} on; aggregates by date "
            "keep those before"
        )
    return rows.where(F.col("date") >= literal(day)) if "date" in rows.columns else rows


def _choose(job: Job, table: Table, question: Question, table_state: State) -> tuple[_Candidate, list[str]]:
    """The table that answers, and for each of the others why it does not."""
    lake = job.settings.lake
    size = log.size(lake, table.name, _files_of_days(table, question))
    candidates = [_Candidate(table.name, table_state.version, *size, is_partitioned=bool(table.partition_by))]
    reasons = []
    for derived in aggregates_of(lake, table):
        obstacle = _obstacle(job, table, derived, question, table_state)
        if obstacle:
            reasons.append(f"{derived.name}: {obstacle}")
        else:
            built = log.version(lake, derived.name) or 0
            candidates.append(_Candidate(derived.name, built, *log.size(lake, derived.name), derived))
    chosen = min(candidates, key=lambda candidate: candidate.cost)
    why = "its rows are not in the ranking's order" if isinstance(chosen.derived, Ranking) else "it is not smaller"
    for other in candidates:
        if other is not chosen:
            reasons.append(f"{other.name}: {why} ({counted(other.files, 'file')}, {other.size:,} bytes)")
    return chosen, reasons


def _files_of_days(table: Table, question: Question) -> pc.Expression | None:
    """Which files of the table hold the days of the question; None for all."""
    if "date" not in table.partition_by:
        return None
    day = pc.field("partition.date")
    first = day >= question.first if question.first else None
    last = day <= question.last if question.last else None
    return first & last if first is not None and last is not None else last if first is None else first


def _obstacle(job: Job, table: Table, derived: Derived, question: Question, table_state: State) -> str | None:
    """Why an aggregate or ranking cannot give the answer; None if it can."""
    if question.records_only:
        return "--source records was given"
    record = log.built_on(job.settings.lake, derived.name)
    if record is None:
        return "it has not been built"
    if isinstance(derived, Ranking):
        if unfit := _unfit_ranking(table, derived, question):
            return unfit
    elif not question.metrics:
        return "it has no records"
    if not is_current(record, derived, table_state):
        built_from = f"version {table_state.version} of {table.name}"
        return f"it was not built from {built_from}: refresh it with aggregate {derived.name}"
    return _unfit_aggregate(job, table, derived, question) if isinstance(derived, Aggregate) else None


def _unfit_ranking(table: Table, ranking: Ranking, question: Question) -> str | None:
    """Why a ranking does not have the records asked for; None if it does."""
    if question.metrics:
        return "it has no measures"
    if ranking != table.ranking:
        return "it is in another order"
    if question.top is None or question.top > ranking.size:
        return f"it has only the first {ranking.size:,} records"
    return None if question.about_all_records else "it ranks all records, not only those selected"


def _unfit_aggregate(job: Job, table: Table, aggregate: Aggregate, question: Question) -> str | None:
    """Why an aggregate that is up to date does not give the metrics of the groups asked for; None if it does."""
    lacking = [name for name in question.by if name not in aggregate.by]
    if lacking:
        return f"it is not grouped by {', '.join(lacking)}"
    if question.days and "date" not in aggregate.by:
        return "it is not grouped by date"
    if question.where and not _uses_only_dimensions(job, table, aggregate, question.where):
        return "--where uses columns that it is not grouped by"
    for text, metric in zip(question.metrics, question.measures, strict=True):
        if combined_parts(table, aggregate, metric, question) is None:
            return f"its measures do not give {text} of these groups"
    return None


def _uses_only_dimensions(job: Job, table: Table, aggregate: Aggregate, where: str) -> bool:
    lake = job.settings.lake
    job.expect([table.name])  # which may have to answer
    columns = schema_of(at_version(lake, aggregate.name, log.version(lake, aggregate.name) or 0))
    dimensions = from_arrow_schema(pa.schema([columns.field(name) for name in aggregate.by]))
    try:  # on a frame of its own: Spark finds columns in a condition that were selected away
        _ = job.lake.spark.createDataFrame([], dimensions).where(where).schema
    except AnalysisException:
        return False
    return True


def _explain(job: Job, chosen: _Candidate, reasons: Sequence[str], answered: DataFrame) -> None:
    """Logs which table answered and what was read of it, why the others were passed over, and Spark's plan."""
    files, size = _read(job, chosen, answered)
    job.progress.log(f"answered from {chosen.name}: {counted(files, 'file')}, {size:,} bytes")
    for reason in reasons:
        job.progress.log(f"passed over {reason}")
    with redirect_stdout(io.StringIO()) as plan:
        answered.explain()
    job.progress.log(plan.getvalue().strip())


def _read(job: Job, chosen: _Candidate, answered: DataFrame) -> tuple[int, int]:
    """The number and bytes of the files that were read: all of a small table, unless Spark read it and says which."""
    names = {path.rsplit("/", 1)[-1] for path in answered.inputFiles()}
    if chosen.is_small and not names:
        return chosen.files, chosen.size
    entries = log.entries(job.settings.lake, chosen.name)
    sizes = [entry["size_bytes"] for entry in entries if entry["path"].rsplit("/", 1)[-1] in names]
    return len(sizes), sum(sizes)
