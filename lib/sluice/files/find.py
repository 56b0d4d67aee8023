"""Which files a job's arguments name: paths, folders, globs and URIs, on local disk or S3."""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

from sluice.errors import InputError, UsageError
from sluice.files.input_file import InputFile, is_hidden, modified_at
from sluice.files.root import check_within, resolved_root
from sluice.files.s3.client import is_on_s3
from sluice.files.s3.inputs import find_objects

MAX_FILES = 1_000_000
_MOST_FOLDERS = 100  # one in the other: each takes longer than the one above it, and a path of 4,096 bytes is the end


def find_files(inputs: Iterable[str], input_root: str | None = None, max_files: int = MAX_FILES) -> list[InputFile]:
    """The files that the inputs name, each once, in order of their paths.

    An input is a path, a folder, a glob (`*`, `?`, `[…]`, `**` for any folders), or a `file://`, `s3://` or `s3a://`
    URI. Below a folder, and below the fixed beginning of a glob, two kinds of entries are left out: those whose names
    begin with `.` or `_`, and pipes, sockets and devices. Links are followed. A file that has several paths is given
    once, by the first of them. A link whose target is missing is given too, and fails when it is opened.

    Raises InputError for a named path that does not exist or is not a regular file, UsageError for an unknown scheme,
    for more than `max_files`, and for whatever is not in the `input_root` if there is one, be it by a link. A folder
    without files and a glob without matches give no file.
    """
    root = None if input_root is None else resolved_root(input_root)
    named: dict[str, InputFile] = {}
    for text in inputs:
        for file in _find_one(text, root):
            named[file.uri] = file
            if len(named) > max_files:
                raise UsageError(f"{text}: more than {max_files:,} files: pass fewer at a time, or raise --max-files")
    files: dict[str, InputFile] = {}
    real_folder = cache(os.path.realpath)  # looks at each folder above it, so not once a file
    for file in sorted(named.values(), key=lambda file: file.path):
        real_path = _real_path(file.path, real_folder) if file.is_local else file.uri
        check_within(root, file.path, real_path)
        files.setdefault(real_path, replace(file, root=root) if root else file)
    return list(files.values())


def _real_path(path: str, real_folder: Callable[[str], str]) -> str:
    """The path without links."""
    folder, name = os.path.split(path)
    return os.path.realpath(path) if os.path.islink(path) else os.path.join(real_folder(folder), name)


def age_seconds(file: InputFile) -> float:
    """Seconds since the file was last written."""
    return 0.0 if file.modified_at is None else (datetime.now(UTC) - file.modified_at).total_seconds()


def _find_one(text: str, root: str | None) -> Iterable[InputFile]:
    if is_on_s3(text):
        check_within(root, _fixed(text))
        return find_objects(text)
    scheme = urlsplit(text).scheme if "://" in text else ""
    if scheme == "file":
        return _find_local(
            os.fsdecode(unquote_to_bytes("/" + text.removeprefix("file://").partition("/")[2])), text, root
        )
    if not scheme:
        return _find_local(text, text, root)
    raise UsageError(f"{text}: {scheme}:// is not supported: give a path, file:// or s3a://")


def _find_local(path: str, text: str, root: str | None) -> Iterator[InputFile]:
    """The files of a path; `text` is the input as it was given, for messages."""
    path = os.path.abspath(os.path.expanduser(path))
    fixed = path if os.path.lexists(path) else _fixed(path)
    check_within(root, fixed)
    if path.startswith(("/dev/stdin", "/dev/fd/")):  # may be a regular file, but only of this process
        raise _not_a_file(text)
    if os.path.isdir(path):
        yield from _files_below(path, root)
    elif os.path.isfile(path):
        yield from _describe(path)
    elif os.path.exists(path):
        raise _not_a_file(text)
    elif fixed != path:
        for match in _matches(path, root):
            if not is_hidden(match[len(fixed) :]):  # names up to there were written out: hidden ones are meant
                yield from _files_below(match, root) if os.path.isdir(match) else _describe(match)
    else:
        raise InputError(f"{text}: no such file or folder: check the path")


def _fixed(path: str) -> str:
    """The folder that a glob begins with, up to its first wildcard; any other path as it is."""
    magic = re.search(r"[*?\[]", path)
    return path[: magic.start()].rpartition("/")[0] or "/" if magic else path


def _not_a_file(text: str) -> InputError:
    return InputError(f"{text}: is not a regular file: copy what it gives into a file, and pass that")


def _matches(pattern: str, root: str | None) -> Iterator[str]:
    """The paths that a glob matches; Python's own `**` would go round and round where links make a circle."""
    before, any_folders, after = pattern.partition("/**/")
    if not any_folders:
        yield from glob.iglob(pattern.removesuffix("/**"))  # a folder means all files below it
        return
    for start in glob.iglob(before or "/"):
        for folder, _ in _walk(start, root):
            yield from _matches(os.path.join(glob.escape(folder), after), root)


def _files_below(folder: str, root: str | None) -> Iterator[InputFile]:
    for parent, names in _walk(folder, root):
        for name in names:
            if not is_hidden(name):
                yield from _describe(os.path.join(parent, name))


def _walk(start: str, root: str | None) -> Iterator[tuple[str, list[str]]]:
    """A folder and the folders below it without hidden ones, each once, with the names of its files.

    Links to folders come last, so that a folder has its own path rather than that of a link. Raises InputError for
    folders that are nested too deep, and for one that cannot be listed.
    """
    visited, links = set(), [start]
    while links:
        waiting = [(links.pop(), 0)]
        check_within(root, waiting[0][0])
        while waiting:
            folder, depth = waiting.pop()
            identity, entries = _listed(folder)
            if identity in visited:
                continue
            if depth > _MOST_FOLDERS:
                raise InputError(f"{start}: has folders nested more than {_MOST_FOLDERS} deep: pass one further down")
            visited.add(identity)
            folders = [entry for entry in entries if _is_folder(entry) and not is_hidden(entry.name)]
            waiting += [(entry.path, depth + 1) for entry in folders if not entry.is_symlink()]
            links += [entry.path for entry in folders if entry.is_symlink()]
            yield folder, [entry.name for entry in entries if not _is_folder(entry)]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads back to itself; it fails as a file
        return False


def _listed(folder: str) -> tuple[tuple[int, int], list[os.DirEntry[str]]]:
    """What tells a folder from all others, and what is in it, in order of the names."""
    try:
        status = os.stat(folder)
        with os.scandir(folder) as entries:
            return (status.st_dev, status.st_ino), sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise InputError(
            f"{folder}: the folder cannot be listed ({error.strerror}): check its permissions and its path"
        ) from None


def _describe(path: str) -> Iterator[InputFile]:
    """The file at a path, or nothing for a pipe, a socket or a device.

    A file whose size and time cannot be read, such as a link whose target is missing, fails later, when it is opened.
    """
    try:
        status = os.stat(path)
    except OSError:
        yield InputFile(Path(path).as_uri(), 0)
        return
    if stat.S_ISREG(status.st_mode):
        yield InputFile(Path(path).as_uri(), status.st_size, modified_at(status))
