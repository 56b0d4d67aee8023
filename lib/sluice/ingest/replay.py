"""The files of rejects read again: rows that now fit are merged, and the files' rejects are replaced."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Any, NamedTuple

from sluice.catalog.catalog import Catalog
from sluice.errors import InputError
from sluice.files.input_file import InputFile
from sluice.ingest.plan import Options, open_files
from sluice.ingest.run import ingest
from sluice.ledger import rejects
from sluice.ledger.rejects import FileWithRejects
from sluice.model.table import Table
from sluice.runtime.job import Job


class Group(NamedTuple):
    """Files of one table that are read with the same options, in one ingest."""

    table: Table
    options: Options
    files: list[FileWithRejects]


def replay(job: Job, catalog: Catalog, table: Table | None, options: Options, given: Mapping[str, Any]) -> None:
    """Replays the rejects of a table, or of all tables; a part of the job for each group of files.

    Files are read as before, except for the options `given` now. Files that cannot be read keep their rejects. Raises
    InputError if none can be read.
    """
    job.report.table = table.name if table else None
    with_rejects = rejects.files_with_rejects(job.settings.lake, job.report.table)
    if not with_rejects:
        job.report.status = "nothing_new"
        return
    failures: list[InputError] = []

    def attempt(part: Job, group: Group) -> None:
        try:
            _replay(part, group)
        except InputError as error:
            part.note(error)
            part.progress.log(str(error), "warning")
            failures.append(error)

    groups = _groups(catalog, with_rejects, options, given)
    job.expect({group.table.name for group in groups})
    job.each(groups, attempt)
    if len(failures) == len(groups):
        raise failures[0]
    job.report.status = "succeeded"


def _groups(
    catalog: Catalog, with_rejects: Iterable[FileWithRejects], options: Options, given: Mapping[str, Any]
) -> list[Group]:
    groups: dict[tuple[str, Options], list[FileWithRejects]] = {}
    for file in with_rejects:
        table = catalog.table(file.table)
        groups.setdefault((table.name, options_for(file, table, options, given)), []).append(file)
    return [Group(catalog.table(name), chosen, members) for (name, chosen), members in groups.items()]


def options_for(file: FileWithRejects, table: Table, options: Options, given: Mapping[str, Any]) -> Options:
    """The options that the file was read with, except for those given now; what only a declaration says is the
    declaration's of today."""
    before = json.loads(file.options or "{}")
    values, ignoring = before | dict(given), before.get("on_new_column")
    names = {item.name for item in fields(table.reading) if not item.metadata.get("declared")}
    reading = replace(table.reading, **{name: values[name] for name in names & values.keys()})
    on_new_column = ignoring if ignoring and options.on_new_column == "fail" else options.on_new_column
    return replace(options, reading=reading, on_new_column=on_new_column, on_bad_file="skip", reprocess=True)


def _replay(job: Job, group: Group) -> None:
    job.report.table = group.table.name
    existing: list[InputFile] = []
    missing: list[InputError] = []
    for file in group.files:
        try:
            existing.extend(group.options.find([file.file]))
        except InputError as error:
            missing.append(error)
    existing.sort(key=lambda file: file.path)
    replayed = {file.file: file for file in group.files}
    lake = job.settings.lake
    ingest(job, open_files(lake, group.table, existing, group.options, missing=missing, replayed=replayed))
