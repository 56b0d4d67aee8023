"""Decompresses an input file, and refuses one that gives more than is allowed: a few bytes can become terabytes.

What a file says of its own size is not asked, as it may be wrong: bytes are counted while they are read. Logs shrink to
a hundredth; gzip packs identical lines of 17 bytes or more to 1/413 at most, and bzip2 and zstd any number of identical
lines to far less. So a small file may be packed tightly, and a large one may not (`_FREE_BYTES`, `_MOST_TIMES`).

A reader parses what it gets much more slowly than a bomb unpacks. So where a piece of a file was packed that tightly,
the file is unpacked once without being parsed before any more of it is given.
"""

from __future__ import annotations

import bz2
import io
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import BinaryIO

import pyarrow as pa

from sluice.errors import InputError
from sluice.files.input_file import InputFile

_GIB = 1 << 30
_MOST_BYTES = 100 * _GIB
_FREE_BYTES = _GIB
_MOST_TIMES = 500
_PIECE_BYTES = 1 << 20
_WINDOW_BYTES = 4 << 20  # as much is judged at a time,
_TAKEN_BYTES = 8 << 10  # so a decompressor takes less of the file at a time than it would

Open = Callable[[], AbstractContextManager[BinaryIO]]


class Decompressed:
    """The bytes of a compressed file; all failures of its decompressor are OSErrors, as those of a file are.

    `open_again` opens the file anew, from its beginning.
    """

    def __init__(self, raw: BinaryIO, file: InputFile, open_again: Open | None = None) -> None:
        self._file, self._open_again = file, open_again
        self._packed = _Counted(raw)
        self._stream: bz2.BZ2File | pa.NativeFile = (
            bz2.BZ2File(self._packed)  # Arrow's stops at an empty stream within the file
            if file.compression == "bz2"
            else pa.CompressedInputStream(pa.PythonFile(self._packed, "r"), file.compression)
        )
        self._given, self._window = 0, (0, 0)  # the window's beginning: bytes given before it, and taken

    def read(self, size: int = -1, /) -> bytes:
        """Raises InputError once the file has given more than is allowed."""
        if size < 0:
            return b"".join(iter(lambda: self.read(_PIECE_BYTES), b""))
        try:
            piece = bytes(self._stream.read(size))
        except (EOFError, ValueError, pa.ArrowException) as error:
            raise OSError(str(error) or "it is cut short") from None
        self._given += len(piece)
        self._check()
        return piece

    def _check(self) -> None:
        most = self._file.max_decompressed or _MOST_BYTES
        if self._given > most:
            raise InputError(
                f"{self._file.uri}: decompresses to more than {shown_size(most)}: split it, or allow more with "
                "--max-decompressed"
            )
        if self._file.max_decompressed is None and self._given > max(_FREE_BYTES, _MOST_TIMES * self._packed.taken):
            raise InputError(
                f"{self._file.uri}: decompresses to more than {_MOST_TIMES} times its size, and to more than "
                f"{shown_size(_FREE_BYTES)}, as a file does that is made to fill disks: leave it out, or allow it "
                f"with --max-decompressed {shown_size(_MOST_BYTES)}"
            )
        if self._open_again and self._given - self._window[0] >= _WINDOW_BYTES:
            self._look_ahead(self._open_again)

    def _look_ahead(self, open_again: Open) -> None:
        given, taken = self._window
        if self._given - given > _MOST_TIMES * (self._packed.taken - taken):
            with open_again() as raw:
                ahead = Decompressed(raw, self._file)
                while ahead.read(_PIECE_BYTES):
                    pass
            self._open_again = None
        self._window = self._given, self._packed.taken


class _Counted(io.RawIOBase):
    """A file that counts the bytes taken of it, and gives few at a time."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw, self.taken = raw, 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        data = self._raw.read(_TAKEN_BYTES if size < 0 else min(size, _TAKEN_BYTES))
        self.taken += len(data)
        return data


def shown_size(size: int) -> str:
    """`100G`, `512M`, `1000`: a size as options take it."""
    for unit, bits in (("T", 40), ("G", 30), ("M", 20), ("K", 10)):
        if size >> bits << bits == size:
            return f"{size >> bits}{unit}"
    return str(size)
