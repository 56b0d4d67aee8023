"""Samples of files: bytes from the beginning, from places in between and from the end; never all of a large file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sluice.errors import InputError
from sluice.files.input_file import InputFile
from sluice.files.reading import open_input
from sluice.readers.shared import pieces

_RUN_BYTES = 2 << 20  # of all files together: what is looked at in a third of a second
_MOST_FILES = 16
_PLACES = 8  # in a file that is not read whole: its beginning, its end, and six in between
_LEAST_BYTES = 128 << 10  # at a place
_LINE_END = re.compile(rb"\r\n|\r|\n")
_CONTROLS = bytes({*range(9), *range(14, 32)} - {1, 0x1B, 0x1E, 0x1F})  # some of them separate fields
_MOST_CONTROLS = 0.02  # of a text's bytes
_FEW_CONTROLS = 8  # spoil a record or two, not the file


@dataclass(frozen=True)
class FileSample:
    """Bytes of a file, in UTF-8 if a byte order mark says that it is UTF-8 or UTF-16 (`marked`).

    `beginning` ends with a line end; `others` are from further on, and each begins after one: perhaps within quotes.
    `whole`: the beginning is all of the file.
    """

    file: InputFile
    beginning: bytes
    others: tuple[bytes, ...]
    whole: bool
    marked: bool

    @property
    def pieces(self) -> tuple[bytes, ...]:
        return (self.beginning, *self.others)


def take_samples(files: Sequence[InputFile]) -> list[FileSample]:
    """Samples of the files; of more than sixteen, of as many evenly among them, the first and the last included.

    Raises InputError for a file that cannot be read, is empty or is not text.
    """
    count = min(len(files), _MOST_FILES)
    chosen = [files[round(i * (len(files) - 1) / max(count - 1, 1))] for i in range(count)]
    return [_take(file, max(_RUN_BYTES // count, _LEAST_BYTES)) for file in chosen]


def _take(file: InputFile, most: int) -> FileSample:
    file, piece, begin, marked = pieces.beginning(file)
    if not piece[begin:].strip():
        raise InputError(f"{file.uri}: the file is empty: draft from one that has records, or at least a header")
    _refuse_binary(file, piece)
    others: tuple[bytes, ...] = ()
    if not file.seekable:
        whole = len(piece) < pieces.PIECE_BYTES
    elif whole := file.size <= most:
        piece = piece if len(piece) == file.size else _read(file, 0, most)
    else:
        size = max(most // 4, _LEAST_BYTES)
        piece, others = piece[:size], _others(file, size, most - size)
    return FileSample(file, _lines(file, piece[begin:], whole), others, whole, marked)


def _lines(file: InputFile, piece: bytes, whole: bool) -> bytes:
    """The lines of a file's first piece. Raises InputError where not even one ends in it."""
    if whole:
        return _with_line_end(piece)
    if not (cut := _cut(piece)):
        raise InputError(f"{file.uri}: its first {len(piece):,} bytes have no line end: draft from a file of records")
    return cut


def _others(file: InputFile, begin: int, most: int) -> tuple[bytes, ...]:
    """Pieces at even distances behind the beginning; the last one is the file's end."""
    size = min(max(most // (_PLACES - 1), _LEAST_BYTES), file.size - begin)
    count = min(_PLACES - 1, (file.size - begin) // size)
    last = file.size - size
    offsets = [last - round((last - begin) * i / count) for i in reversed(range(count))]
    taken = [_after_line_end(_read(file, offset, size)) for offset in offsets]
    cut = [*map(_cut, taken[:-1]), _with_line_end(taken[-1])]
    return tuple(piece for piece in cut if piece.strip())


def _read(file: InputFile, offset: int, size: int) -> bytes:
    with open_input(file, offset, min(offset + size, file.size)) as stream:
        return stream.read(size)


def _refuse_binary(file: InputFile, piece: bytes) -> None:
    head = piece[: 64 << 10]
    if len(head) - len(head.translate(None, _CONTROLS)) > max(_MOST_CONTROLS * len(head), _FEW_CONTROLS):
        raise InputError(f"{file.uri}: is not text: give CSV, or JSON with an object a line")


def _after_line_end(piece: bytes) -> bytes:
    line_end = _LINE_END.search(piece)
    return piece[line_end.end() :] if line_end else b""


def _cut(piece: bytes) -> bytes:
    """A piece up to its last line end."""
    return piece[: max(piece.rfind(b"\n"), piece.rfind(b"\r")) + 1]


def _with_line_end(piece: bytes) -> bytes:
    return piece if piece.endswith((b"\n", b"\r")) else piece + b"\n"
