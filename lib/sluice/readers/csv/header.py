"""The beginning of a CSV file, checked on the driver: its header against the table, and where its records begin."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import NamedTuple

from sluice.errors import InputError, counted, listed
from sluice.files.input_file import InputFile
from sluice.model.table import Table
from sluice.readers.csv.dialect import Dialect
from sluice.readers.csv.scan import Scanner, with_single_delimiter
from sluice.readers.shared import pieces

# the first line by which Excel is told the delimiter
_SEPARATOR = re.compile(rb'"?sep=([!-~\t])"?(?:\r\n|\r|\n)', re.IGNORECASE)
_SHOWN = 5  # names in a message
_LINE_END = re.compile(rb"\r\n|\r|\n")


def records_begin(file: InputFile, piece: bytes, begin: int, dialect: Dialect) -> int:
    """Where the header, or without one the first record, begins: after the lines to skip.

    Raises InputError where the file's first piece has fewer line ends than lines are to be skipped.
    """
    for skipped in range(dialect.skip_lines):
        line_end = _LINE_END.search(piece, begin)
        if line_end is None:
            reach = "its first MiB" if len(piece) >= pieces.PIECE_BYTES else "it"
            raise InputError(
                f"{file.uri}: --skip-lines {dialect.skip_lines}, but {reach} has only {counted(skipped, 'line end')}"
            )
        begin = line_end.end()
    return begin


def told_dialect(piece: bytes, begin: int, dialect: Dialect) -> tuple[Dialect, int]:
    """The dialect with the delimiter that a first line such as `sep=;` names, and what begins behind that line."""
    match = _SEPARATOR.match(piece, begin)
    return (replace(dialect, delimiter=match[1].decode()), match.end()) if match else (dialect, begin)


class Header(NamedTuple):
    """The names in a file's header, its bytes, and where the next record begins."""

    names: list[str]
    record: bytes
    end: int


def read_header(file: InputFile, piece: bytes, begin: int, table: Table, dialect: Dialect) -> Header:
    """The first record of a file's first piece; blank lines before it are skipped.

    Raises InputError where the record is not CSV in the file's encoding, or so long that it is not a header.
    """
    start, end = _first_record(piece, begin, dialect)
    record = piece[start:end]
    if b"\0" in record or not dialect.decodes(record) or len(record) >= pieces.PIECE_BYTES // 2:
        raise InputError(f"{file.uri}: not a CSV file in {dialect.encoding}: expected {expected(table, dialect)}")
    text, delimiter = with_single_delimiter(record, dialect)
    reader = csv.reader(
        io.StringIO(text.decode(dialect.encoding), newline=""),
        delimiter=delimiter,
        quotechar=dialect.quote or None,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        escapechar=dialect.escape or None,
        skipinitialspace=dialect.skip_initial_space,
    )
    try:
        return Header([name.strip() for name in next(reader, [])], record, min(end + 1, len(piece)))
    except csv.Error as error:
        raise InputError(
            f"{file.uri}: its header cannot be read ({error}): expected {expected(table, dialect)}"
        ) from None


def all_named(file: InputFile, names: Sequence[str], on_new_column: str) -> list[str]:
    """The names of a header; for columns without one, which will be ignored, a name that no column can have.

    Raises InputError for a column without a name unless new columns are ignored.
    """
    if "" in names and on_new_column != "ignore":
        place = names.index("") + 1
        raise InputError(
            f"{file.uri}: column {place} has no name in the header: name it, remove it, or leave it out with "
            "--on-new-column ignore"
        )
    return [name or f"(column {place})" for place, name in enumerate(names, 1)]


def check_header(file: InputFile, names: list[str], table: Table) -> None:
    """Raises InputError for a header that lacks a required column, or names one twice."""
    lacking = [name for name in table.required if name not in names]
    unknown = [name for name in names if name not in (*table.input_columns, *table.gained)]
    if lacking and unknown:
        likely = [match for name in lacking for match in get_close_matches(name, unknown, cutoff=0.3)]
        closest_first = listed(dict.fromkeys([*likely, *unknown]), _SHOWN)
        raise InputError(
            f"{file.uri}: its header lacks {listed(lacking, _SHOWN)}, which table {table.name} needs, and has "
            f"{closest_first}, which it does not know: rename in the file, or read the columns by their order with "
            "--no-header --skip-lines 1"
        )
    if lacking:
        shown = ", ".join(name[:40] for name in names[:20])
        raise InputError(f"{file.uri}: no column {lacking[0]!r} in the header ({shown}): table {table.name} needs it")
    for i, name in enumerate(names):
        if name in names[:i]:
            raise InputError(f"{file.uri}: the header names column {name!r} twice: remove or rename one")


def expected(table: Table, dialect: Dialect) -> str:
    """What the table's files begin with, for messages."""
    names = dialect.delimiter.join(table.input_columns)
    return f"a header like {names}" if dialect.header else f"records of {names}"


def _first_record(piece: bytes, begin: int, dialect: Dialect) -> tuple[int, int]:
    """Where the first record that is not blank begins and ends; the piece's end if no record end follows."""
    (record_ends,) = Scanner(dialect, begin).feed(piece[begin:])
    start, end = begin, len(piece)
    for end in [int(end) for end in record_ends] or [len(piece)]:
        if end > start:
            break
        start = end + 1
    return start, end
