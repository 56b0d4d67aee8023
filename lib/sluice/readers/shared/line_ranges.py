"""Files of lines cut into byte ranges, for workers to read; a line is of the range that it begins in."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import BinaryIO

from sluice.files import find as files
from sluice.readers.shared import encoding
from sluice.readers.shared.encoding import LF
from sluice.readers.shared.in_spark import Range, Source


def cut(sources: Sequence[Source], size: int) -> list[Range]:
    """Each file in ranges of about `size` bytes; a compressed one in one range."""
    ranges = []
    for number, source in enumerate(sources):
        if source.file.compression:
            ranges.append(Range(number, source, source.begin, None))
        else:
            edges = edges_of(source.begin, source.file.size, size)
            ranges.extend(Range(number, source, begin, end) for begin, end in edges)
    return ranges


def pieces(part: Range) -> Iterator[tuple[int, bytes]]:
    """The lines of the range in consecutive pieces, each with its offset; raises InputError where it cannot be read."""
    begin, first = part.begin, part.begin == part.source.begin
    end = sys.maxsize if part.end is None else part.end
    with files.reading(part.source.file, begin - (not first)) as stream:
        yield from whole_lines(stream, begin if first else begin - 1, end, skip_line=not first)


def whole_lines(stream: BinaryIO, offset: int, end: int, *, skip_line: bool) -> Iterator[tuple[int, bytes]]:
    """Pieces of the stream with their offsets: from the first line that begins in the range to its last line's end."""
    while piece := stream.read(min(encoding.PIECE_BYTES, end - offset) if offset < end else 64 * 1024):
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


def edges_of(begin: int, end: int, size: int) -> list[tuple[int, int]]:
    """`begin`…`end` in ranges of `size` bytes, the last one up to twice as long."""
    edges = [*range(begin, max(end - size, begin) + 1, size), end]
    return list(pairwise(edges))
