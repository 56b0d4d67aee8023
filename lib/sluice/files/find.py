"""Input files on local disk or S3: found, told apart, opened at an offset, and watched for changes."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, unquote_to_bytes, urlsplit

import pyarrow as pa

from sluice.errors import InputError, UsageError
from sluice.files import s3
from sluice.files.input_file import InputFile, is_hidden

_S3_SCHEMES = ("s3", "s3a")


def find(inputs: Iterable[str]) -> list[InputFile]:
    """The files of paths, folders, globs and URIs, each once, in order of their paths.

    Folders are read recursively without names that begin with `.` or `_`. A path that is not there raises InputError;
    a folder without files or a glob without matches gives none.
    """
    found: dict[str, InputFile] = {}
    for text in inputs:
        scheme = urlsplit(text).scheme if "://" in text else ""
        if scheme in _S3_SCHEMES:
            files = s3.find(text)
        elif scheme in ("", "file"):
            local = unquote("/" + text.removeprefix("file://").partition("/")[2]) if scheme else text
            files = list(_find_local(local, text))
        else:
            raise UsageError(f"{text}: {scheme}:// is not read here: give a path, file:// or s3a://")
        found.update((file.uri, file) for file in files)
    return sorted(found.values(), key=lambda file: file.path)


def _find_local(path: str, text: str) -> Iterator[InputFile]:
    path = os.path.abspath(os.path.expanduser(path))
    if os.path.isdir(path):
        yield from _walk(path)
    elif os.path.exists(path):
        yield _describe(path)
    elif glob.has_magic(path):
        fixed = len(os.path.dirname(path[: re.search(r"[*?\[]", path).start()]))  # type: ignore[union-attr]
        for match in glob.iglob(path, recursive=True):
            if not is_hidden(match[fixed:]):
                yield from _walk(match) if os.path.isdir(match) else [_describe(match)]
    else:
        raise InputError(f"{text}: no such file or folder: check the path")


def _walk(folder: str) -> Iterator[InputFile]:
    for parent, folders, names in os.walk(folder, onerror=_cannot_list):
        folders[:] = [name for name in folders if not is_hidden(name)]
        for name in names:
            if not is_hidden(name):
                yield _describe(os.path.join(parent, name))


def _cannot_list(error: OSError) -> None:
    raise InputError(f"{error.filename}: the folder cannot be listed ({error.strerror}): check its permissions")


def age(file: InputFile) -> float:
    """Seconds since the file was last written."""
    return 0.0 if file.modified_at is None else (datetime.now(UTC) - file.modified_at).total_seconds()


def _describe(path: str) -> InputFile:
    try:
        status = os.stat(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    return InputFile(Path(path).as_uri(), status.st_size, _modified_at(status))


def _modified_at(status: os.stat_result) -> datetime:
    seconds, nanoseconds = divmod(status.st_mtime_ns, 1_000_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=nanoseconds // 1000)


@contextmanager
def reading(file: InputFile, offset: int = 0, end: int | None = None) -> Iterator[BinaryIO]:
    """The file's decompressed bytes from `offset`; `end` is a hint of how far the caller will read.

    Raises InputError if the file is gone, unreadable, cut short or not what it was when it was found.
    """
    try:
        with _opened(file, 0 if file.compression else offset, end) as raw:
            if file.compression is None:
                yield raw
            else:
                stream = pa.CompressedInputStream(pa.PythonFile(raw, "r"), file.compression)
                _skip(stream, offset)
                yield stream
    except FileNotFoundError:
        raise InputError(f"{file.uri}: vanished while it was read: give it again once it is complete") from None
    except OSError as error:
        raise InputError(f"{file.uri}: cannot be read ({_first_line(error)}): check that it is whole") from None


@contextmanager
def _opened(file: InputFile, offset: int, end: int | None) -> Iterator[BinaryIO]:
    if urlsplit(file.uri).scheme in _S3_SCHEMES:
        with s3.opened(file.uri, file.etag, offset, end) as stream:
            yield stream
        return
    with open(unquote_to_bytes(urlsplit(file.uri).path), "rb", buffering=0) as stream:
        _check_unchanged(file, stream)
        stream.seek(offset)
        yield stream
        _check_unchanged(file, stream)


def _check_unchanged(file: InputFile, stream: BinaryIO) -> None:
    status = os.fstat(stream.fileno())
    if (status.st_size, _modified_at(status)) != (file.size, file.modified_at):
        raise InputError(f"{file.uri}: changed while it was read: run again once it is complete")
    if status.st_nlink == 0:
        raise FileNotFoundError


def _skip(stream: pa.NativeFile, count: int) -> None:
    while count and (skipped := stream.read(min(count, 1 << 20))):
        count -= len(skipped)


def _first_line(error: OSError) -> str:
    return (error.strerror or str(error)).splitlines()[0]
