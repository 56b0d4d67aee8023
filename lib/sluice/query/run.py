"""Questions to a table, answered from the smallest table that can: an aggregate or ranking of it, or its records."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any

from sluice.catalog import derived, drift
from sluice.lake import log
from sluice.model.aggregate import Aggregate, Derived, Ranking
from sluice.model.table import Table
from sluice.query.answer import answer, combined
from sluice.query.question import Question, check
from sluice.query.render import written
from sluice.runtime.job import Job


@dataclass(frozen=True)
class _Source:
    """A table that can answer: `derived` None stands for the records. `files` and `size` are what is read at most."""

    name: str
    version: int
    files: int
    size: int
    derived: Derived | None = None


def run(job: Job, table: Table, question: Question, form: str, *, explain: bool) -> None:
    """Puts the answer on standard output. Raises InputError if the table is not there, UsageError for a wrong question.

    An aggregate answers only if it is of the table's current version, and its answer the same as the records'.
    """
    root = job.settings.lake
    job.report.table = table.name
    table_id, version = log.required_state(root, table.name)
    table = drift.as_stored(root, table)
    check(table, question)
    lake = job.lake
    with job.step("query"):
        chosen, passed = _choose(job, table, question, (table_id, version))
        rows = lake.read(chosen.name, chosen.version)
        made = answer(rows, table, question, chosen.derived)
        found = [row.asDict() for row in made.collect()]
    if explain:
        _explain(job, chosen, passed, made)
    job.report.table_version = chosen.version
    job.report.status = "succeeded"
    job.report.answer = written(found, made.columns, form)


def _choose(job: Job, table: Table, question: Question, source: tuple[str, int]) -> tuple[_Source, list[str]]:
    """The smallest table that gives the exact answer, and why others do not."""
    root, passed = job.settings.lake, []
    where = None
    if "date" in table.partition_by and (question.first or question.last):
        where = _partitions(question)
    choice = _Source(table.name, source[1], *log.size(root, table.name, where=where))
    for each in derived.aggregates_of(root, table):
        obstacle = "--source records" if question.records_only else _obstacle(job, table, each, question, source)
        if obstacle:
            passed.append(f"{each.name}: {obstacle}")
            continue
        version = log.version(root, each.name) or 0
        found = _Source(each.name, version, *log.size(root, each.name), each)
        in_order = isinstance(each, Ranking)  # and of no more rows, though of few it may take more bytes
        choice, other = (found, choice) if in_order or found.size < choice.size else (choice, found)
        why = "its rows are in no order" if in_order else "larger"
        passed.append(f"{other.name}: {why} ({other.files} files, {other.size:,} bytes)")
    return choice, passed


def _partitions(question: Question) -> Any:
    import pyarrow.compute as pc

    day = pc.field("partition.date")
    first = day >= question.first if question.first else None
    last = day <= question.last if question.last else None
    return first & last if first is not None and last is not None else last if first is None else first


def _obstacle(job: Job, table: Table, made: Derived, question: Question, source: tuple[str, int]) -> str | None:
    """Why an aggregate or ranking cannot give the answer; None if it can."""
    last = log.built_on(job.settings.lake, made.name)
    if last is None:
        return "it is not there"
    if unfit := _unfit(table, made, question):
        return unfit
    if last != {"id": source[0], "version": source[1], **made.definition}:
        return f"it is not of version {source[1]} of {table.name}: refresh it with aggregate {made.name}"
    return _untold(job, table, made, question) if isinstance(made, Aggregate) else None


def _unfit(table: Table, made: Derived, question: Question) -> str | None:
    """Why a question is not one of its kind; None if it is."""
    if isinstance(made, Aggregate):
        return None if question.metrics else "it holds no records"
    if question.metrics:
        return "it holds no measures"
    if made != table.ranking:
        return "it is in another order"
    if question.top is None or question.top > made.size:
        return f"it holds the first {made.size:,} records only"
    return None if question.of_all else "it is of all records"


def _untold(job: Job, table: Table, each: Aggregate, question: Question) -> str | None:
    """Why a current aggregate does not tell the answer; None if it does."""
    lacking = [name for name in question.by if name not in each.by]
    if lacking:
        return f"it is not by {', '.join(lacking)}"
    if question.days and "date" not in each.by:
        return "it is not by date"
    if question.where and not _holds(job, each, question.where):
        return "the condition is over other columns than it is by"
    for metric in question.metrics:
        if combined(table, each, metric, whole={*question.by} == {*each.by}) is None:
            return f"it cannot tell {metric} of such groups"
    return None


def _holds(job: Job, each: Aggregate, where: str) -> bool:
    """Whether a condition is over an aggregate's dimensions alone."""
    from pyspark.errors import AnalysisException

    version = log.version(job.settings.lake, each.name) or 0
    try:
        _ = job.lake.read(each.name, version).select(*each.by).where(where).schema
    except AnalysisException:
        return False
    return True


def _explain(job: Job, chosen: _Source, passed: Sequence[str], made: Any) -> None:
    """Tells which table answered and what was read of it, why the others were passed over, and Spark's plan."""
    read = {each.rsplit("/", 1)[-1] for each in made.inputFiles()}
    sizes = [
        entry["size_bytes"]
        for entry in log.entries(job.settings.lake, chosen.name)
        if entry["path"].rsplit("/", 1)[-1] in read
    ]
    job.progress.log(f"answered from {chosen.name}: {len(sizes):,} files, {sum(sizes):,} bytes")
    for text in passed:
        job.progress.log(f"passed over {text}")
    with redirect_stdout(io.StringIO()) as plan:
        made.explain()
    job.progress.log(plan.getvalue().strip())
