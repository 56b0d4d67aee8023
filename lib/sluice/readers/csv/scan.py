"""Where the records of a CSV file begin and end, found without parsing it.

The dialect's state machine has two states at a byte: outside and inside a quoted field. A quote changes them so:

- quotes side by side are one run; a run of even length changes nothing (`""` is an empty field outside and a
  literal quote inside);
- a run of odd length that follows a delimiter or a line end swaps the two states: outside it opens a field, inside it
  closes one;
- any other run of odd length ends outside: inside it closes the field, outside (`5" pipe`) it is text.

So the state after each run follows from a running count since the last run of the third kind, which numpy computes
for both possible starts at once. A quote that follows a closed field (`"a"b"c"`) is text, as in Python's `csv`; but a
record in which text follows a closed field becomes a reject (`Quotes`): which quote was meant to close it
cannot be told.

Where the delimiter has several characters, all bytes of each one are looked at as `UNIT_SEPARATOR`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from sluice.readers.csv.dialect import Dialect
from sluice.readers.shared.encoding import CR, LF

UNIT_SEPARATOR = "\x1f"
_NEUTRAL = 0  # a byte that no mark of a dialect is
_BLANK = ord(" ")


@dataclass(frozen=True)
class Marks:
    """The quotes that count and the line ends of a piece of a file; offsets are relative to the piece."""

    runs: np.ndarray  # where each run of quotes of odd length begins
    swaps: np.ndarray  # whether it swaps the states; the others end outside
    line_ends: np.ndarray  # every LF and CR
    last: int  # the piece's last byte that counts, neutral if it was escaped

    def quoted_after_runs(self, quoted: bool) -> np.ndarray:
        """Whether each run leaves the state machine inside a quoted field, if the piece begins so (`quoted`)."""
        swapped = np.cumsum(self.swaps)
        since = np.maximum.accumulate(np.where(self.swaps, -1, swapped))
        return np.where(since < 0, swapped + quoted, swapped - since) & 1 == 1

    def record_ends(self, quoted: bool, after: np.ndarray) -> np.ndarray:
        """The line ends outside of quotes; `after` is what `quoted_after_runs(quoted)` gave."""
        if not len(self.runs):
            return self.line_ends[:0] if quoted else self.line_ends
        states = np.concatenate(([quoted], after))
        return self.line_ends[~states[np.searchsorted(self.runs, self.line_ends)]]


def find_marks(piece: bytes | memoryview, before: int, dialect: Dialect) -> Marks:
    """Marks of a piece; `before` is the byte before it (LF at the start of a record)."""
    data = _as_marks(piece, dialect)
    is_line_end = data == LF
    if np.any(is_cr := data == CR):
        is_line_end |= is_cr
    begins, lengths = _quote_runs(data, dialect)
    runs = begins[lengths & 1 == 1]
    (last,) = _previous(data, np.array([len(data)]), before, dialect)
    return Marks(runs, _start_fields(data, runs, before, dialect), np.flatnonzero(is_line_end), int(last))


def initial_blanks(records: bytes, dialect: Dialect) -> np.ndarray:
    """Offsets of the blanks at the beginnings of the fields of whole records, but for lines of blanks alone."""
    data = _as_marks(records, dialect)
    blanks = np.flatnonzero(data == _BLANK)
    quotes = Quotes.of(records, dialect)
    within = quotes.states[np.searchsorted(quotes.odd, blanks)]
    previous = _previous(data, blanks, LF, dialect)
    following = _previous(data[::-1], len(data) - 1 - blanks, LF, dialect)
    is_blank_line = _ends_line(previous) & _ends_line(following)
    return blanks[~within & _separates(previous, dialect) & ~is_blank_line]


@dataclass(frozen=True)
class Quotes:
    """Runs of quotes of whole records: where each begins, and whether it is within a quoted field, follows a delimiter
    or a line end, closes a field, and is followed by anything other than a delimiter or a line end.

    `odd`: where the runs of odd length begin; `states`: whether what follows so many of them is within a quoted field.
    """

    begins: np.ndarray
    within: np.ndarray
    start_fields: np.ndarray
    close: np.ndarray
    text_follows: np.ndarray
    odd: np.ndarray
    states: np.ndarray

    @classmethod
    def of(cls, records: bytes | memoryview, dialect: Dialect) -> Quotes:
        data = _as_marks(records, dialect)
        begins, lengths = _quote_runs(data, dialect)
        odd, start_fields = lengths & 1 == 1, _start_fields(data, begins, LF, dialect)
        marks = Marks(begins[odd], start_fields[odd], begins[:0], 0)
        states = np.concatenate(([False], marks.quoted_after_runs(False)))
        latest = np.cumsum(odd)
        within, after = states[latest - odd], states[latest]
        close = ~after & (within | (start_fields & ~odd))
        follows = np.append(data, LF)[begins + lengths]
        return cls(begins, within, start_fields, close, ~_separates(follows, dialect), begins[odd], states)

    @property
    def closing_too_early(self) -> np.ndarray:
        """Offsets of the quotes that close a field though text follows them."""
        return self.begins[self.close & self.text_follows]

    @property
    def stray(self) -> np.ndarray:
        """Offsets of the quotes within fields that do not begin with one."""
        return self.begins[~self.within & ~self.start_fields]


def with_single_delimiter(records: bytes, dialect: Dialect) -> tuple[bytes, str]:
    """Whole records with delimiters of one character, and that character: `UNIT_SEPARATOR` in place of a longer one."""
    if not dialect.has_long_delimiter:
        return records, dialect.delimiter
    data = _without_escaped(np.frombuffer(records, np.uint8), dialect)
    begins = _delimiters(data, dialect)
    quotes = Quotes.of(records, dialect)
    begins = begins[~quotes.states[np.searchsorted(quotes.odd, begins)]]
    single = np.frombuffer(records, np.uint8).copy()
    single[begins] = ord(UNIT_SEPARATOR)
    rest = np.arange(1, len(dialect.delimiter))
    return np.delete(single, np.add.outer(begins, rest).ravel()).tobytes(), UNIT_SEPARATOR


def _as_marks(piece: bytes | memoryview, dialect: Dialect) -> np.ndarray:
    """The bytes of a piece as the state machine looks at them: escaped ones are neutral, delimiters of one kind."""
    data = _without_escaped(np.frombuffer(piece, np.uint8), dialect)
    if not dialect.has_long_delimiter:
        return data
    marked = np.where(data == ord(UNIT_SEPARATOR), np.uint8(_NEUTRAL), data)
    every = np.arange(len(dialect.delimiter))
    marked[np.add.outer(_delimiters(data, dialect), every).ravel()] = ord(UNIT_SEPARATOR)
    return marked


def _delimiters(data: np.ndarray, dialect: Dialect) -> np.ndarray:
    """Where the delimiters in data without escaped bytes begin."""
    found = re.finditer(re.escape(dialect.delimiter.encode()), data.tobytes())
    return np.fromiter((match.start() for match in found), np.int64)


def _quote_runs(data: np.ndarray, dialect: Dialect) -> tuple[np.ndarray, np.ndarray]:
    """Where each run of quotes begins, and how many it has."""
    quotes = np.flatnonzero(data == ord(dialect.quote)) if dialect.quote else np.empty(0, np.int64)
    first = np.flatnonzero(np.diff(quotes, prepend=-2) != 1)
    return quotes[first], np.diff(first, append=len(quotes))


def _start_fields(data: np.ndarray, runs: np.ndarray, before: int, dialect: Dialect) -> np.ndarray:
    """Whether each run of quotes follows a delimiter or a line end; `before` is the byte before the data."""
    return _separates(_previous(data, runs, before, dialect), dialect)


def _previous(data: np.ndarray, places: np.ndarray, before: int, dialect: Dialect) -> np.ndarray:
    """The byte before each place, with `skip_initial_space` before the blanks there; `before`: that before the data."""
    if dialect.skip_initial_space:
        others = np.flatnonzero(data != _BLANK)
        padded = np.concatenate(([before], data[others]))
        return padded[np.searchsorted(others, places)]
    previous = data[places - 1]
    if len(places) and places[0] == 0:
        previous[0] = before
    return previous


def _separates(data: np.ndarray, dialect: Dialect) -> np.ndarray:
    delimiter = UNIT_SEPARATOR if dialect.has_long_delimiter else dialect.delimiter
    return (data == ord(delimiter)) | _ends_line(data)


def _ends_line(data: np.ndarray) -> np.ndarray:
    return (data == LF) | (data == CR)


def _without_escaped(data: np.ndarray, dialect: Dialect) -> np.ndarray:
    """The data with each escaped byte neutral; escapes side by side escape each other in pairs."""
    if not dialect.escape:
        return data
    escapes = np.flatnonzero(data == ord(dialect.escape))
    first = np.flatnonzero(np.diff(escapes, prepend=-2) != 1)
    lengths = np.diff(first, append=len(escapes))
    escaped = (escapes[first] + lengths)[lengths & 1 == 1]
    data = data.copy()
    data[escaped[escaped < len(data)]] = _NEUTRAL
    return data


@dataclass
class Start:
    """One possible state before the first byte, and what it has become."""

    quoted: bool
    opened_at: int | None = None  # offset of the quote that opened the field open now; None if before the first byte


class Scanner:
    """Runs the state machine over consecutive pieces that together begin after a line end.

    Pieces may be cut anywhere: quotes, escapes and parts of a delimiter at a piece's end wait for the next one.
    """

    def __init__(self, dialect: Dialect, offset: int, *quoted: bool) -> None:
        """`offset`: of the first byte. `quoted`: the start states to follow, by default only outside quotes."""
        self.starts = [Start(state) for state in quoted or (False,)]
        self._dialect = dialect
        self._offset = offset
        self._before = LF
        self._waiting = b""
        delimiter = dialect.delimiter if dialect.has_long_delimiter else ""
        self._undecided = (dialect.quote + dialect.escape + delimiter).encode()  # at a piece's end they may go on

    def feed(self, piece: bytes) -> list[np.ndarray]:
        """For each start state the offsets of the record ends (LF or CR) that this piece has decided."""
        piece = self._waiting + piece
        decided = piece.rstrip(self._undecided) if self._undecided else piece
        self._waiting = piece[len(decided) :]
        return self._scan(decided)

    def finish(self) -> list[Start]:
        """The states after the last piece."""
        self._scan(self._waiting)
        self._waiting = b""
        return self.starts

    def _scan(self, piece: bytes) -> list[np.ndarray]:
        if not piece:
            return [np.empty(0, np.int64) for _ in self.starts]
        marks = find_marks(piece, self._before, self._dialect)
        ends = [self._advance(start, marks) for start in self.starts]
        self._before = marks.last
        self._offset += len(piece)
        return ends

    def _advance(self, start: Start, marks: Marks) -> np.ndarray:
        after = marks.quoted_after_runs(start.quoted)
        ends = marks.record_ends(start.quoted, after) + self._offset
        opening = np.flatnonzero(np.diff(after, prepend=start.quoted) & after)
        if len(opening):
            start.opened_at = int(marks.runs[opening[-1]]) + self._offset
        if len(after):
            start.quoted = bool(after[-1])
        return ends
