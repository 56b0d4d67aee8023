"""Files into a table: read, reject or keep, one row per key, merge. Every row read is accounted for once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from sluice.catalog import drift
from sluice.catalog import sql as declared_sql
from sluice.errors import InputError, TooManyRejects, UsageError
from sluice.files import find as files
from sluice.files.input_file import InputFile
from sluice.ingest import dedupe, tally
from sluice.ingest import occurrences as identity
from sluice.ingest.conform import conform
from sluice.ingest.limit import RejectLimit
from sluice.lake import log, scope
from sluice.lake.lake import Lake
from sluice.lake.scope import MergeScope
from sluice.ledger import deletes, ingested_files, rejects
from sluice.ledger.recording import locked, recorded
from sluice.model.table import Column, Table
from sluice.readers.shared.in_spark import Opened, Source
from sluice.runtime.job import Job

CHANGES = ("inserted", "updated", "removed", "deleted")
DELETES = ("deleted", "absent")  # the key was there, or it was not
FEW = 10  # rows are few if the table has so many times more
PARTITION_BYTES = 64 * 1024 * 1024
SPREAD = 8  # parts per task, of which Spark makes tasks of like size


@dataclass(frozen=True)
class Options:
    """How to ingest; `reading` is what changes a file's rows, as its table's reader knows it; `min_age` in seconds."""

    reading: Any
    max_rejects: RejectLimit = RejectLimit(1, percent=True)
    on_new_column: str = "fail"
    on_bad_file: str = "fail"
    reprocess: bool = False
    min_age: float = 0

    @property
    def of_rows(self) -> str:
        """Those that change the rows of a file, as the ledger keeps them."""
        return json.dumps(asdict(self.reading), sort_keys=True)

    @property
    def of_rows_ignoring(self) -> str:
        """The same for a file some of whose columns are left out."""
        return json.dumps({**asdict(self.reading), "on_new_column": "ignore"}, sort_keys=True)

    @property
    def known(self) -> tuple[str, ...]:
        """What a file must have been read with to be in the table already."""
        return (self.of_rows, self.of_rows_ignoring) if self.on_new_column == "ignore" else (self.of_rows,)


@dataclass(frozen=True)
class Plan:
    """What to ingest: of the files `found`, those `opened`; others are in the table, at `version`, already.

    `table` is as it will be, with the columns it has gained and is to gain beside the `declared` ones; of these `added`
    are not in the lake's yet. `earlier` are
    the runs that read the files before: rows that later ones brought stand against theirs.
    """

    declared: Table
    options: Options
    found: tuple[InputFile, ...]
    earlier: Mapping[str, rejects.FileWithRejects] = field(default_factory=dict)
    gone: tuple[InputError, ...] = ()
    version: int | None = None
    gained: tuple[str, ...] = ()
    added: tuple[Column, ...] = ()
    opened: Opened = Opened()

    @property
    def table(self) -> Table:
        return self.declared.gaining([*self.gained, *self.opened.gained])

    @property
    def failures(self) -> list[str]:
        """Why files are not read."""
        return [str(failure) for failure in (*self.gone, *self.opened.failures)]

    @property
    def in_table(self) -> int:
        """How many files are in the table already."""
        return len(self.found) - len(self.opened.sources) - len(self.opened.failures)


def plan(job: Job, table: Table, inputs: Sequence[str], options: Options) -> Plan:
    """Finds the files and what is new among them, without Spark. Raises InputError for one that cannot be read."""
    job.report.table = table.name
    found = [file for file in files.find(inputs) if not options.min_age or files.age(file) >= options.min_age]
    return with_files_opened(job.settings.lake, Plan(table, options, tuple(found)))


def with_files_opened(lake: str, plan: Plan) -> Plan:
    """The plan with the headers of its new files read, against the table as it is now."""
    options, version = plan.options, log.version(lake, plan.declared.name)
    table, added = drift.to_be(lake, plan.declared, options.on_new_column)
    new = plan.found if options.reprocess else ingested_files.not_ingested(lake, table.name, plan.found, options.known)
    if table.occurrences:
        _check_reading(lake, table, options, new)
    opened = table.reader.open_all(new, table, options.reading, options.on_new_column)
    if opened.failures and options.on_bad_file == "fail":
        raise opened.failures[0]
    declared = replace(plan.declared, pruned_before=table.pruned_before)
    return replace(plan, declared=declared, version=version, gained=table.gained, added=added, opened=opened)


def _check_reading(lake: str, table: Table, options: Options, new: Sequence[InputFile]) -> None:
    """Raises UsageError for a file whose rows are in the table under other keys than it would give now."""
    before = ingested_files.options_of(lake, table.name, new)
    for file in new:
        for text in before.get(file.uri, ()):
            then, now = json.loads(text), asdict(options.reading)
            changed = {name: then.get(name) for name in now if json.dumps(then.get(name)) != json.dumps(now[name])}
            if changed:
                shown = ", ".join(f"{name} {value!r}" for name, value in changed.items())
                raise UsageError(
                    f"{file.uri}: table {table.name} holds its rows as read with {shown}: read otherwise they would be "
                    "other rows. Use the same options again, or empty the table with maintain clear"
                )


def run(job: Job, plan: Plan) -> None:
    """Ingests the plan's new files in Spark; without any the table stays as it is."""
    job.report.table = plan.table.name
    _note_files(job, plan)
    if plan.opened.sources:
        lake = job.lake
        with locked(job, plan.table.name):
            if log.version(lake.root, plan.table.name) != plan.version:
                plan = with_files_opened(lake.root, plan)  # another run had the lock
                _note_files(job, plan)
            if plan.opened.sources:
                arguments = {"files": [source.file.uri for source in plan.opened.sources], **_arguments(plan.options)}
                with recorded(job, plan.table.name, arguments), declared_sql.failing(plan.table):
                    _ingest(job, lake, plan)
    else:
        _note_bad(job, plan, plan.failures)


def _arguments(options: Options) -> dict[str, Any]:
    return {**asdict(options), "max_rejects": str(options.max_rejects)}


def _note_files(job: Job, plan: Plan) -> None:
    job.report.files = len(plan.opened.sources)
    job.report.files_skipped = plan.in_table + len(plan.failures)
    job.report.status = "succeeded" if plan.opened.sources else "nothing_new"
    job.report.table_version = plan.version


def _note_bad(job: Job, plan: Plan, failures: Sequence[str]) -> None:
    """Tells of files that are left out. Raises InputError if there is nothing else."""
    for failure in failures:
        job.progress.log(f"left out: {failure}")
    read = len(plan.found) + len(plan.gone) - plan.in_table - len(failures)
    if failures and not read and not plan.in_table:
        raise InputError(
            failures[0] if len(failures) == 1 else f"none of {len(failures)} files could be read: see above"
        )
    job.report.files, job.report.files_skipped = read, plan.in_table + len(failures)


def _ingest(job: Job, lake: Lake, plan: Plan) -> None:
    sources, table = plan.opened.sources, plan.table
    with job.step("read"):
        if table.origin:
            declared_sql.check(lake.spark, table)
        tasks = _tasks(lake.spark, plan)
        records = conform(table.reader.read(lake.spark, sources), table)
        records = (identity.spread(records, table, tasks * SPREAD) if table.occurrences else records).persist()
        read = [(source.file, _options_of(source, plan.options)) for source in sources]
        tallies = tally.tally(records, read, table)
        rows, tallies = _readable(job, plan, records, tallies)
    if not tallies:
        job.report.status = "nothing_new"
        return
    job.report.rows_read = sum(tally.rows_read for tally in tallies)
    job.report.rows_rejected = sum(tally.rows_rejected for tally in tallies)
    refusal = _refusal(tallies, plan, lake.root)
    # a replay's mended rows are among the rejects until they are merged: killed in between, it finds them again
    if refusal or not plan.earlier:
        _keep_rejects(job, lake, plan, rows, tallies)
    if refusal:
        raise refusal
    _warn(job, plan, tallies)
    if plan.version is None and not table.delete_when and not job.settings.dry_run:
        with job.step("merge"):
            _set_outcomes(job, _create(lake, plan, _classified(lake, plan, rows, None, tasks)))
    else:
        with job.step("classify"):
            few = job.report.rows_read * FEW < log.row_count(lake.root, table.name)
            within = _scope(plan, rows, tallies, few=few)
            classified = _classified(lake, plan, rows, _existing(lake, plan, within), tasks, few=few).persist()
            counts = {row["_outcome"]: row["count"] for row in classified.groupBy("_outcome").count().collect()}
            _set_outcomes(job, counts)
        if job.settings.dry_run:
            return
        if table.delete_when:
            with job.step("keep deletes"):
                _remember_deletes(lake, plan, classified, counts)
        with job.step("merge"):
            _merge(lake, plan, classified, counts, within)
        classified.unpersist()
    with job.step("record"):
        if table.origin and log.stored(lake.root, table.name).declaration != plan.declared.declaration:
            lake.declare(plan.declared)
        _record(job, plan, tallies)
    if plan.earlier:
        _keep_rejects(job, lake, plan, rows, tallies)
    records.unpersist()


def _keep_rejects(job: Job, lake: Lake, plan: Plan, rows: Any, tallies: Sequence[ingested_files.Tally]) -> None:
    if not job.settings.dry_run:
        with job.step("keep rejects"):
            rejects.keep(lake, plan.table, rows, tallies, plan.earlier)


def _set_outcomes(job: Job, counts: Mapping[str, int]) -> None:
    """Puts the counts of outcomes into the report; a delete is one whether its key was there or not."""
    deleted = sum(counts.get(name, 0) for name in DELETES)
    others = {name: count for name, count in counts.items() if name not in DELETES}
    job.report.set_outcomes({"rejected": job.report.rows_rejected, "deleted": deleted, **others})


def _warn(job: Job, plan: Plan, tallies: Sequence[ingested_files.Tally]) -> None:
    """Tells how many rows did not pass the checks that only warn."""
    for i, check in enumerate(check for check in plan.table.checks if check.action == "warn"):
        if count := sum(tally.warned[i] for tally in tallies):
            job.progress.log(f"check {check.name} not passed by {count:,} rows, which are kept: {check.sql}")


def _options_of(source: Source, options: Options) -> str:
    return options.of_rows_ignoring if source.new and options.on_new_column == "ignore" else options.of_rows


def _readable(
    job: Job, plan: Plan, records: Any, tallies: list[ingested_files.Tally]
) -> tuple[Any, list[ingested_files.Tally]]:
    """The records and tallies of the files that can be read. Raises InputError for one that must not be left out."""
    from pyspark.sql import functions as F

    bad = [tally for tally in tallies if _failure(tally, plan.options)]
    failures = [_failure(tally, plan.options) for tally in bad]
    if bad and plan.options.on_bad_file == "fail":
        raise InputError(failures[0])
    _note_bad(job, plan, [*plan.failures, *failures])
    if not bad:
        return records, tallies
    good = [tally for tally in tallies if tally not in bad]
    return records.where(~F.col("_file").isin([tally.number for tally in bad])), good


def _failure(tally: ingested_files.Tally, options: Options) -> str:
    """Why the file cannot be taken, or nothing."""
    if tally.failure:
        return tally.failure
    if tally.unclosed and not options.max_rejects.everything:
        return (
            f"{tally.file.uri}: {tally.unclosed}: mend the file, or ingest what comes before it with --max-rejects 100%"
        )
    return ""


def _refusal(tallies: Sequence[ingested_files.Tally], plan: Plan, lake: str) -> TooManyRejects | None:
    """Why nothing is merged; not for files that are read again and are in the table with their rejects already."""
    for counted in tallies:
        if counted.failed:
            return TooManyRejects(
                f"{counted.file.uri}: {counted.failed:,} records do not pass a check that all must pass, so nothing "
                "was merged: see them with `rejects list`, mend the file, or change the check's action"
            )
    limit = plan.options.max_rejects
    over = [counted for counted in tallies if limit.exceeded(counted.rows_rejected, counted.rows_read)]
    if over and plan.earlier:
        new = ingested_files.not_ingested(lake, plan.table.name, [counted.file for counted in over])
        over = [counted for counted in over if counted.file in new]
    for counted in over:
        return TooManyRejects(
            f"{counted.file.uri}: {counted.rows_rejected:,} of {counted.rows_read:,} records rejected, more than "
            f"{limit} allowed, so nothing was merged: see them with `rejects list`, or allow more with "
            "--max-rejects"
        )
    return None


def _tasks(spark: Any, plan: Plan) -> int:
    """Over how many tasks the rows are spread: so many that one's rows fit into its memory."""
    size = sum(source.file.size * (5 if source.file.compression else 1) for source in plan.opened.sources)
    return max(spark.sparkContext.defaultParallelism, -(-size // PARTITION_BYTES))


def _scope(plan: Plan, rows: Any, tallies: Sequence[ingested_files.Tally], *, few: bool) -> MergeScope | None:
    """Where the table may have rows of the same keys: in the same partitions, or in the range of `few` keys."""
    if plan.table.key_partitions:
        values = {tuple(value) for tally in tallies for value in tally.partitions}
        return scope.Partitions(plan.table.key_partitions, tuple(sorted(values, key=repr)))
    return scope.key_range(rows.where("_reason is null"), plan.table.key) if few else None


def _existing(lake: Lake, plan: Plan, within: MergeScope | None) -> Any | None:
    """The table's rows in the scope, with the columns it is to gain; None if it is not there yet."""
    from pyspark.sql import functions as F

    if plan.version is None:
        return None
    known = lake.read(plan.table.name, plan.version, within)
    return known.select("*", *(F.lit(None).cast(kind).alias(name) for name, kind in _to_add(plan).items()))


def _to_add(plan: Plan) -> dict[str, str]:
    """The columns that the table in the lake is to gain, with their types."""
    return {column.name: column.type for column in plan.added} | dict.fromkeys(plan.opened.gained, "string")


def _classified(lake: Lake, plan: Plan, rows: Any, existing: Any | None, tasks: int, *, few: bool = False) -> Any:
    """The rows with their outcome; only those that change the table, or delete a key, keep their values."""
    from pyspark.sql import functions as F

    table = plan.table
    kept = rows.where("_reason is null").drop("_raw", "_reason")
    if table.occurrences:
        marked = identity.identified(kept, table, tasks)
    else:
        kept = kept.repartition(tasks, *table.key)
        order = (*([table.order_by] if table.order_by else []), "_file", "_position")
        marked = dedupe.mark_superseded(kept, table.key, order)
    if table.delete_when:
        marked = marked.withColumn("_deletes", F.coalesce(F.expr(table.delete_when), F.lit(False)))
    if table.delete_when and (table.order_by or plan.earlier):
        marked = deletes.with_buried(marked, lake, table)
    if table.replaces:
        marked = dedupe.mark_replaced(marked, table.replaces)
    if plan.earlier:
        marked = _with_earlier(marked, plan)
        if table.replaces and existing is not None:
            marked = dedupe.mark_outdated(marked, existing, table.replaces)
    outcomes = dedupe.classify(
        marked, existing, table.key, table.column_names, few=few, earlier=bool(plan.earlier), order_by=table.order_by
    )
    changes = F.col("_outcome").isin(*CHANGES, *DELETES)
    values = [F.when(changes, F.col(name)).alias(name) for name in table.column_names]
    if table.delete_when:
        values += [F.col(name) for name in ("_buried", "_read_at") if name in marked.columns]
    outcomes = outcomes.select("_outcome", *values)
    if existing is None or not table.replaces or plan.earlier:
        return outcomes
    gone = dedupe.removed(marked, existing, table.key, table.replaces)
    return outcomes.unionByName(gone.select(F.lit("removed").alias("_outcome"), *table.column_names))


def _with_earlier(rows: Any, plan: Plan) -> Any:
    """Adds `_read_at` and `_read_by`: when a row's file was read first, and by which runs it was since."""
    from pyspark.sql import functions as F

    earlier = [plan.earlier[source.file.uri] for source in plan.opened.sources]
    number = F.col("_file") + 1
    read_at = F.element_at(F.array(*(F.lit(each.read_at) for each in earlier)), number)
    read_by = F.element_at(F.array(*(F.array(*map(F.lit, each.read_by)) for each in earlier)), number)
    return rows.withColumn("_read_at", read_at).withColumn("_read_by", read_by)


def _changes(lake: Lake, table: Table, classified: Any) -> Any:
    """The rows to insert, update or remove, as the table has them, and their outcome."""
    from pyspark.sql import functions as F

    return classified.where(F.col("_outcome").isin(*CHANGES)).select(
        *table.column_names,
        F.lit(datetime.now(UTC)).alias("ingested_at"),
        F.lit(lake.run_id).alias("run_id"),
        F.col("_outcome").isin("removed", "deleted").alias("_gone"),
    )


def _create(lake: Lake, plan: Plan, classified: Any) -> dict[str, int]:
    """Makes the table and counts the outcomes in one pass."""
    from pyspark.sql import Observation
    from pyspark.sql import functions as F

    seen = Observation()
    outcomes = ("duplicate", "inserted", "absent")
    counts = [F.count(F.when(F.col("_outcome") == name, True)).alias(name) for name in outcomes]
    rows = _changes(lake, plan.table, classified.observe(seen, *counts)).drop("_gone")
    if plan.table.partition_by and not plan.table.occurrences:  # those are spread by their partitions already
        rows = rows.hint("rebalance", *plan.table.partition_by)
    lake.create(plan.table, rows)
    return dict(seen.get)


def _merge(lake: Lake, plan: Plan, classified: Any, counts: dict[str, int], within: MergeScope | None) -> None:
    table = plan.table
    if plan.version is None:
        lake.create(plan.table, _changes(lake, table, classified).where("NOT _gone").drop("_gone"))
        return
    expected = {outcome: counts.get(outcome, 0) for outcome in ("inserted", "updated")}
    expected["removed"] = counts.get("removed", 0) + counts.get("deleted", 0)
    if to_add := _to_add(plan):
        lake.add_columns(table.name, to_add)
    if any(expected.values()):
        changes = _changes(lake, table, classified)
        updating, removing = bool(expected["updated"]), bool(expected["removed"])
        changes = changes if removing else changes.drop("_gone")
        merged = lake.merge(table.name, changes, table.key, within, updating=updating, removing=removing)
        if merged != expected:
            raise RuntimeError(f"table {table.name}: Delta merged {merged}, expected {expected}: maintain restore it")


def _remember_deletes(lake: Lake, plan: Plan, classified: Any, counts: Mapping[str, int]) -> None:
    """Keeps what is deleted, before it is: a run that is killed in between must not lose it."""
    from pyspark.sql import functions as F

    if plan.version is None:  # those of a table of that name that is no more
        deletes.forget(lake.root, plan.table.name, -1, lake.run_id)
    if not any(counts.get(name) for name in DELETES):
        return
    rows = _to_remember(lake, plan.table, classified.where(F.col("_outcome").isin(*DELETES)))
    if rows is not None:
        before = -1 if plan.version is None else plan.version + bool(_to_add(plan))
        making = plan.version is None or any(counts.get(name) for name in CHANGES)
        deletes.remember(lake, plan.table, rows, before + making)


def _to_remember(lake: Lake, table: Table, rows: Any) -> Any | None:
    """Those of the rows that delete of which a later one could not be told otherwise; None for none.

    Where no file has rejects, none that was read before can be replayed: then rows that are ordered must only be known
    once, and others not at all.
    """
    from pyspark.sql import functions as F

    if rejects.files_with_rejects(lake.root, table.name):
        return rows
    return rows.where(~F.col("_buried.order").eqNullSafe(F.col(table.order_by))) if table.order_by else None


def _record(job: Job, plan: Plan, tallies: Sequence[ingested_files.Tally]) -> None:
    lake, table, run_id = job.settings.lake, plan.table.name, job.settings.run_id
    table_id, version = log.required_state(lake, table)
    ingested_files.record_files(lake, table, table_id, version, run_id, tallies)
    job.report.table_version = version
