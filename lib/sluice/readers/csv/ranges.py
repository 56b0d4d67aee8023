"""A CSV file cut into ranges that begin and end at records, though newlines may stand in quotes.

A file is first cut at round offsets, each moved to just after the next newline byte. Whether such a place is inside a
quoted field only all bytes before it tell; so each range is scanned from both possible states, in parallel, and the
outcomes are chained.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO

from sluice.readers.csv import scan as csv_scan
from sluice.readers.csv.dialect import LF, Dialect
from sluice.readers.csv.scan import Scanner


@dataclass(frozen=True)
class Outcome:
    """What a range does to one start state."""

    ends_quoted: bool
    first_record: int | None  # offset of the first record that begins in the range, if any does


@dataclass(frozen=True)
class RangeScan:
    """A range's outcomes if it begins outside (`from_plain`) and inside (`from_quoted`) a quoted field."""

    from_plain: Outcome
    from_quoted: Outcome

    def outcome(self, quoted: bool) -> Outcome:
        return self.from_quoted if quoted else self.from_plain


NOTHING = RangeScan(Outcome(False, None), Outcome(True, None))  # of a range that no newline byte begins


def cut(begin: int, end: int, size: int) -> list[tuple[int, int]]:
    """`begin`…`end` in ranges of `size` bytes, the last one up to twice as long."""
    edges = [*range(begin, max(end - size, begin) + 1, size), end]
    return list(pairwise(edges))


def scan_range(stream: BinaryIO, begin: int, end: int, dialect: Dialect, *, first: bool) -> RangeScan:
    """Scans from just after the first newline at or after `begin`-1 to just after that at or after `end`-1.

    `stream` stands at `begin`-1, or at `begin` if this is the `first` range of the file.
    """
    pieces = whole_lines(stream, begin if first else begin - 1, end, skip_line=not first)
    scanner = None
    for offset, piece in pieces:
        if scanner is None:
            scanner, plain_first, quoted_first = Scanner(dialect, offset, False, True), offset, None
        _, record_ends = scanner.feed(piece)
        if quoted_first is None and len(record_ends):
            quoted_first = int(record_ends[0]) + 1
    if scanner is None:
        return NOTHING
    plain, quoted = scanner.finish()
    return RangeScan(Outcome(plain.quoted, plain_first), Outcome(quoted.quoted, quoted_first))


def whole_lines(stream: BinaryIO, offset: int, end: int, *, skip_line: bool) -> Iterator[tuple[int, bytes]]:
    """Pieces of the stream with their offsets: from the first line that begins in the range to its last line's end."""
    while piece := stream.read(min(csv_scan.PIECE_BYTES, end - offset) if offset < end else 64 * 1024):
        at, offset = offset, offset + len(piece)
        if skip_line:
            newline = piece.find(LF)
            if newline < 0 or at + newline + 1 >= end:
                if offset >= end:
                    return
                continue
            skip_line = False
            at, piece = at + newline + 1, piece[newline + 1 :]
        if offset >= end:
            newline = piece.find(LF, max(end - 1 - at, 0))
            if newline >= 0:
                yield at, piece[: newline + 1]
                return
        if piece:
            yield at, piece


def chain(begin: int, end: int, scans: Sequence[RangeScan]) -> list[tuple[int, int]]:
    """The record-safe ranges of a file whose data are `begin`…`end`: each begins at a record and ends at the next's."""
    starts, quoted = [begin], False
    for scan in scans:
        outcome = scan.outcome(quoted)
        if outcome.first_record is not None:
            starts.append(outcome.first_record)
        quoted = outcome.ends_quoted
    edges = [*sorted({start for start in starts if start < end}), end]
    return list(pairwise(edges))
