"""The files of rejects read again: what now fits is taken, and their rejects are replaced."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Any

from sluice.catalog.catalog import Catalog
from sluice.errors import InputError
from sluice.files import find as files
from sluice.files.input_file import InputFile
from sluice.ingest import run as ingest
from sluice.ingest.run import Options, Plan
from sluice.ledger import rejects
from sluice.ledger.rejects import FileWithRejects
from sluice.model.table import Table
from sluice.runtime.exit import note_failure
from sluice.runtime.job import Job

Group = tuple[Table, Options, list[FileWithRejects]]


def run(job: Job, catalog: Catalog, table: Table | None, options: Options, given: Mapping[str, Any]) -> None:
    """Replays the rejects of a table, or of all; a part of the job for each table and way its files are read.

    Files are read as before, but for the options `given` now. Those that cannot be read keep their rejects. Raises
    InputError if none can be read.
    """
    job.report.table = table.name if table else None
    found = rejects.files_with_rejects(job.settings.lake, job.report.table)
    if not found:
        job.report.status = "nothing_new"
        return
    failures: list[InputError] = []

    def attempt(part: Job, group: Group) -> None:
        try:
            _replay(part, group)
        except InputError as error:
            note_failure(part.report, error)
            part.progress.log(str(error))
            failures.append(error)

    groups = _groups(catalog, found, options, given)
    job.each(groups, attempt)
    if len(failures) == len(groups):
        raise failures[0]
    job.report.status = "succeeded"


def _groups(
    catalog: Catalog, found: Iterable[FileWithRejects], options: Options, given: Mapping[str, Any]
) -> list[Group]:
    """What is read together: files of one table with the same options, in order of their paths."""
    groups: dict[tuple[str, Options], list[FileWithRejects]] = {}
    for each in found:
        table = catalog.table(each.table)
        groups.setdefault((table.name, _as_read(each, table, options, given)), []).append(each)
    return [(catalog.table(name), chosen, members) for (name, chosen), members in groups.items()]


def _as_read(file: FileWithRejects, table: Table, options: Options, given: Mapping[str, Any]) -> Options:
    """The options that the file was read with, but for those given now and what only a declaration can say."""
    before = json.loads(file.options or "{}")
    values, ignoring = before | dict(given), before.get("on_new_column")
    names = {item.name for item in fields(table.reading) if not item.metadata.get("declared")}
    reading = replace(table.reading, **{name: values[name] for name in names & values.keys()})
    on_new_column = ignoring if ignoring and options.on_new_column == "fail" else options.on_new_column
    return replace(options, reading=reading, on_new_column=on_new_column, on_bad_file="skip", reprocess=True)


def _replay(job: Job, group: Group) -> None:
    table, options, members = group
    job.report.table = table.name
    there: list[InputFile] = []
    gone: list[InputError] = []
    for each in members:
        try:
            there.extend(files.find([each.file]))
        except InputError as error:
            gone.append(error)
    there.sort(key=lambda file: file.path)
    plan = Plan(table, options, tuple(there), {each.file: each for each in members}, tuple(gone))
    ingest.run(job, ingest.with_files_opened(job.settings.lake, plan))
