"""The one way to S3: boto3's client, its endpoint and credentials, and its refusals in words.

Credentials are those that boto3 finds: environment, `AWS_PROFILE` and `~/.aws`, web identity, container and instance
roles. Delta's Rust library gets them from here each time, so that it has them as they were last refreshed; Spark finds
them in the same places by itself, so that they are in no setting of it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from sluice.errors import Busy, InputError, SluiceError, UsageError
from sluice.files.input_file import changed, disappeared

_SCHEMES = ("s3", "s3a")
_CONNECT_SECONDS, _ATTEMPTS = 2, 4  # with the pauses in between, an endpoint that is not there fails within 15 seconds
_CHECK_SECONDS = 3
_REFUSED = ("ExpiredToken", "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "InvalidClientTokenId")
_PLACES = (
    "the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), the profile of AWS_PROFILE in ~/.aws, web identity, "
    "container and instance roles"
)


def is_on_s3(uri: str) -> bool:
    """Whether a URI, or a path of any letters, names something on S3."""
    scheme, separator, _ = uri.partition("://")
    return bool(separator) and scheme.lower() in _SCHEMES


def split(uri: str) -> tuple[str, str]:
    """Bucket and key of a URI. Raises UsageError for one that has credentials, without showing it."""
    bucket, _, key = uri.split("://", 1)[1].partition("/")
    if "@" in bucket or ":" in bucket:
        raise UsageError(
            "write URIs of S3 as s3://BUCKET/KEY, without credentials and port: credentials are looked for in "
            f"{_PLACES}, the endpoint in AWS_ENDPOINT_URL"
        )
    return bucket, key


@cache
def _session() -> Any:
    try:
        import boto3  # only where a job names an object: it takes long to load
    except ImportError:
        raise UsageError("s3:// needs boto3: install sluice[s3]") from None
    return boto3.Session()


@cache
def _server() -> tuple[str, str]:
    """The endpoint and the region. Raises UsageError for an endpoint that is not a URL, or has credentials."""
    try:
        found = _session().client("s3").meta
    except ValueError as error:
        raise UsageError(f"AWS_ENDPOINT_URL: {error}: give a URL such as https://s3.example.com") from None
    if "@" in urlsplit(found.endpoint_url).netloc:
        raise UsageError(f"AWS_ENDPOINT_URL: write it without credentials: they are looked for in {_PLACES}")
    return found.endpoint_url, found.region_name or "us-east-1"


@cache
def client(answer_seconds: int = 60) -> Any:
    """boto3's client; a request that is not answered for so many seconds is sent again."""
    from botocore.config import Config

    endpoint, _ = _server()
    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=answer_seconds,
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        s3={"addressing_style": "auto" if _is_aws(endpoint) else "path"},
        max_pool_connections=32,
    )
    return _session().client("s3", config=config)


def _is_aws(endpoint: str) -> bool:
    host = urlsplit(endpoint).hostname or ""
    return host.endswith((".amazonaws.com", ".amazonaws.com.cn"))


@contextmanager
def input_errors(uri: str) -> Iterator[None]:
    """Raises what S3 refuses or fails at as InputError."""
    with _errors(uri, InputError, InputError):
        yield


@contextmanager
def lake_errors(uri: str) -> Iterator[None]:
    """Raises what S3 refuses as UsageError, and what may pass by itself (throttling, a lost connection) as Busy."""
    with _errors(uri, UsageError, Busy):
        yield


@contextmanager
def _errors(uri: str, refused: type[SluiceError], failed: type[SluiceError]) -> Iterator[None]:
    from botocore import exceptions as boto

    try:
        yield
    except boto.NoCredentialsError:
        raise _no_credentials(uri, refused) from None
    except (boto.EndpointConnectionError, boto.ConnectTimeoutError):
        raise refused(
            f"{uri}: nothing answers at {_server()[0]}: check AWS_ENDPOINT_URL, the region and the network"
        ) from None
    except (boto.HTTPClientError, boto.IncompleteReadError) as error:
        raise failed(f"{uri}: S3 did not answer ({_first_line(error)}): run again") from None
    except boto.BotoCoreError as error:
        raise refused(f"{uri}: {_first_line(error)}: check credentials and AWS settings") from None
    except boto.ClientError as error:
        raise _refusal(uri, error, refused) or failed(f"{uri}: S3 failed ({_first_line(error)}): run again") from None


def _no_credentials(uri: str, kind: type[SluiceError]) -> SluiceError:
    return kind(f"{uri}: no credentials for S3 were found: looked in {_PLACES}")


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


def _refusal(uri: str, error: Any, kind: type[SluiceError]) -> SluiceError | None:
    code, bucket = error.response["Error"]["Code"], split(uri)[0]
    if code == "NoSuchBucket":
        return kind(f"{uri}: there is no bucket {bucket}: check its name")
    if error.operation_name == "ListObjectsV2" and error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
        return kind(f"{uri}: {_server()[0]} is not an S3 server: check AWS_ENDPOINT_URL")
    if code in ("NoSuchKey", "404"):
        return disappeared(uri)
    if code in ("PreconditionFailed", "412"):
        return changed(uri)
    if code in _REFUSED:
        return kind(f"{uri}: S3 refused the credentials ({code}): renew them; they were looked for in {_PLACES}")
    if code in ("AccessDenied", "403"):
        return kind(f"{uri}: access denied: check the rights on bucket {bucket}")
    return None


def delta_rs_options(uri: str) -> dict[str, str]:
    """The options by which delta-rs reaches the bucket as boto3 does. Raises UsageError if no credentials are found."""
    found = _session().get_credentials()
    if found is None:
        raise _no_credentials(uri, UsageError)
    keys, (endpoint, region) = found.get_frozen_credentials(), _server()
    options = {
        "aws_access_key_id": keys.access_key,
        "aws_secret_access_key": keys.secret_key,
        "aws_region": region,
        "aws_conditional_put": "etag",
        "connect_timeout": f"{_CONNECT_SECONDS}s",
        "timeout": "60s",
        "max_retries": str(_ATTEMPTS),
        "retry_timeout": "60s",
    }
    if keys.token:
        options["aws_session_token"] = keys.token
    if not _is_aws(endpoint):
        options |= {"aws_endpoint_url": endpoint, "aws_virtual_hosted_style_request": "false"}
        options["aws_allow_http"] = str(endpoint.startswith("http://")).lower()
    return options


def spark_options() -> dict[str, str]:
    """What Spark needs to reach S3 as boto3 does, but for credentials: it finds them in the same places.

    Delta's checksum files are left out: each takes twenty requests, since S3 cannot rename an object.
    """
    endpoint, region = _server()
    options = {"fs.s3a.endpoint.region": region, "spark.databricks.delta.writeChecksumFile.enabled": "false"}
    if not _is_aws(endpoint):
        options |= {"fs.s3a.endpoint": endpoint, "fs.s3a.path.style.access": "true"}
        options["fs.s3a.connection.ssl.enabled"] = str(endpoint.startswith("https://")).lower()
    return options


def executor_environment() -> dict[str, str]:
    """The variables by which executors reach the server that this process does, with credentials of their own."""
    names = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION")
    return {name: os.environ[name] for name in names if name in os.environ}


@cache
def check_reachable(uri: str) -> None:
    """Raises UsageError if a lake's bucket does not exist, is refused or cannot be reached; asks once."""
    check_again(uri)


def check_again(uri: str) -> None:
    """As `check_reachable`, now: says what another library could not."""
    bucket, key = split(uri)
    with lake_errors(uri):
        client(_CHECK_SECONDS).list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)


def failure_in_spark(text: str) -> SluiceError | None:
    """The failure of S3 that a text of Spark's, with the stack of its cause, tells of; None if it tells of none."""
    if not re.search(r"software\.amazon\.awssdk|org\.apache\.hadoop\.fs\.s3a\.\w*(Exception|Invoker)", text):
        return None
    cause = re.search(r"[^\n]*(?:\(Service: S3|Unable to load credentials|AWS[A-Za-z0-9]*Exception)[^\n]*", text)
    line = (cause.group() if cause else text.splitlines()[0]).strip()[:300]
    if re.search(rf"{'|'.join(_REFUSED)}|AccessDenied|Status Code: 403|Unable to load credentials", text):
        return UsageError(f"S3 refused Spark's access: {line}: check credentials and rights")
    return Busy(f"S3 failed Spark: {line}: run again, it resumes safely")
