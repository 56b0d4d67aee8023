"""A CSV file cut into ranges that begin and end at records, though newlines may stand in quotes.

A file is first cut at round offsets, each moved to just after the next newline byte. Whether such a place is inside a
quoted field only all bytes before it tell; so each range is scanned from both possible states, in parallel, and the
outcomes are chained.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO

from sluice.readers.csv.dialect import Dialect
from sluice.readers.csv.scan import Scanner
from sluice.readers.shared.line_ranges import whole_lines


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
