"""Opens an input file at an offset, decompressed and in UTF-8 if it is UTF-16, and checks that it stays as it was.

A file that changes while it is read would give records of two versions, so that is an error instead. Local files are
compared by size and time before and after; S3 compares the etag itself.
"""

from __future__ import annotations

import codecs
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import BinaryIO, Protocol

from sluice.errors import InputError
from sluice.files.content import HEAD_BYTES, compression_of
from sluice.files.decompressing import Decompressed
from sluice.files.input_file import InputFile, changed, disappeared, modified_at
from sluice.files.root import check_opened
from sluice.files.s3.client import is_on_s3
from sluice.files.s3.inputs import open_object

_SKIP_BYTES = 1 << 20  # decompressed at a time on the way to an offset


class Stream(Protocol):
    """Bytes that are read once, from the beginning."""

    def read(self, size: int = -1, /) -> bytes: ...


def with_compression(file: InputFile) -> InputFile:
    """The file with how it is compressed, by its first bytes. Raises InputError as `open_input` does."""
    with open_input(replace(file, compression=None, utf16=None), 0, min(file.size, HEAD_BYTES)) as stream:
        return replace(file, compression=compression_of(file.uri, stream.read(HEAD_BYTES)))


@contextmanager
def open_input(file: InputFile, offset: int = 0, end: int | None = None) -> Iterator[Stream]:
    """The file's bytes from `offset`, decompressed, and in UTF-8 if the file is UTF-16.

    `end` only hints how far the caller will read, so S3 sends no more. Raises InputError if the file has disappeared,
    cannot be read, is cut short, has changed since it was found, or decompresses to more than is allowed.
    """
    try:
        with _open_raw(file, offset if file.seekable else 0, end if file.seekable else None) as raw:
            if file.seekable:
                yield raw
            else:
                stream = _unpacked(raw, file)
                _skip(stream, offset)
                yield stream
    except FileNotFoundError:
        if file.is_local and file.modified_at is None:
            raise InputError(f"{file.uri}: is a link to nothing: delete it, or restore what it links to") from None
        raise disappeared(file.uri) from None
    except OSError as error:
        reason = (error.strerror or str(error)).splitlines()[0]
        raise InputError(f"{file.uri}: cannot be read ({reason}): check that it is complete") from None


def _unpacked(raw: BinaryIO, file: InputFile) -> Stream:
    stream: Stream = raw
    if file.compression:
        stream = Decompressed(raw, file, lambda: _open_raw(file, 0, None))
    return _FromUtf16(stream, file.utf16) if file.utf16 else stream


class _FromUtf16:
    """UTF-16 as UTF-8. Half of a surrogate pair becomes bytes that are not UTF-8: its record becomes a reject."""

    def __init__(self, stream: Stream, encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
        self._ready = b""

    def read(self, size: int = -1, /) -> bytes:
        while size < 0 or len(self._ready) < size:
            piece = self._stream.read(size)
            self._ready += self._decode(piece)
            if not piece:
                break
        cut = len(self._ready) if size < 0 else size
        given, self._ready = self._ready[:cut], self._ready[cut:]
        return given

    def _decode(self, piece: bytes) -> bytes:
        try:
            return self._decoder.decode(piece, final=not piece).encode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            raise OSError("it ends in the middle of a character") from None


@contextmanager
def _open_raw(file: InputFile, offset: int, end: int | None) -> Iterator[BinaryIO]:
    if is_on_s3(file.uri):
        with open_object(file.uri, file.etag, offset, end) as stream:
            yield stream
        return
    with open(file.path, "rb", buffering=0, opener=_without_waiting) as stream:
        check_opened(file, stream)
        _check_unchanged(file, stream)
        stream.seek(offset)
        yield stream if file.size else io.BytesIO()  # in /proc there are files without a size that never end
        _check_unchanged(file, stream)


def _without_waiting(path: str, flags: int) -> int:
    """Opens a file; of a pipe that has come in its place this does not wait for a writer."""
    return os.open(path, flags | os.O_NONBLOCK)


def _check_unchanged(file: InputFile, stream: BinaryIO) -> None:
    status = os.fstat(stream.fileno())
    if (status.st_size, modified_at(status)) != (file.size, file.modified_at):
        raise changed(file.uri)
    if status.st_nlink == 0:  # deleted while it is open
        raise FileNotFoundError


def _skip(stream: Stream, count: int) -> None:
    while count and (skipped := stream.read(min(count, _SKIP_BYTES))):
        count -= len(skipped)
