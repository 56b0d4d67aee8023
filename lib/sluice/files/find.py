"""Which files a job's arguments name: paths, folders, globs and URIs, on local disk or S3."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sluice.errors import InputError, UsageError
from sluice.files import s3
from sluice.files.input_file import InputFile, is_hidden, modified_at


def find_files(inputs: Iterable[str]) -> list[InputFile]:
    """The files that the inputs name, each once, in order of their paths.

    An input is a path, a folder, a glob (`*`, `?`, `[…]`, `**` for any folders), or a `file://`, `s3://` or `s3a://`
    URI. Below a folder, and below the fixed beginning of a glob, names that begin with `.` or `_` are left out. A path
    that does not exist raises InputError; a folder without files and a glob without matches give no file. An unknown
    scheme raises UsageError.
    """
    files: dict[str, InputFile] = {}
    for text in inputs:
        files.update((file.uri, file) for file in _find_one(text))
    return sorted(files.values(), key=lambda file: file.path)


def age_seconds(file: InputFile) -> float:
    """Seconds since the file was last written."""
    return 0.0 if file.modified_at is None else (datetime.now(UTC) - file.modified_at).total_seconds()


def _find_one(text: str) -> Iterable[InputFile]:
    scheme = urlsplit(text).scheme if "://" in text else ""
    if scheme in s3.SCHEMES:
        return s3.find_objects(text)
    if scheme == "file":
        return _find_local(unquote("/" + text.removeprefix("file://").partition("/")[2]), text)
    if not scheme:
        return _find_local(text, text)
    raise UsageError(f"{text}: {scheme}:// is not supported: give a path, file:// or s3a://")


def _find_local(path: str, text: str) -> Iterator[InputFile]:
    """The files of a path; `text` is the input as it was given, for messages."""
    path = os.path.abspath(os.path.expanduser(path))
    if os.path.isdir(path):
        yield from _walk(path)
    elif os.path.exists(path):
        yield _describe(path)
    elif magic := re.search(r"[*?\[]", path):
        fixed = len(os.path.dirname(path[: magic.start()]))  # names up to here were written out: hidden ones are meant
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


def _describe(path: str) -> InputFile:
    try:
        status = os.stat(path)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}): check that it exists, and its permissions"
        ) from None
    return InputFile(Path(path).as_uri(), status.st_size, modified_at(status))
