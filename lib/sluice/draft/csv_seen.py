"""What samples of CSV files show: dialect, header, and the texts of the columns as Sluice's own reader gives them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields as fields_of
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from sluice.draft.csv_dialect import (
    Record,
    guess_dialect,
    layout_of,
    lines_above,
    parsed,
    records,
    usual_fields,
)
from sluice.draft.csv_header import has_header, why_by_place
from sluice.draft.encodings import Encoding, guess_encoding
from sluice.draft.sample import FileSample
from sluice.draft.seen import Seen, Texts, combined
from sluice.errors import InputError
from sluice.readers.csv.dialect import Dialect
from sluice.readers.csv.header import records_begin, told_dialect
from sluice.readers.csv.layout import CsvLayout
from sluice.readers.csv.scan import Scanner

_LOOKED_AT = 64 << 10  # bytes, for the header
_FIRST_LINES = 100  # among which a record must be that is not blank


class _Head(NamedTuple):
    """How a file is read: the names of its columns, its dialect, and what to say of that."""

    names: tuple[str, ...]
    dialect: Dialect
    notes: Mapping[str, str] = {}
    named: bool = True


def see_csv(samples: Sequence[FileSample]) -> Seen:
    """What CSV files show. Raises InputError for a file that is not to be read as the first one is."""
    unmarked = [piece for sample in samples if not sample.marked for piece in sample.pieces]
    encoding = guess_encoding(unmarked)
    heads = [_head(samples[0], encoding)]
    heads += [_like(sample, samples[0], heads[0], encoding) for sample in samples[1:]]
    batches: list[tuple[int, Mapping[str, pa.StringArray]]] = []
    numbers, rejects = [], Counter[str]()
    for number, (sample, head) in enumerate(zip(samples, heads, strict=True)):
        for batch in _batches(sample, head):
            rows = batch.filter(batch.column("_reason").is_null())
            rejects.update(batch.column("_reason").drop_null().to_pylist())
            batches.append((len(rows), {name: rows.column(str(i)) for i, name in enumerate(head.names)}))
            numbers.append(np.full(len(rows), number))
    names = tuple(dict.fromkeys(name for head in heads for name in head.names))
    texts = combined(batches, names)
    first = heads[0]
    return Seen(
        source={"format": "csv", **_source(replace(first.dialect, encoding=encoding.name))},
        columns=tuple(
            Texts(name, texts[name], in_all_files=all(name in head.names for head in heads), named=first.named)
            for name in names
        ),
        files=np.concatenate(numbers) if numbers else np.empty(0, np.int64),
        notes={"encoding": encoding.note, **first.notes},
        rejects=rejects,
    )


def _source(dialect: Dialect) -> dict[str, Any]:
    """The keys of a dialect that do not have their defaults."""
    return {
        item.name: getattr(dialect, item.name)
        for item in fields_of(dialect)
        if getattr(dialect, item.name) != item.default
    }


def _head(sample: FileSample, encoding: Encoding) -> _Head:
    """How a file is read, as far as its beginning tells."""
    own = "utf-8" if sample.marked else encoding.name
    told, begin = told_dialect(sample.beginning, 0, Dialect(encoding=own))
    text = sample.beginning[begin:]
    dialect = guess_dialect(text, own)
    dialect = replace(dialect, delimiter=told.delimiter) if begin else dialect
    found = list(records(text[:_LOOKED_AT], dialect)) or list(records(text, dialect))
    if not found:
        raise InputError(f"{sample.file.uri}: its first record cannot be read: check the file")
    skipped = lines_above(found, usual_fields(found))
    found = [record for record in found if record.before >= skipped]
    dialect = replace(dialect, skip_lines=skipped)
    notes = {"skip_lines": f"lines above the {'header' if has_header(found)[0] else 'first record'}"} if skipped else {}
    return _with_names(found, dialect, notes)


def _with_names(found: Sequence[Record], dialect: Dialect, notes: dict[str, str]) -> _Head:
    """The names of the columns: those of a header, or else their places."""
    names = tuple(name.strip() for name in found[0].fields)
    is_header, note = has_header(found)
    places = tuple(f"column_{i}" for i in range(1, len(names) + 1))
    if not is_header:
        return _Head(places, replace(dialect, header=False), {**notes, "header": note}, named=False)
    if why := why_by_place(names):
        by_place = replace(dialect, header=False, skip_lines=found[0].after)
        notes |= {"header": f"{why}: so the columns are taken by their places, and the header is skipped"}
        taken = tuple(name or place for name, place in zip(names, places, strict=True))
        return _Head(_apart(taken), by_place, notes, named=False)
    return _Head(names, dialect, {**notes, "header": note})


def _apart(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names that come twice with their places behind them."""
    return tuple(f"{name}_{i}" if names.count(name) > 1 else name for i, name in enumerate(names, 1))


def _like(sample: FileSample, first: FileSample, head: _Head, encoding: Encoding) -> _Head:
    """How a further file is read: as the first one, by the names of its own header."""
    dialect = replace(head.dialect, encoding="utf-8" if sample.marked else encoding.name)
    found = list(records(_text(sample, dialect)[:_LOOKED_AT], dialect))
    names = tuple(name.strip() for name in found[0].fields) if found else ()
    is_like = len(set(names) & set(head.names)) * 2 >= len(head.names) and not why_by_place(names)
    if not (is_like if head.dialect.header else len(names) == len(head.names)):
        raise InputError(
            f"{sample.file.uri}: does not have the columns of {first.file.uri}: draft a declaration for each kind of "
            "file"
        )
    return head._replace(names=names if head.dialect.header else head.names, dialect=dialect)


def _text(sample: FileSample, dialect: Dialect) -> bytes:
    """A file's beginning from its header on, or from its first record on."""
    _, begin = told_dialect(sample.beginning, 0, dialect)
    return sample.beginning[records_begin(sample.file, sample.beginning, begin, dialect) :]


def _batches(sample: FileSample, head: _Head) -> list[pa.RecordBatch]:
    """All rows and rejects of a file's sample, the header and records that are cut at a piece's ends left out."""
    layout = layout_of(head.dialect, len(head.names))
    text = _text(sample, head.dialect)
    begin = _after_first_record(text, head.dialect) if head.dialect.header else 0
    batches = parsed(_whole_records(text[begin:], head.dialect, is_end=sample.whole), layout)
    for i, piece in enumerate(sample.others, 1):
        batches += _from_within(piece, layout, is_end=i == len(sample.others))
    return batches


def _after_first_record(text: bytes, dialect: Dialect) -> int:
    (ends,) = Scanner(dialect, 0).feed(text)
    starts = [0, *(int(end) + 1 for end in ends[:_FIRST_LINES])]
    return next((end for start, end in pairwise(starts) if end > start + 1), len(text))


def _whole_records(text: bytes, dialect: Dialect, *, is_end: bool) -> bytes:
    """The text up to its last record end, unless the file ends with it."""
    if is_end:
        return text
    (ends,) = Scanner(dialect, 0).feed(text)
    return text[: int(ends[-1]) + 1] if len(ends) else b""


def _from_within(piece: bytes, layout: CsvLayout, *, is_end: bool) -> list[pa.RecordBatch]:
    """The records of a piece from within a file, which may begin within quotes: as it reads with fewer rejects."""
    plain, quoted = Scanner(layout.dialect, 0, False, True).feed(piece)
    readings = []
    for ends in (plain, quoted):
        if len(ends) > 1:
            text = piece[int(ends[0]) + 1 : None if is_end else int(ends[-1]) + 1]
            readings.append(parsed(text, layout))
    return min(readings, key=_rejects_of, default=[])


def _rejects_of(batches: Sequence[pa.RecordBatch]) -> int:
    return sum(len(batch) - batch.column("_reason").null_count for batch in batches)
