"""Lines of a file, many at once: blocks of whole lines, and where each line of a block begins and ends.

A file is read in pieces that end anywhere (`pieces`). `line_blocks` makes blocks of whole lines of them: what a piece
leaves of a line is carried over to the next. In a block numpy finds all line ends at once (`LineSpans`), so a parser
works on offsets and makes text of a line only where it must. Lines are numbered from 0 in the order of the block; empty
ones have no number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from sluice.readers.shared.encoding import CR, LF

_IS_TEXT = np.ones(256, bool)
_IS_TEXT[list(b" \t\n\r\f\v")] = False


class LineBlock(NamedTuple):
    """Whole lines, the first at byte `offset` of the file; or the beginning of one line that is `too_long`."""

    offset: int
    data: bytes
    too_long: bool = False


def line_blocks(pieces: Iterable[tuple[int, bytes]], max_line_bytes: int) -> Iterator[LineBlock]:
    """Blocks of consecutive pieces of a file, each given with its offset; the first piece begins a line.

    A line that is longer than allowed and that no piece ends is given as `too_long`, and the rest of it is skipped. A
    line within one piece may be longer too, up to the piece: the reader of a block checks the lengths.
    """
    carry, skipping = b"", False
    for at, piece in pieces:
        offset, data = at - len(carry), carry + piece
        if skipping:
            begin = data.find(b"\n") + 1
            skipping, carry = not begin, b""
            offset, data = offset + begin, data[begin:]
            if skipping:
                continue
        end = data.rfind(b"\n") + 1
        if end:
            yield LineBlock(offset, data[:end])
        carry = data[end:]
        if skipping := len(carry) > max_line_bytes:
            yield LineBlock(offset + end, carry, too_long=True)
            carry = b""
    if carry:
        yield LineBlock(at + len(piece) - len(carry), carry)


@dataclass(frozen=True)
class LineSpans:
    """Where lines of a block begin and end (before the LF); offsets are relative to the block."""

    starts: np.ndarray
    ends: np.ndarray

    @classmethod
    def of(cls, block: bytes) -> LineSpans:
        """All lines of a block that are not empty; an empty line may have a CR."""
        if not block:
            return cls(np.empty(0, np.int64), np.empty(0, np.int64))
        data = np.frombuffer(block, np.uint8)
        ends = np.flatnonzero(data == LF)
        if not block.endswith(b"\n"):
            ends = np.append(ends, len(data))
        starts = np.concatenate(([0], ends[:-1] + 1))
        is_lone_cr = (ends == starts + 1) & (data[starts] == CR)
        filled = (ends > starts) & ~is_lone_cr
        return cls(starts[filled], ends[filled])

    def __len__(self) -> int:
        return len(self.starts)

    def where(self, chosen: np.ndarray) -> LineSpans:
        """Some of the lines, by a mask or by their numbers."""
        return LineSpans(self.starts[chosen], self.ends[chosen])

    def numbers_at(self, places: np.ndarray) -> np.ndarray:
        """The numbers of the lines that hold these offsets; offsets between lines are in none."""
        numbers = np.searchsorted(self.starts, places, "right") - 1
        behind_a_start = numbers >= 0
        places, numbers = places[behind_a_start], numbers[behind_a_start]
        return np.unique(numbers[places < self.ends[numbers]])

    def without_cr(self, block: bytes) -> LineSpans:
        """The lines without the CR at their ends."""
        return LineSpans(self.starts, self.ends - (np.frombuffer(block, np.uint8)[self.ends - 1] == CR))

    def have_text(self, block: bytes) -> np.ndarray:
        """Which of all the lines of the block hold more than white space."""
        if not len(self):
            return np.empty(0, bool)
        # reduceat takes each line up to the next one's start: what lies between are empty lines
        return np.logical_or.reduceat(_IS_TEXT[np.frombuffer(block, np.uint8)], self.starts)

    def cut_from(self, block: bytes) -> list[bytes]:
        """The bytes of each line."""
        return [block[start:end] for start, end in zip(self.starts.tolist(), self.ends.tolist(), strict=True)]

    def texts(self, block: bytes) -> pa.StringArray:
        """The lines of a block of UTF-8 as text, copied all at once."""
        edges = np.zeros(len(block) + 1, np.int8)
        edges[self.starts] = 1
        edges[self.ends] -= 1
        in_a_line = np.cumsum(edges[:-1], dtype=np.int8).view(bool)
        data = np.frombuffer(block, np.uint8)[in_a_line]
        offsets = np.concatenate(([0], np.cumsum(self.ends - self.starts))).astype(np.int32)
        return pa.StringArray.from_buffers(len(self), pa.py_buffer(offsets), pa.py_buffer(data))
