"""The text of a listing, of any tool and system, into processes and rejects; plain Python, no Spark.

A file is not said to be of a tool: its header is recognised, by each family in turn, and gives the layout of the lines
below it. Every line is tried as a header, for a file may hold several listings, and `ps` may repeat its header. Lines
before the first header (a prompt, a date) are skipped.

The byte offset of each line is kept beside its text, for positions: the text is decoded as a whole, so that line ends
are found in UTF-16 too, and the lines' sizes are added up in the file's encoding.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple, Protocol

from sluice.errors import InputError
from sluice.readers.processes import csv, ps, tasklist, wmic
from sluice.readers.processes.row import Process, checked
from sluice.readers.shared.records import NotARecord, raw_text, unexpected


class ListingLayout(Protocol):
    """What a header says of the lines below it; `unknown` are columns that no column of the table comes from."""

    @property
    def unknown(self) -> tuple[str, ...]: ...

    def record(self, lines: Sequence[str], at: int) -> tuple[Process | None, int]:
        """The process of the record that begins at a line (None: it is blank), and the line after it.

        Raises NotARecord for a line that is not a process of this layout.
        """
        ...


# each gives the layout that a line is the header of, and the line after it; None for any other line
_HEADERS: tuple[Callable[[Sequence[str], int], tuple[ListingLayout, int] | None], ...] = (
    tasklist.header,
    csv.header,
    wmic.header,
    ps.header,
)
_MARKS = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"\xef\xbb\xbf", "utf-8"))
_MOST_CHARACTERS = 1 << 20  # of a line: Linux itself allows a command of a few hundred thousand, ps shows less
_LINE_ENDS = re.compile("\r*\n|\r+")


def parse_listing(data: bytes, encoding: str) -> Iterator[tuple[int, Process | str, str | None]]:
    """For each record below the first header: its byte offset, and its process, or why it is a reject and its text.

    A file with a byte order mark is decoded by that, any other by `encoding`. Raises InputError if there is no header.
    """
    text = _decode(data, encoding)
    layout: ListingLayout | None = None
    at = 0
    while at < len(text.lines):
        if header := _header(text.lines, at):
            layout, at = header
        elif layout is None:
            at += 1
        else:
            begin = at
            outcome, at = _record(layout, text, begin)
            if isinstance(outcome, Process):
                yield text.begins[begin], outcome, None
            elif outcome:
                yield text.begins[begin], outcome, raw_text(data[text.begins[begin] : text.ends[at - 1]], text.encoding)
    if layout is None:
        if any(map(tasklist.lacks_header, text.lines)):
            raise InputError("it looks like the output of tasklist /nh, whose columns no header tells: leave out /nh")
        raise InputError(
            "it has no header of a process listing (ps, tasklist, wmic, Get-Process or Get-CimInstance as CSV): check "
            "the file, or name its --encoding"
        )


def unknown_columns(data: bytes, encoding: str) -> tuple[str, ...]:
    """The columns of the first header that no column of the table comes from; () without a header."""
    lines = _decode(data, encoding).lines
    found = next((found for at in range(len(lines)) if (found := _header(lines, at))), None)
    return found[0].unknown if found else ()


def _header(lines: Sequence[str], at: int) -> tuple[ListingLayout, int] | None:
    if len(lines[at]) > _MOST_CHARACTERS:
        return None
    return next((layout_and_next for header in _HEADERS if (layout_and_next := header(lines, at))), None)


def _record(layout: ListingLayout, text: _Text, begin: int) -> tuple[Process | str | None, int]:
    """The outcome of the record at a line (a process, why it is a reject, None: blank), and the line after it."""
    outcome: Process | str | None
    if len(text.lines[begin]) > _MOST_CHARACTERS:
        return f"the line is longer than {_MOST_CHARACTERS} characters", begin + 1
    try:
        process, after = layout.record(text.lines, begin)
        outcome = process and checked(process)
    except NotARecord as error:
        outcome, after = str(error), begin + 1
    except Exception as error:
        outcome, after = unexpected(error), begin + 1
    if outcome and text.has_undecodable(begin, after):
        return f"bytes that are not {text.encoding}: name the file's --encoding, such as cp850, cp866 or cp932", after
    return outcome, after


class _Text(NamedTuple):
    """The lines of a file, where in the file each begins and ends, in bytes, and their encoding."""

    lines: list[str]
    begins: list[int]
    ends: list[int]
    encoding: str

    def has_undecodable(self, begin: int, after: int) -> bool:
        """Whether lines hold bytes that are not of the encoding, which `surrogateescape` has put into the text."""
        return any("\udc80" <= character <= "\udcff" for character in "".join(self.lines[begin:after]))


def _decode(data: bytes, encoding: str) -> _Text:
    mark, codec = next(((mark, codec) for mark, codec in _MARKS if data.startswith(mark)), (b"", encoding))
    wide = codec.startswith("utf-16")
    body = data[len(mark) : len(data) - (len(data) % 2 if wide else 0)]
    text = body.decode(codec, "surrogatepass" if wide else "surrogateescape")
    lines, begins, last = [], [], 0
    for line_end in _LINE_ENDS.finditer(text):
        lines.append(text[last : line_end.start()])
        begins.append(last)
        last = line_end.end()
    if last < len(text):
        lines.append(text[last:])
        begins.append(last)
    sizes = [_size(text[a:b], codec) for a, b in zip(begins, [*begins[1:], len(text)], strict=False)]
    offsets = [len(mark) + place for place in accumulate(sizes, initial=0)][: len(lines)]
    ends = [offset + _size(line, codec) for offset, line in zip(offsets, lines, strict=True)]
    return _Text(lines, offsets, ends, codec)


def _size(text: str, codec: str) -> int:
    """The bytes of a text in the file."""
    if codec.startswith("utf-16"):
        return len(text.encode(codec, "surrogatepass"))
    return len(text) if text.isascii() else len(text.encode(codec, "surrogateescape"))
