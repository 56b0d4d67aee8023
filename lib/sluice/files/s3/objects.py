"""Small objects of a lake on S3: read and written as a whole, on conditions that S3 itself checks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from sluice.files.s3.client import client, lake_errors, split

_ANSWER_SECONDS = 5  # a small object takes far less: what takes longer is asked again, elsewhere


@dataclass(frozen=True)
class Object:
    """An object's bytes and etag; `age` is by S3's own clock, in seconds since it was written."""

    data: bytes
    etag: str
    age: float


def read(uri: str) -> Object | None:
    """The object; None if it does not exist."""
    bucket, key = split(uri)
    with lake_errors(uri):
        try:
            answer = _client().get_object(Bucket=bucket, Key=key)
            data = answer["Body"].read()
        except _client().exceptions.NoSuchKey:
            return None
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    now = parsedate_to_datetime(headers["date"]) if "date" in headers else datetime.now(UTC)
    return Object(data, answer["ETag"], (now - answer["LastModified"]).total_seconds())


def create(uri: str, data: bytes) -> Object | None:
    """Writes an object if it is new, and gives the one that is there now: it has these bytes if that succeeded."""
    return _put_if(uri, data, IfNoneMatch="*")


def replace(uri: str, data: bytes, etag: str) -> Object | None:
    """Writes an object in place of the one with the etag, and gives the one that is there now, as `create` does."""
    return _put_if(uri, data, IfMatch=etag)


def write(uri: str, data: bytes) -> None:
    """Writes an object whether or not it exists."""
    bucket, key = split(uri)
    with lake_errors(uri):
        _client().put_object(Bucket=bucket, Key=key, Body=data)


def delete(uri: str) -> None:
    bucket, key = split(uri)
    with lake_errors(uri):
        _client().delete_object(Bucket=bucket, Key=key)


def names(folder: str) -> list[str]:
    """The names of the objects and folders in a folder."""
    bucket, prefix = _folder(folder)
    pages = _pages(folder, Bucket=bucket, Prefix=prefix, Delimiter="/")
    paths = (
        item.get("Key") or item["Prefix"]
        for page in pages
        for item in (*page.get("Contents", ()), *page.get("CommonPrefixes", ()))
    )
    return sorted(path[len(prefix) :].rstrip("/") for path in paths if path != prefix)


def sizes(folder: str) -> dict[str, int]:
    """The bytes of each object below a folder, by its path from there."""
    bucket, prefix = _folder(folder)
    pages = _pages(folder, Bucket=bucket, Prefix=prefix)
    return {item["Key"][len(prefix) :]: item["Size"] for page in pages for item in page.get("Contents", ())}


def _folder(uri: str) -> tuple[str, str]:
    bucket, key = split(uri)
    return bucket, key.rstrip("/") + "/" if key else ""


def _pages(uri: str, **request: Any) -> Iterator[dict[str, Any]]:
    with lake_errors(uri):
        yield from _client().get_paginator("list_objects_v2").paginate(**request)


def _put_if(uri: str, data: bytes, **condition: str) -> Object | None:
    from botocore.exceptions import ClientError

    bucket, key = split(uri)
    with lake_errors(uri):
        try:
            return Object(data, _client().put_object(Bucket=bucket, Key=key, Body=data, **condition)["ETag"], 0.0)
        except ClientError as error:
            # 404: the object that was to be replaced is gone; 409: another request on it is under way
            if error.response["ResponseMetadata"]["HTTPStatusCode"] not in (404, 409, 412):
                raise
            if error.response["Error"]["Code"] == "NoSuchBucket":
                raise
    # these may be its bytes all the same: of a put whose answer was lost the client sends a second one
    return read(uri)


def _client() -> Any:
    return client(_ANSWER_SECONDS)
