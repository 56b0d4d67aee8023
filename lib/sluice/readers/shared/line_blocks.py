"""Files of lines in blocks of whole ones, and where the lines of a block begin and end; plain Python, no Spark."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from sluice.readers.shared.encoding import CR, LF

_IS_TEXT = np.ones(256, bool)
_IS_TEXT[list(b" \t\n\r\f\v")] = False


class Block(NamedTuple):
    """Whole lines, the first at byte `offset` of the file; or the beginning of one line that is `too_long`."""

    offset: int
    data: bytes
    too_long: bool = False


def blocks(pieces: Iterable[tuple[int, bytes]], max_line_bytes: int) -> Iterator[Block]:
    """Blocks of consecutive pieces of a file, each with its offset; the first piece begins a line.

    Of a line that no piece ends and that is longer than allowed the rest is not held. Lines within one piece may be as
    long as that: who reads a block looks at their lengths.
    """
    carry, long = b"", False
    for at, piece in pieces:
        offset, data = at - len(carry), carry + piece
        if long:  # a line that was told to be too long goes on
            begin = data.find(b"\n") + 1
            long, carry = not begin, b""
            offset, data = offset + begin, data[begin:]
            if long:
                continue
        whole = data.rfind(b"\n") + 1
        if whole:
            yield Block(offset, data[:whole])
        carry = data[whole:]
        if long := len(carry) > max_line_bytes:
            yield Block(offset + whole, carry, too_long=True)
            carry = b""
    if carry:
        yield Block(at + len(piece) - len(carry), carry)


@dataclass(frozen=True)
class Lines:
    """Where the lines of a block begin and end that are not empty."""

    starts: np.ndarray
    ends: np.ndarray

    @classmethod
    def of(cls, block: bytes) -> Lines:
        data = np.frombuffer(block, np.uint8)
        ends = np.flatnonzero(data == LF)
        if not block.endswith(b"\n"):
            ends = np.append(ends, len(data))
        starts = np.concatenate(([0], ends[:-1] + 1)) if len(ends) else ends
        filled = (ends > starts) & ~((ends == starts + 1) & (data[np.minimum(starts, len(data) - 1)] == CR))
        return cls(starts[filled], ends[filled])

    def __len__(self) -> int:
        return len(self.starts)

    def where(self, chosen: np.ndarray) -> Lines:
        """Some of the lines, by a mask or by their numbers."""
        return Lines(self.starts[chosen], self.ends[chosen])

    def without_cr(self, block: bytes) -> Lines:
        """The lines without the CR at their ends."""
        return Lines(self.starts, self.ends - (np.frombuffer(block, np.uint8)[self.ends - 1] == CR))

    def filled(self, block: bytes) -> np.ndarray:
        """Which of all the lines have more than white space."""
        if not len(self):
            return np.empty(0, bool)
        # what lies between two lines are empty ones
        return np.logical_or.reduceat(_IS_TEXT[np.frombuffer(block, np.uint8)], self.starts)

    def cut_from(self, block: bytes) -> list[bytes]:
        """The lines themselves."""
        return [block[start:end] for start, end in zip(self.starts.tolist(), self.ends.tolist(), strict=True)]

    def texts(self, block: bytes) -> pa.StringArray:
        """The lines of a block of UTF-8."""
        edges = np.zeros(len(block) + 1, np.int8)
        edges[self.starts] = 1
        edges[self.ends] -= 1
        data = np.frombuffer(block, np.uint8)[np.cumsum(edges[:-1], dtype=np.int8).view(bool)]
        offsets = np.concatenate(([0], np.cumsum(self.ends - self.starts))).astype(np.int32)
        return pa.StringArray.from_buffers(len(self), pa.py_buffer(offsets), pa.py_buffer(data))
