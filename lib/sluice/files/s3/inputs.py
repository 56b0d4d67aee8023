"""Input files on S3: objects listed, read and put there."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from sluice.errors import InputError
from sluice.files.input_file import InputFile, is_hidden
from sluice.files.s3.client import client, input_errors, split

_RESUMED = 3  # times that a read which the network broke off is taken up again


def find_objects(uri: str) -> list[InputFile]:
    """The object of the URI, or those of a folder or glob, as `s3a://` URIs.

    A prefix is a folder with or without `/` at its end; below it, names that begin with `.` or `_` are left out. Raises
    InputError where nothing has the name.
    """
    bucket, key = split(uri)
    is_glob = re.search(r"[*?\[]", key)
    with input_errors(uri):
        if objects := _object(bucket, key):
            keys = [key]
        elif is_glob:
            before = key[: is_glob.start()]
            objects = _objects(bucket, before)
            keys = _matching(objects, key, below=len(before.rpartition("/")[0]))
        else:
            folder = key if key.endswith("/") or not key else key + "/"
            objects = _objects(bucket, folder)
            keys = [key for key in objects if not is_hidden(key[len(folder) :])]
    if key and not is_glob and not objects:
        raise InputError(f"{uri}: no such object or folder: check the bucket and key")
    return [
        InputFile(f"s3a://{bucket}/{key}", objects[key]["Size"], objects[key]["LastModified"], objects[key]["ETag"])
        for key in keys
        if not key.endswith("/")  # consoles mark a folder by an object of its name
    ]


def _object(bucket: str, key: str) -> dict[str, Any]:
    """The object of this very name by its key, or nothing: of the names that begin with it, S3 lists it first."""
    if key.endswith("/") or not key:
        return {}
    first = client().list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("Contents", ())
    return {item["Key"]: item for item in first if item["Key"] == key}


def _objects(bucket: str, prefix: str) -> dict[str, Any]:
    """The objects whose keys begin with `prefix`, by their keys."""
    pages = client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return {item["Key"]: item for page in pages for item in page.get("Contents", ())}


def _matching(keys: Iterable[str], glob: str, below: int) -> list[str]:
    """The keys that match a glob, hidden names after `below` characters left out."""
    pattern = _glob_pattern(glob)
    return [key for key in keys if pattern.fullmatch(key) and not is_hidden(key[below:])]


def _glob_pattern(key: str) -> re.Pattern[str]:
    """A glob as a pattern of keys, as on local disk: `*` and `?` stay within a folder, `**/` is any folders."""
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    tokens = re.findall(r"\*\*/|\*\*|\*|\?|\[[^\]]+\]|.", key, re.DOTALL)
    return re.compile("".join(parts.get(t) or (t.replace("[!", "[^") if len(t) > 2 else re.escape(t)) for t in tokens))


def put_object(uri: str, file: BinaryIO) -> None:
    """Writes an object from a file; it appears when all of it is there."""
    bucket, key = split(uri)
    with input_errors(uri):
        client().upload_fileobj(file, bucket, key)


@contextmanager
def open_object(uri: str, etag: str | None, offset: int, end: int | None) -> Iterator[BinaryIO]:
    """The object's bytes from `offset` up to `end` (None: to its end).

    Raises InputError where it is missing, refused or no longer has the etag.
    """
    if end is not None and end <= offset:
        yield io.BytesIO()  # S3 refuses an empty range
        return
    with input_errors(uri):
        body = _Body(uri, etag, offset, end)
        try:
            yield io.BufferedReader(body)
        finally:
            body.close()


class _Body(io.RawIOBase):
    """The bytes of an object, asked for again from where they broke off if the connection is lost."""

    def __init__(self, uri: str, etag: str | None, offset: int, end: int | None) -> None:
        self._bucket, self._key = split(uri)
        self._etag, self._at, self._end = etag or "*", offset, end
        self._open()

    def _open(self) -> None:
        last = "" if self._end is None else self._end - 1
        answer = client().get_object(
            Bucket=self._bucket, Key=self._key, Range=f"bytes={self._at}-{last}", IfMatch=self._etag
        )
        self._etag, self._stream = answer["ETag"], answer["Body"]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._read(len(buffer))
        self._at += len(data)
        buffer[: len(data)] = data
        return len(data)

    def _read(self, size: int) -> bytes:
        from botocore.exceptions import HTTPClientError, IncompleteReadError

        for _ in range(_RESUMED):
            try:
                return bytes(self._stream.read(size))
            except (HTTPClientError, IncompleteReadError, OSError):
                self._stream.close()
                self._open()
        return bytes(self._stream.read(size))

    def close(self) -> None:
        self._stream.close()
        super().close()
