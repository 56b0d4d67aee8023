"""Files of lines cut into byte ranges, for workers to read; a line is of the range that it begins in."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from sluice.files import find as files
from sluice.readers.csv import ranges as csv_ranges
from sluice.readers.shared.in_spark import Range, Source


def cut(sources: Sequence[Source], size: int) -> list[Range]:
    """Each file in ranges of about `size` bytes; a compressed one in one range."""
    ranges = []
    for number, source in enumerate(sources):
        if source.file.compression:
            ranges.append(Range(number, source, source.begin, None))
        else:
            edges = csv_ranges.cut(source.begin, source.file.size, size)
            ranges.extend(Range(number, source, begin, end) for begin, end in edges)
    return ranges


def pieces(part: Range) -> Iterator[tuple[int, bytes]]:
    """The lines of the range in consecutive pieces, each with its offset; raises InputError where it cannot be read."""
    begin, first = part.begin, part.begin == part.source.begin
    end = sys.maxsize if part.end is None else part.end
    with files.reading(part.source.file, begin - (not first)) as stream:
        yield from csv_ranges.whole_lines(stream, begin if first else begin - 1, end, skip_line=not first)
