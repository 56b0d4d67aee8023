"""Opens an input file at an offset, decompressed, and checks that it stays as it was when it was found.

A file that changes while it is read would give records of two versions, so that is an error instead. Local files are
compared by size and time before and after; S3 compares the etag itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO
from urllib.parse import unquote_to_bytes, urlsplit

import pyarrow as pa

from sluice.errors import InputError
from sluice.files import s3
from sluice.files.input_file import InputFile, changed, disappeared, modified_at

_SKIP_BYTES = 1 << 20  # decompressed at a time on the way to an offset


@contextmanager
def open_input(file: InputFile, offset: int = 0, end: int | None = None) -> Iterator[BinaryIO]:
    """The file's decompressed bytes from `offset`; `end` only hints how far the caller will read, so S3 sends no more.

    Raises InputError if the file has disappeared, cannot be read, is cut short, or has changed since it was found.
    """
    try:
        with _open_raw(file, 0 if file.compression else offset, end) as raw:
            if file.compression is None:
                yield raw
            else:
                stream = pa.CompressedInputStream(pa.PythonFile(raw, "r"), file.compression)
                _skip(stream, offset)
                yield stream
    except FileNotFoundError:
        if file.is_local and file.modified_at is None:
            raise InputError(f"{file.uri}: is a link to nothing: delete it, or restore what it links to") from None
        raise disappeared(file.uri) from None
    except OSError as error:
        reason = (error.strerror or str(error)).splitlines()[0]
        raise InputError(f"{file.uri}: cannot be read ({reason}): check that it is complete") from None


@contextmanager
def _open_raw(file: InputFile, offset: int, end: int | None) -> Iterator[BinaryIO]:
    if urlsplit(file.uri).scheme in s3.SCHEMES:
        with s3.open_object(file.uri, file.etag, offset, end) as stream:
            yield stream
        return
    with open(unquote_to_bytes(urlsplit(file.uri).path), "rb", buffering=0) as stream:
        _check_unchanged(file, stream)
        stream.seek(offset)
        yield stream
        _check_unchanged(file, stream)


def _check_unchanged(file: InputFile, stream: BinaryIO) -> None:
    status = os.fstat(stream.fileno())
    if (status.st_size, modified_at(status)) != (file.size, file.modified_at):
        raise changed(file.uri)
    if status.st_nlink == 0:  # deleted while it is open
        raise FileNotFoundError


def _skip(stream: pa.NativeFile, count: int) -> None:
    while count and (skipped := stream.read(min(count, _SKIP_BYTES))):
        count -= len(skipped)
