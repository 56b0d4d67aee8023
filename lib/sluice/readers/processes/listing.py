"""The text of a snapshot file, of any system, into processes and rejects; plain Python, no Spark."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Protocol

from sluice.errors import InputError
from sluice.readers.processes import csv as process_csv
from sluice.readers.processes import ps, tasklist, wmic
from sluice.readers.processes.row import Process, Unfit
from sluice.readers.shared.records import raw_text


class Layout(Protocol):
    """What a header tells of the lines below it."""

    def record(self, lines: Sequence[str], at: int) -> tuple[Process | None, int]:
        """The process of the record that begins at a line, none of a blank one, and the line after it. Raises Unfit."""
        ...


_FAMILIES: tuple[Callable[[Sequence[str], int], tuple[Layout, int] | None], ...] = (
    tasklist.header,
    process_csv.header,
    wmic.header,
    ps.header,
)
_MARKS = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"\xef\xbb\xbf", "utf-8"))
_LINE_ENDS = re.compile("\r*\n|\r+")


def parse(data: bytes, encoding: str) -> Iterator[tuple[int, Process | str, str | None]]:
    """For each record below the first header its byte offset, its process or why it is none, and then its raw text.

    A byte order mark tells the encoding, else `encoding` does. Raises InputError if there is no header of any listing.
    """
    lines, offsets, ends, codec = _lines(data, encoding)
    layout: Layout | None = None
    at = 0
    while at < len(lines):
        found = next((found for header in _FAMILIES if (found := header(lines, at))), None)
        if found:
            layout, at = found
            continue
        if layout is None:
            at += 1
            continue
        begin = at
        try:
            process, at = layout.record(lines, at)
            if process and any("\udc80" <= character <= "\udcff" for character in "".join(lines[begin:at])):
                raise Unfit(f"bytes that are not {codec}: name the file's --encoding")
            outcome: Process | str | None = process
        except Unfit as error:
            outcome, at = str(error), max(at, begin + 1)
        if outcome:
            raw = None if isinstance(outcome, Process) else raw_text(data[offsets[begin] : ends[at - 1]], codec)
            yield offsets[begin], outcome, raw
    if layout is None:
        raise InputError(
            "no header of a process listing in it (ps, tasklist, wmic, Get-Process or Get-CimInstance as CSV): check "
            "the file, or name its --encoding"
        )


def _lines(data: bytes, encoding: str) -> tuple[list[str], list[int], list[int], str]:
    """The lines of a file, where in it each begins and ends, and the encoding they are in."""
    mark, codec = next(((mark, codec) for mark, codec in _MARKS if data.startswith(mark)), (b"", encoding))
    wide = codec.startswith("utf-16")
    body = data[len(mark) : len(data) - (len(data) % 2 if wide else 0)]
    text = body.decode(codec, "surrogatepass" if wide else "surrogateescape")
    lines, begins, ends, last = [], [], [], 0
    for found in _LINE_ENDS.finditer(text):
        lines.append(text[last : found.start()])
        begins.append(last)
        ends.append(found.start())
        last = found.end()
    if last < len(text):
        lines.append(text[last:])
        begins.append(last)
        ends.append(len(text))
    sizes = [_size(text[a:b], codec) for a, b in zip(begins, [*begins[1:], len(text)], strict=False)]
    starts = [len(mark) + place for place in accumulate(sizes, initial=0)][: len(lines)]
    stops = [start + _size(line, codec) for start, line in zip(starts, lines, strict=True)]
    return lines, starts, stops, codec


def _size(text: str, codec: str) -> int:
    if codec.startswith("utf-16"):
        return len(text.encode(codec, "surrogatepass"))
    return len(text) if text.isascii() else len(text.encode(codec, "surrogateescape"))
