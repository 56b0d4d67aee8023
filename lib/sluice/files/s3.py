"""The only module that touches S3: objects listed and read through boto3, with its default chain of credentials."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from sluice.errors import InputError, UsageError
from sluice.files.input_file import InputFile, changed, disappeared, is_hidden

SCHEMES = ("s3", "s3a")


@cache
def _client() -> Any:
    try:
        import boto3  # only where a job names an object: it takes long to load
    except ImportError:
        raise UsageError("s3:// inputs need boto3: install sluice[s3]") from None
    return boto3.client("s3")


def find_objects(uri: str) -> list[InputFile]:
    """The object of the URI, or those of a folder or glob, as `s3a://` URIs.

    A prefix is a folder with or without `/` at its end; below it, names that begin with `.` or `_` are left out. Raises
    InputError where nothing has the name.
    """
    bucket, key = _split(uri)
    is_glob = re.search(r"[*?\[]", key)
    listed = key[: is_glob.start()] if is_glob else key
    with _as_input_errors(uri):
        pages = _client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=listed)
        objects = {item["Key"]: item for page in pages for item in page.get("Contents", ())}
    if is_glob and key not in objects:
        keys = _matching(objects, key, below=len(listed.rpartition("/")[0]))
    elif objects:
        keys = [key] if key in objects else _in_folder(objects, key if key.endswith("/") or not key else key + "/")
    else:
        raise InputError(f"{uri}: no such object or folder: check the bucket and key")
    return [
        InputFile(f"s3a://{bucket}/{key}", objects[key]["Size"], objects[key]["LastModified"], objects[key]["ETag"])
        for key in keys
        if not key.endswith("/")  # consoles mark a folder by an object of its name
    ]


def _split(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.split("://", 1)[1].partition("/")
    return bucket, key


def _matching(keys: Iterable[str], glob: str, below: int) -> list[str]:
    """The keys that match a glob, hidden names after `below` characters left out."""
    pattern = _glob_pattern(glob)
    return [key for key in keys if pattern.fullmatch(key) and not is_hidden(key[below:])]


def _in_folder(keys: Iterable[str], folder: str) -> list[str]:
    return [key for key in keys if key.startswith(folder) and not is_hidden(key[len(folder) :])]


def _glob_pattern(key: str) -> re.Pattern[str]:
    """A glob as a pattern of keys, as on local disk: `*` and `?` stay within a folder, `**/` is any folders."""
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    tokens = re.findall(r"\*\*/|\*\*|\*|\?|\[[^\]]+\]|.", key, re.DOTALL)
    return re.compile("".join(parts.get(t) or (t.replace("[!", "[^") if len(t) > 2 else re.escape(t)) for t in tokens))


@contextmanager
def open_object(uri: str, etag: str | None, offset: int, end: int | None) -> Iterator[BinaryIO]:
    """The object's bytes from `offset` up to `end` (None: to its end).

    Raises InputError where it is missing, refused or no longer has the etag.
    """
    bucket, key = _split(uri)
    if end is not None and end <= offset:
        yield io.BytesIO()  # S3 refuses an empty range
        return
    last = "" if end is None else end - 1
    with _as_input_errors(uri):
        response = _client().get_object(Bucket=bucket, Key=key, Range=f"bytes={offset}-{last}", IfMatch=etag or "*")
        body = response["Body"]
        try:
            yield body
        finally:
            body.close()


@contextmanager
def _as_input_errors(uri: str) -> Iterator[None]:
    """Raises S3's refusals as InputError. What may pass by itself (throttling, a lost connection) stays as it is."""
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

    bucket = urlsplit(uri).netloc
    try:
        yield
    except BotoCoreError as error:
        if isinstance(error, HTTPClientError) and "endpoint" not in str(error):
            raise
        raise InputError(f"{uri}: {str(error).splitlines()[0]}: check credentials and AWS settings") from None
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in ("NoSuchKey", "404"):
            raise disappeared(uri) from None
        if code in ("PreconditionFailed", "412"):
            raise changed(uri) from None
        if code == "NoSuchBucket":
            raise InputError(f"{uri}: there is no bucket {bucket}: check its name") from None
        if code in ("ExpiredToken", "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken"):
            raise InputError(f"{uri}: S3 refused the credentials ({code}): renew them") from None
        if code in ("AccessDenied", "403"):
            raise InputError(f"{uri}: access denied: check the rights on bucket {bucket}") from None
        raise
