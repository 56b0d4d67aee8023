"""The only module that touches S3: input objects listed and read through boto3 and its default credentials chain."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from sluice.errors import InputError, UsageError
from sluice.files.input_file import InputFile, is_hidden


@cache
def _client() -> Any:
    try:
        import boto3
    except ImportError:
        raise UsageError("s3:// inputs need boto3: install sluice[s3]") from None
    return boto3.client("s3")


def _split(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.split("://", 1)[1].partition("/")
    return bucket, key


def find(uri: str) -> list[InputFile]:
    """The object, those under the prefix taken as a folder, or those that match a glob; as `s3a://` URIs.

    Names that begin with `.` or `_` below a folder are left out. Raises InputError for what is not there.
    """
    bucket, key = _split(uri)
    is_glob = re.search(r"[*?\[]", key)
    listed = key[: is_glob.start()] if is_glob else key
    with _told(uri):
        pages = _client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=listed)
        objects = [item for page in pages for item in page.get("Contents", ())]
    if is_glob and all(item["Key"] != key for item in objects):
        pattern = _glob_pattern(key)
        fixed = len(listed.rpartition("/")[0])
        chosen = [item for item in objects if pattern.fullmatch(item["Key"]) and not is_hidden(item["Key"][fixed:])]
    else:
        folder = key if key.endswith("/") or not key else key + "/"
        chosen = [item for item in objects if item["Key"] == key] or [
            item for item in objects if item["Key"].startswith(folder) and not is_hidden(item["Key"][len(folder) :])
        ]
        if not objects:
            raise InputError(f"{uri}: no such object or folder: check the bucket and key")
    return [
        InputFile(f"s3a://{bucket}/{item['Key']}", item["Size"], item["LastModified"], item["ETag"])
        for item in chosen
        if not item["Key"].endswith("/")
    ]


def _glob_pattern(key: str) -> re.Pattern[str]:
    """As on local disk: `*` and `?` stay within a folder, `**/` is any folders."""
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    tokens = re.findall(r"\*\*/|\*\*|\*|\?|\[[^\]]+\]|.", key, re.DOTALL)
    return re.compile("".join(parts.get(t) or (t.replace("[!", "[^") if len(t) > 2 else re.escape(t)) for t in tokens))


@contextmanager
def opened(uri: str, etag: str | None, offset: int, end: int | None) -> Iterator[BinaryIO]:
    """The object's bytes from `offset` up to `end`, if it still has the etag."""
    bucket, key = _split(uri)
    if end is not None and end <= offset:
        yield io.BytesIO()  # S3 refuses an empty range
        return
    last = "" if end is None else end - 1
    with _told(uri):
        response = _client().get_object(Bucket=bucket, Key=key, Range=f"bytes={offset}-{last}", IfMatch=etag or "*")
        body = response["Body"]
        try:
            yield body
        finally:
            body.close()


@contextmanager
def _told(uri: str) -> Iterator[None]:
    """S3's answers as errors of the input; what may pass by itself (throttling, a lost connection) is left as it is."""
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
            raise InputError(f"{uri}: vanished while it was read: give it again once it is complete") from None
        if code in ("PreconditionFailed", "412"):
            raise InputError(f"{uri}: changed while it was read: run again once it is complete") from None
        if code == "NoSuchBucket":
            raise InputError(f"{uri}: no bucket {bucket}: check its name") from None
        if code in ("ExpiredToken", "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken"):
            raise InputError(f"{uri}: S3 refused the credentials ({code}): renew them") from None
        if code in ("AccessDenied", "403"):
            raise InputError(f"{uri}: access denied: check the rights on bucket {bucket}") from None
        raise
