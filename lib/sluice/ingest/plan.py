"""What an ingest will do, decided without Spark: the files that are new, and how the table will change with them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from sluice.catalog import drift
from sluice.errors import InputError, UsageError
from sluice.files.find import MAX_FILES, age_seconds, find_files
from sluice.files.input_file import InputFile
from sluice.ingest.limit import RejectLimit
from sluice.lake import log
from sluice.ledger.ingested_files import not_ingested, options_of
from sluice.ledger.rejects import FileWithRejects
from sluice.model.table import Table
from sluice.readers.shared.reading import changed_options, stored_options

_DECOMPRESSED = 20  # so many bytes are in one of a compressed log


@dataclass(frozen=True)
class Options:
    """How to ingest. `reading` changes a file's rows: how the table's reader reads it; `min_age` is in seconds,
    `max_decompressed` in bytes (None: as `files.decompressing` allows); `input_root` None: files may be anywhere."""

    reading: Any
    max_rejects: RejectLimit = RejectLimit(1, percent=True)
    on_new_column: str = "fail"
    max_decompressed: int | None = None
    input_root: str | None = None
    on_bad_file: str = "fail"
    reprocess: bool = False
    min_age: float = 0
    max_files: int = MAX_FILES

    def find(self, inputs: Iterable[str]) -> list[InputFile]:
        """The files that the inputs name, within the limits. Raises InputError or UsageError as `find_files` does."""
        files = find_files(inputs, self.input_root, self.max_files)
        return [replace(file, max_decompressed=self.max_decompressed) for file in files]

    @property
    def of_rows(self) -> str:
        """The options that change a file's rows, as `ingested_files` keeps them (JSON)."""
        return json.dumps(stored_options(self.reading), sort_keys=True)

    @property
    def of_rows_ignoring(self) -> str:
        """The same for a file some of whose columns are ignored."""
        return json.dumps({**stored_options(self.reading), "on_new_column": "ignore"}, sort_keys=True)

    @property
    def known(self) -> tuple[str, ...]:
        """A file read with any of these is in the table already."""
        return (self.of_rows, self.of_rows_ignoring) if self.on_new_column == "ignore" else (self.of_rows,)

    def of_source(self, has_new_columns: bool) -> str:
        """The options that a file is read with, as `ingested_files` keeps them."""
        return self.of_rows_ignoring if has_new_columns and self.on_new_column == "ignore" else self.of_rows

    @property
    def arguments(self) -> dict[str, Any]:
        """The options as `runs` keeps them."""
        return {**asdict(self), "max_rejects": str(self.max_rejects)}


@dataclass(frozen=True)
class Plan:
    """What to ingest into a table.

    `declared`: the table as declared. `table`: as it will be, with the columns it gained before and those it gains now.
    `to_add`: the columns that the commit adds to the stored table, with their types.
    `version`: the stored table's current version; None: there is none yet.
    `files`: the input files; of these `sources` are new and opened; others are in the table already or cannot be read.
    `note`: what the reader says of how it will read them.
    `failures`: why files cannot be read, first those of the files that are `missing` (a number; only in a replay).
    `replayed`: in a replay, for each file's URI the readings of it before. Rows that came later win.
    """

    declared: Table
    options: Options
    files: tuple[InputFile, ...]
    table: Table
    to_add: Mapping[str, str] = field(default_factory=dict)
    version: int | None = None
    sources: tuple[Any, ...] = ()
    note: str = ""
    failures: tuple[InputError, ...] = ()
    missing: int = 0
    replayed: Mapping[str, FileWithRejects] = field(default_factory=dict)

    @property
    def files_in_table(self) -> int:
        """How many of the files are in the table already."""
        return len(self.files) + self.missing - len(self.sources) - len(self.failures)

    @property
    def size(self) -> int:
        """The bytes of the new files, decompressed: about."""
        return sum(source.file.size * (_DECOMPRESSED if source.file.compression else 1) for source in self.sources)


def make_plan(lake: str, table: Table, inputs: Sequence[str], options: Options) -> Plan:
    """Finds the input files and opens those that are new.

    Raises InputError for an input that is missing or cannot be read, UsageError for a declaration that changed.
    """
    files = [file for file in options.find(inputs) if not options.min_age or age_seconds(file) >= options.min_age]
    return open_files(lake, table, files, options)


def open_files(
    lake: str,
    table: Table,
    files: Sequence[InputFile],
    options: Options,
    *,
    missing: Sequence[InputError] = (),
    replayed: Mapping[str, FileWithRejects] | None = None,
) -> Plan:
    """Opens the files that are new, against the table as it is stored now; `missing`: why others were not found."""
    version = log.version(lake, table.name)  # first: a commit in between is seen under the lock
    stored, added = drift.for_ingest(lake, table, options.on_new_column)
    new = files if options.reprocess else not_ingested(lake, table.name, files, options.known)
    if stored.occurrences:
        check_reading(lake, stored, options, new)
    opened = stored.reader.open_all(new, stored, options.reading, options.on_new_column)
    if opened.failures and options.on_bad_file == "fail":
        raise opened.failures[0]
    return Plan(
        declared=table,
        options=options,
        files=tuple(files),
        table=stored.gaining(opened.gained),
        to_add={column.name: column.type for column in added} | dict.fromkeys(opened.gained, "string"),
        version=version,
        sources=opened.sources,
        note=opened.note,
        failures=(*missing, *opened.failures),
        missing=len(missing),
        replayed=replayed or {},
    )


def opened_again(lake: str, plan: Plan) -> Plan:
    """The plan against the table as it is now, after another run committed to it."""
    missing = plan.failures[: plan.missing]
    return open_files(lake, plan.declared, plan.files, plan.options, missing=missing, replayed=plan.replayed)


def check_reading(lake: str, table: Table, options: Options, new: Sequence[InputFile]) -> None:
    """Raises UsageError for a file whose rows are in the table under other keys than it would give now.

    Only for tables whose keys depend on how a line is read (`occurrences`), such as on a log's time zone.
    """
    before = options_of(lake, table.name, new)
    for file in new:
        for text in before.get(file.uri, ()):
            if changed := changed_options(options.reading, json.loads(text)):
                shown = ", ".join(f"{name} {value!r}" for name, value in changed.items())
                raise UsageError(
                    f"{file.uri}: table {table.name} holds its rows as read with {shown}: other options would give its "
                    "rows other keys. Use the same options again, or empty the table with maintain clear"
                )
