"""The only module that touches S3: input objects listed and read through boto3 and its default credentials chain."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from sluice.errors import InputError, UsageError


@dataclass(frozen=True)
class S3Object:
    uri: str
    size: int
    modified_at: datetime
    etag: str


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


def find(uri: str) -> list[S3Object]:
    """The object, those under the prefix taken as a folder, or those that match a glob; as `s3a://` URIs.

    Names that begin with `.` or `_` below a folder are left out. Raises InputError for what is not there.
    """
    bucket, key = _split(uri)
    is_glob = re.search(r"[*?\[]", key)
    listed = key[: is_glob.start()] if is_glob else key
    with _told(uri):
        pages = _client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=listed)
        objects = [item for page in pages for item in page.get("Contents", ())]
    if is_glob:
        chosen = [item for item in objects if fnmatch.fnmatchcase(item["Key"], key)]
    else:
        folder = key if key.endswith("/") or not key else key + "/"
        chosen = [item for item in objects if item["Key"] == key] or [
            item for item in objects if item["Key"].startswith(folder) and not _hidden(item["Key"][len(folder) :])
        ]
        if not objects:
            raise InputError(f"{uri}: no such object or folder: check the bucket and key")
    return [
        S3Object(f"s3a://{bucket}/{item['Key']}", item["Size"], item["LastModified"], item["ETag"])
        for item in chosen
        if not item["Key"].endswith("/")
    ]


def _hidden(key: str) -> bool:
    return any(part.startswith((".", "_")) for part in key.split("/"))


@contextmanager
def opened(uri: str, etag: str | None, offset: int, end: int | None) -> Iterator[BinaryIO]:
    """The object's bytes from `offset` up to `end`, if it still has the etag."""
    bucket, key = _split(uri)
    last = "" if end is None else max(end - 1, offset)
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
    from botocore.exceptions import ClientError, NoCredentialsError

    bucket = urlsplit(uri).netloc
    try:
        yield
    except NoCredentialsError:
        raise InputError(f"{uri}: no AWS credentials found: set them up as for the AWS command line") from None
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in ("NoSuchKey", "404"):
            raise InputError(f"{uri}: vanished while it was read: give it again once it is complete") from None
        if code in ("PreconditionFailed", "412"):
            raise InputError(f"{uri}: changed while it was read: run again once it is complete") from None
        if code == "NoSuchBucket":
            raise InputError(f"{uri}: no bucket {bucket}: check its name") from None
        if code in ("AccessDenied", "403"):
            raise InputError(f"{uri}: access denied: check the rights on bucket {bucket}") from None
        raise
