"""The command `tables draft`: looks at samples of files, and writes a declaration for them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from sluice.catalog.catalog import Catalog
from sluice.catalog.describe import show_columns
from sluice.catalog.load import check_table_name
from sluice.draft.columns import draft_columns
from sluice.draft.csv_seen import see_csv
from sluice.draft.json_seen import is_json, see_json
from sluice.draft.keys import choose_key
from sluice.draft.names import valid_name
from sluice.draft.sample import FileSample, take_samples
from sluice.draft.seen import Seen
from sluice.draft.suggestions import suggest
from sluice.draft.text import toml_text
from sluice.errors import InputError, UsageError, counted
from sluice.files.find import find_files
from sluice.files.input_file import InputFile
from sluice.readers.logs.formats import LogFormat
from sluice.readers.logs.layout import detect_layout
from sluice.runtime.job import Job

_EXTENSIONS = re.compile(r"([.](csv|tsv|tab|psv|txt|dat|log|json|jsonl|ndjson|gz|gzip|bz2|zst))+$", re.IGNORECASE)


def draft(job: Job, catalog: Catalog, inputs: Sequence[str], key: Sequence[str], output: str | None) -> None:
    """Drafts a declaration for the files: printed in place of the report, or written to a file that is new.

    Raises InputError for files that cannot be read or are not alike, UsageError for a wrong output or key.
    """
    target = None if output is None else _target(output)
    files = find_files(inputs)
    if not files:
        raise InputError(f"{inputs[0]}: no files there: name a file to draft from")
    table = target.stem if target else _table_name(files[0], catalog)
    with job.step("draft"):
        samples = take_samples(files)
        text = _declaration(table, files, samples, key, catalog)
    job.report.table, job.report.files = table, len(samples)
    job.report.status = "succeeded"
    if target is None:
        job.report.answer = text.removesuffix("\n")
        job.progress.log(f"drafted table {table}: save it as {table}.toml, and look at its comments")
        return
    _write(target, text)
    try:
        declared = catalog.declared(target)
    except UsageError:
        target.unlink()
        raise
    show_columns(job, declared)
    job.progress.log(f"{output}: drafted: look at its comments, then: tables check {output}")


def _target(output: str) -> Path:
    path = Path(output).expanduser()
    if path.suffix != ".toml":
        raise UsageError(f"--output {output}: a declaration is a file NAME.toml, NAME that of the table")
    check_table_name(path)
    if not path.parent.is_dir():
        raise UsageError(f"--output {output}: its folder does not exist: create it first")
    if path.exists():
        raise UsageError(f"--output {output}: exists already: remove it, or choose another name")
    return path


def _table_name(file: InputFile, catalog: Catalog) -> str:
    """A name of no table yet for what the file's own name says, without days and numbers behind it."""
    stem = _EXTENSIONS.sub("", _file_name(file))
    return valid_name(re.sub("[-_ .]?[0-9][-_0-9]*$", "", stem) or stem, "records", catalog.reserved)


def _file_name(file: InputFile) -> str:
    return file.path.rpartition("/")[2]


def _declaration(
    table: str, files: Sequence[InputFile], samples: Sequence[FileSample], key: Sequence[str], catalog: Catalog
) -> str:
    json = is_json(samples[0])
    for sample in samples[1:]:
        if is_json(sample) != json:
            raise InputError(f"{sample.file.uri}: is not of the format of {files[0].uri}: draft each by itself")
    if not json:
        _refuse_log(samples[0])
    seen, columns = draft_columns(see_json(samples) if json else see_csv(samples))
    chosen = choose_key(columns, seen.files, key)
    made = suggest(table, columns, chosen, seen.rows, catalog.names)
    return toml_text([*_head(files, samples, seen), *seen.remarks], seen, chosen, made)


def _refuse_log(sample: FileSample) -> None:
    """Raises InputError for a request log, for which there is a table."""
    layout = detect_layout(sample.beginning, LogFormat())
    if not isinstance(layout, str):
        raise InputError(
            f"{sample.file.uri}: is a request log ({layout.formats[0]}): ingest requests reads it without a declaration"
        )


def _head(files: Sequence[InputFile], samples: Sequence[FileSample], seen: Seen) -> list[str]:
    """What was looked at, and what to do next."""
    of = "all rows" if all(sample.whole for sample in samples) else "a sample"
    names = _file_name(files[0])
    if len(files) > 1:
        names += f" and {counted(len(files) - 1, 'file')} more"
    return [
        f"Drafted from {names}: {counted(seen.rows, 'row')} of {counted(len(samples), 'file')} were looked at ({of})."
    ]


def _write(target: Path, text: str) -> None:
    try:
        with open(target, "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"--output {target}: exists already: remove it, or choose another name") from None
    except OSError as error:
        raise UsageError(f"--output {target}: cannot be written: {error.strerror}") from None
