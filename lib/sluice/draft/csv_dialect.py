"""The dialect of CSV text: delimiter, quote, escape, null, and where the header is. Candidates are tried, not trusted.

Python's `csv.Sniffer` is not asked: of twenty exports in the tests it takes a letter for the delimiter of three, and it
knows nothing of escapes, of lines above a header, or of which records reading would refuse.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import pyarrow as pa

from sluice.readers.csv.dialect import Dialect
from sluice.readers.csv.layout import CsvLayout
from sluice.readers.csv.parse import parse_csv

_DELIMITERS = (",", ";", "\t", "|", "^", "~", "\x01")
_LOOKED_AT = 32 << 10  # bytes
_REGULAR = 0.8  # of the records have the same number of fields
_MOST_LINES_ABOVE = 30  # the header
_NULL_OF_DUMPS = r"\N"


class Record(NamedTuple):
    """The fields of a record, and how many lines of the file end before it and with it."""

    fields: list[str]
    before: int
    after: int


def guess_dialect(beginning: bytes, encoding: str) -> Dialect:
    """The dialect by which the most records of a file's beginning are readable; the simplest of equal ones."""
    text = beginning[:_LOOKED_AT]
    text = text[: max(text.rfind(b"\n"), text.rfind(b"\r")) + 1] or text
    best = Dialect(delimiter=_delimiter(text, encoding), encoding=encoding)
    if best.quote.encode() in text or b"'" in text:
        best = min((best, replace(best, quote="'"), replace(best, quote="")), key=lambda d: _failures(text, d))
    if b"\\" in text:
        best = _with_escape(text, best)
    if best.delimiter != " " and (best.delimiter + " ").encode() in text:
        best = _with_blanks(text, best)
    return best


def _delimiter(text: bytes, encoding: str) -> str:
    """The one that gives the most records the same number of fields, and of equal ones the most fields."""

    def regularity(delimiter: str) -> tuple[float, int]:
        escapes = ("", "\\") if b"\\" in text else ("",)
        return max(_regularity(text, Dialect(delimiter, escape=escape, encoding=encoding)) for escape in escapes)

    present = [delimiter for delimiter in _DELIMITERS if delimiter.encode() in text]
    best = max(present, key=regularity, default=",")
    if present and regularity(best) > (0.0, 1):
        return best
    return next(delimiter for delimiter in (*_DELIMITERS, ",") if delimiter not in present)


def _regularity(text: bytes, dialect: Dialect) -> tuple[float, int]:
    """Which share of the records has the usual number of fields, and that number; none where they are few or one."""
    counts = Counter(len(record.fields) for record in records(text, dialect))
    fields, times = max(counts.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
    share = times / max(counts.total(), 1)
    return (round(share, 1), fields) if fields > 1 and share >= _REGULAR else (0.0, 1)


def records(text: bytes, dialect: Dialect) -> Iterator[Record]:
    """The records of a text that are not blank; those after one that Python's reader refuses are left out."""
    lines = io.StringIO(text.decode(dialect.encoding, "replace"), newline="")
    reader = csv.reader(
        lines,
        delimiter=dialect.delimiter,
        quotechar=dialect.quote or None,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        escapechar=dialect.escape or None,
        skipinitialspace=dialect.skip_initial_space,
    )
    before = 0
    try:
        for fields in reader:
            if fields:
                yield Record(fields, before, reader.line_num)
            before = reader.line_num
    except csv.Error:
        return


def usual_fields(found: Sequence[Record]) -> int:
    """How many fields most records have."""
    counts = Counter(len(record.fields) for record in found)
    return max(counts.items(), key=lambda item: (item[1], item[0]))[0]


def lines_above(found: Sequence[Record], fields: int) -> int:
    """How many lines stand above the first record that has as many fields as most have, such as a title."""
    for record in found:
        if len(record.fields) == fields:
            return record.before if record.before <= _MOST_LINES_ABOVE else 0
    return 0


def layout_of(dialect: Dialect, fields: int) -> CsvLayout:
    """Columns that are named by their places, so that it does not matter how a header names them."""
    names = tuple(map(str, range(fields)))
    return CsvLayout(dialect, names, names)


def parsed(text: bytes, layout: CsvLayout) -> list[pa.RecordBatch]:
    """Rows and rejects of whole records, as ingest gives them."""
    return list(parse_csv(io.BytesIO(text), 0, len(text), layout))


def _failures(text: bytes, dialect: Dialect) -> int:
    """How many records would be rejects, and how many fields are still in quotes."""
    found = list(records(text, dialect))
    if not found:
        return len(text)
    fields = usual_fields(found)
    rejects, within = 0, 0
    for batch in parsed(text, layout_of(dialect, fields)):
        rejects += len(batch) - batch.column("_reason").null_count
        within += sum(_quoted(batch.column(str(i))) for i in range(fields))
    return rejects + within


def _quoted(texts: pa.StringArray) -> int:
    """How many texts begin and end with the same quote, as they do that were read without regard to it."""
    return sum(len(text) > 1 and text[0] in "\"'" and text[0] == text[-1] for text in texts.to_pylist() if text)


def _with_escape(text: bytes, dialect: Dialect) -> Dialect:
    r"""With a backslash as escape where that makes fewer rejects; and where `\N` stands for null, as in dumps."""
    escaped = replace(dialect, escape="\\")
    fewer = _failures(text, escaped) < _failures(text, dialect)
    delimiter = dialect.delimiter.encode()
    fields = {field.strip(b"\r\n") for line in text.split(b"\n") for field in line.split(delimiter)}
    if _NULL_OF_DUMPS.encode() in fields and _failures(text, escaped) <= _failures(text, dialect):
        quote = dialect.quote if any(field.startswith(dialect.quote.encode()) for field in fields) else ""
        return replace(escaped, quote=quote, null=_NULL_OF_DUMPS, escape_sequences=True)
    return escaped if fewer else dialect


def _with_blanks(text: bytes, dialect: Dialect) -> Dialect:
    """Without the blanks before fields where nearly every delimiter is followed by one, or quotes stand behind them."""
    delimiter = dialect.delimiter.encode()
    followed, all_ = text.count(delimiter + b" "), text.count(delimiter)
    skipping = replace(dialect, skip_initial_space=True)
    is_usual = followed > 0.9 * all_
    return skipping if is_usual or _failures(text, skipping) < _failures(text, dialect) else dialect
