"""Files of lines: cut into byte ranges, and each range into blocks of whole lines."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from sluice import files
from sluice.input_file import InputFile
from sluice.readers import csv_ranges, csv_scan
from sluice.readers.in_spark import Range

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
HEAD_LINES = 1000  # of a file, by which it is told what it is


def head_of(file: InputFile) -> tuple[bytes, int]:
    """A file's beginning, and where its first line begins: after a byte order mark."""
    with files.reading(file, 0, min(file.size, csv_scan.PIECE_BYTES)) as stream:
        head = stream.read(csv_scan.PIECE_BYTES)
    return head, len(BYTE_ORDER_MARK) if head.startswith(BYTE_ORDER_MARK) else 0


def ranges(sources: Sequence[Any], size: int) -> Iterator[Range]:
    """Ranges of about `size` bytes; one for a file that is compressed."""
    for number, source in enumerate(sources):
        if source.file.compression:
            yield Range(number, source, source.begin, None)
        else:
            for begin, end in csv_ranges.cut(source.begin, source.file.size, size):
                yield Range(number, source, begin, end)


@contextmanager
def pieces(part: Range) -> Iterator[Iterator[tuple[int, bytes]]]:
    """Pieces, with their offsets, of the lines that begin in a range."""
    begin, first = part.begin, part.begin == part.source.begin
    end = sys.maxsize if part.end is None else part.end
    with files.reading(part.source.file, begin - (not first)) as stream:
        yield csv_ranges.whole_lines(stream, begin if first else begin - 1, end, skip_line=not first)


@dataclass(frozen=True)
class Block:
    """Whole lines from a byte offset on; or, `too_long`, the beginning of a line that is longer than allowed."""

    offset: int
    data: bytes
    too_long: bool = False


def blocks(pieces: Iterable[tuple[int, bytes]], max_bytes: int) -> Iterator[Block]:
    """The lines of consecutive pieces, each with its offset; the first begins a line.

    A line that does not fit into a piece and is longer than `max_bytes` is told once, without holding it.
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
        if long := len(carry) > max_bytes:
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
        ends = np.flatnonzero(data == ord("\n"))
        if not block.endswith(b"\n"):
            ends = np.append(ends, len(data))
        starts = np.concatenate(([0], ends[:-1] + 1)) if len(ends) else ends
        filled = (ends > starts) & ~((ends == starts + 1) & (data[np.minimum(starts, len(data) - 1)] == ord("\r")))
        return cls(starts[filled], ends[filled])
