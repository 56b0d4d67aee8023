"""The folder that input files must be in, if one is set (`--input-root`): a job reads nothing that is elsewhere.

Links in local paths are resolved first. Folders are compared by their whole names, on S3 too: `/data2` is not in
`/data`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from sluice.errors import InputError, UsageError
from sluice.files.input_file import InputFile
from sluice.files.s3.client import is_on_s3, split


def resolved_root(given: str) -> str:
    """The folder without links, or the URI `s3a://…` of one on S3. Raises UsageError for a folder that is not there."""
    if is_on_s3(given) and split(given)[0]:
        return _as_s3a(given).rstrip("/")
    path = Path(given.removeprefix("file://")).expanduser()
    if not given or not path.is_dir():
        raise UsageError(f"--input-root {given}: is not a folder: create it, or give the one that holds the inputs")
    return os.path.realpath(path)


def check_within(root: str | None, path: str, real_path: str = "") -> None:
    """Raises UsageError for a path, or URI on S3, that is not in the root; `real_path`: the path without links."""
    if root is None:
        return
    real = _as_s3a(path) if is_on_s3(path) else real_path or os.path.realpath(path)
    if not _is_within(root, real):
        leads = "" if real in (path, _as_s3a(path)) else f" leads to {real}, which"
        raise UsageError(f"{path}:{leads} is not in --input-root {root}: only files in it are read")


def check_opened(file: InputFile, stream: BinaryIO) -> None:
    """Raises InputError if a local file that was opened by its path is not in its root: a link may be new there."""
    if file.root is None:
        return
    real = os.path.realpath(file.path)
    if not (_is_within(file.root, real) and os.path.samestat(os.stat(real), os.fstat(stream.fileno()))):
        raise InputError(f"{file.uri}: leads out of --input-root {file.root} now: check who writes it")


def _is_within(root: str, path: str) -> bool:
    return path == root or path.startswith(root.rstrip("/") + "/")


def _as_s3a(uri: str) -> str:
    return "s3a://" + "/".join(split(uri)) if is_on_s3(uri) else uri
