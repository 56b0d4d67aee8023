"""Files in pieces: how much of one is held in memory at a time, its beginning, and pieces that hold whole lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from sluice.files.content import UTF8_MARK, compression_of, utf16_of
from sluice.files.input_file import InputFile
from sluice.files.reading import Stream, open_input
from sluice.readers.shared.encoding import LF

PIECE_BYTES = 1024 * 1024  # read and scanned at a time: small enough to stay in a processor's cache
_REST_BYTES = 64 * 1024  # read at a time behind a range, where only the end of its last line is missing


class Beginning(NamedTuple):
    """A file's first piece, decompressed and in UTF-8 if the file is UTF-16, and where its text begins in it.

    `marked`: whether a byte order mark says that the file is UTF-8 or UTF-16, whatever encoding others are of.
    `file` is the file with what its beginning says of it.
    """

    file: InputFile
    piece: bytes
    begin: int
    marked: bool


def beginning(file: InputFile) -> Beginning:
    """Reads a file's beginning; the piece of an empty file is empty.

    Raises InputError for a file that cannot be read, is packed otherwise than by gzip, bzip2 or zstd, or is UTF-32 or
    UTF-16 without a mark.
    """
    piece = _first_piece(replace(file, compression=None, utf16=None))
    file = replace(file, compression=compression_of(file.uri, piece), utf16=None)
    if file.compression:
        piece = _first_piece(file)
    if utf16 := utf16_of(file.uri, piece):
        file = replace(file, utf16=utf16)
        piece = _first_piece(file)
    begin = 0
    while piece.startswith(UTF8_MARK, begin):  # tools that join files or convert them twice write several
        begin += len(UTF8_MARK)
    return Beginning(file, piece, begin, begin > 0)


def _first_piece(file: InputFile) -> bytes:
    with open_input(file, 0, min(file.size, PIECE_BYTES)) as stream:
        return stream.read(PIECE_BYTES)


def pieces_of_lines(stream: Stream, offset: int, end: int, *, skip_line: bool) -> Iterator[tuple[int, bytes]]:
    """The lines that begin before `end`, in consecutive pieces, each with its offset in the file.

    The stream is at `offset`. With `skip_line` the first line is left out: it began in the range before. The last line
    is read to its end, though that is behind `end`.
    """
    while piece := stream.read(min(PIECE_BYTES, end - offset) if offset < end else _REST_BYTES):
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
