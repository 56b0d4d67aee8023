"""A CSV file cut into ranges that begin and end at records, though newlines may be inside quotes.

A file is first cut at round offsets, each moved to just after the next newline byte. Whether such a place is inside a
quoted field depends on every byte before it. So that nobody waits for the range before, each range is scanned from both
possible states at once (`scan_range`), in parallel. Then `chain` goes through the outcomes in order: the file begins
outside of quotes, each range says in which state the next one begins, and so which of its two outcomes holds.

    range            1             2             3
    from plain   → quoted      → plain       → quoted
    from quoted  → plain       → quoted      → plain
    holds        plain→quoted  quoted→quoted  quoted→plain
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from sluice.files.reading import Stream
from sluice.readers.csv.dialect import Dialect
from sluice.readers.csv.scan import Scanner
from sluice.readers.shared.pieces import pieces_of_lines


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


NO_LINES = RangeScan(Outcome(False, None), Outcome(True, None))  # of a range in which no line begins


def scan_range(stream: Stream, begin: int, end: int, dialect: Dialect, *, first: bool) -> RangeScan:
    """Scans from just after the first newline at or after `begin`-1 to just after the first at or after `end`-1.

    `stream` is at `begin`-1, or at `begin` if this is the `first` range of the file.
    """
    scanner = None
    for offset, piece in pieces_of_lines(stream, begin if first else begin - 1, end, skip_line=not first):
        if scanner is None:
            scanner, plain_first, quoted_first = Scanner(dialect, offset, False, True), offset, None
        _, record_ends = scanner.feed(piece)
        if quoted_first is None and len(record_ends):
            quoted_first = int(record_ends[0]) + 1
    if scanner is None:
        return NO_LINES
    plain, quoted = scanner.finish()
    return RangeScan(Outcome(plain.quoted, plain_first), Outcome(quoted.quoted, quoted_first))


def chain(begin: int, end: int, scans: Sequence[RangeScan]) -> list[tuple[int, int]]:
    """The ranges of a file whose records are in `begin`…`end`: each begins at a record and ends where the next begins.

    A scan in which no record begins adds no range: the range before goes on through it.
    """
    starts, quoted = [begin], False
    for scan in scans:
        outcome = scan.outcome(quoted)
        if outcome.first_record is not None:
            starts.append(outcome.first_record)
        quoted = outcome.ends_quoted
    edges = [*sorted({start for start in starts if start < end}), end]
    return list(pairwise(edges))
