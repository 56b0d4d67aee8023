"""Files cut into byte ranges that workers read side by side, where every newline ends a record.

Ranges are cut at round offsets, anywhere in a line. A line belongs to the range that it begins in: a range's reader
skips the line that was cut at its beginning, and reads its own last line to the end. To see whether a line begins
exactly at the cut it starts one byte earlier.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise

from sluice.errors import InputError
from sluice.files.reading import open_input
from sluice.readers.shared.in_spark import Range
from sluice.readers.shared.opening import Source
from sluice.readers.shared.pieces import pieces_of_lines


def refuse_lone_cr(uri: str, piece: bytes) -> None:
    """Raises InputError for a file whose lines end with CR alone: it would be one line."""
    if b"\r" in piece.rstrip(b"\r") and b"\n" not in piece:
        raise InputError(f"{uri}: its lines end with CR alone: convert them first (tr '\\r' '\\n')")


def line_ranges(sources: Sequence[Source], size: int) -> list[Range]:
    """Each file in ranges of about `size` bytes; one that cannot be read from the middle in one."""
    ranges: list[Range] = []
    for number, source in enumerate(sources):
        if source.file.seekable:
            bounds = even_ranges(source.begin, source.file.size, size)
            ranges.extend(Range(number, source, begin, end) for begin, end in bounds)
        else:
            ranges.append(Range(number, source, source.begin, None))
    return ranges


def even_ranges(begin: int, end: int, size: int) -> list[tuple[int, int]]:
    """`begin`…`end` in ranges of `size` bytes; the last one takes the rest and is up to twice as long."""
    edges = [*range(begin, max(end - size, begin) + 1, size), end]
    return list(pairwise(edges))


def read_lines(part: Range) -> Iterator[tuple[int, bytes]]:
    """The lines of a range in consecutive pieces, each with its offset. Raises InputError where it cannot be read."""
    is_first = part.begin == part.source.begin
    offset = part.begin if is_first else part.begin - 1
    end = sys.maxsize if part.end is None else part.end
    with open_input(part.source.file, offset) as stream:
        yield from pieces_of_lines(stream, offset, end, skip_line=not is_first)
