"""Files in pieces: how much of one is held in memory at a time, its first piece, and pieces that hold whole lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from sluice.files.input_file import InputFile
from sluice.files.reading import open_input
from sluice.readers.shared.encoding import LF

PIECE_BYTES = 1024 * 1024  # read and scanned at a time: small enough to stay in a processor's cache
_REST_BYTES = 64 * 1024  # read at a time behind a range, where only the end of its last line is missing
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def first_piece(file: InputFile) -> tuple[bytes, int]:
    """The file's first piece, decompressed, and where its text begins: after a byte order mark.

    The piece of an empty file is empty. Raises InputError for a file that cannot be read.
    """
    with open_input(file, 0, min(file.size, PIECE_BYTES)) as stream:
        piece = stream.read(PIECE_BYTES)
    return piece, len(_BYTE_ORDER_MARK) if piece.startswith(_BYTE_ORDER_MARK) else 0


def pieces_of_lines(stream: BinaryIO, offset: int, end: int, *, skip_line: bool) -> Iterator[tuple[int, bytes]]:
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
