"""The way to S3: credentials and endpoint as boto3 finds them, and each refusal one line that says what to do."""

from __future__ import annotations

import time

import pyarrow as pa
import pytest
from conftest import s3_client
from sluice.errors import Busy, InputError, UsageError
from sluice.files.find import find_files
from sluice.files.reading import open_input
from sluice.files.s3 import client
from sluice.lake import log, opened, small_tables
from sluice.lake.writer import Writer
from sluice.runtime.settings import Settings

KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


@pytest.fixture
def configured(s3, monkeypatch, tmp_path):
    """Sets environment variables (None: removes them) for clients made after it: `configured(AWS_PROFILE="p")`."""

    def forget():
        for cached in (client._session, client._server, client.client, client.check_reachable):
            cached.cache_clear()
        opened.forget()

    def configure(**variables):
        for name, value in variables.items():
            monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)
        forget()

    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    yield configure
    monkeypatch.undo()
    forget()


def test_a_profile_gives_its_keys_to_boto3_and_delta_rs(configured, s3, s3_lake, tmp_path):
    (tmp_path / "credentials").write_text("[p]\naws_access_key_id = of-p\naws_secret_access_key = x\n")
    (tmp_path / "config").write_text("[profile p]\nregion = eu-central-1\n")
    configured(AWS_PROFILE="p", AWS_DEFAULT_REGION=None, **dict.fromkeys(KEYS))
    s3.clear()
    assert log.version(s3_lake, "t") is None
    assert {request.kind for request in s3.requests} == {"GET", "LIST"}
    assert {request.credential for request in s3.requests} == {"of-p"}
    assert client.delta_rs_options(s3_lake)["aws_region"] == "eu-central-1"
    assert client.spark_options()["fs.s3a.endpoint.region"] == "eu-central-1"
    assert "of-p" not in str(client.spark_options())


@pytest.mark.parametrize("uri", ["s3://canary:of/zebra@sluice/x", "s3a://canary@sluice/x", "s3://canary:zebra/x"])
def test_credentials_in_a_uri_are_refused_and_not_shown(uri):
    for use in (
        client.split,
        lambda uri: list(find_files([uri])),
        lambda uri: Settings.of({"lake": uri, **NO_OPTIONS}),
    ):
        with pytest.raises(UsageError, match="write URIs of S3 as s3://BUCKET/KEY, without credentials and") as refused:
            use(uri)
        assert not any(part in str(refused.value) for part in ("canary", "zebra"))


NO_OPTIONS = {"result_file": None, "profile": None}


def test_renewed_credentials_are_taken(configured, s3, s3_lake):
    for key in ("first", "second"):
        configured(AWS_ACCESS_KEY_ID=key, AWS_SESSION_TOKEN=f"token of {key}")
        s3.clear()
        log.version(s3_lake, "t")
        assert {request.credential for request in s3.requests} == {key}
        assert client.delta_rs_options(s3_lake)["aws_session_token"] == f"token of {key}"


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
def test_an_endpoint_that_is_not_aws_has_addresses_with_the_bucket_in_the_path(configured, variable):
    configured(**{"AWS_ENDPOINT_URL": None, variable: "https://s3.example.com"})
    expected = {"fs.s3a.endpoint": "https://s3.example.com", "fs.s3a.path.style.access": "true"}
    assert expected.items() <= client.spark_options().items()
    assert client.delta_rs_options("s3a://b/l")["aws_virtual_hosted_style_request"] == "false"
    configured(**{variable: None})
    assert "fs.s3a.endpoint" not in client.spark_options()
    assert "aws_endpoint_url" not in client.delta_rs_options("s3a://b/l")


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (dict.fromkeys(KEYS), r"no credentials for S3 were found: looked in the environment .* and instance roles"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "nothing answers at http://127.0.0.1:1: check AWS_ENDPOINT_URL"),
        ({"AWS_PROFILE": "nobody"}, "profile .nobody. could not be found: check credentials and AWS settings"),
        (
            {"AWS_ENDPOINT_URL": "http://me:secret@127.0.0.1:1"},
            "^AWS_ENDPOINT_URL: write it without credentials: [^:]*$",
        ),
        ({"AWS_ENDPOINT_URL": "nohost"}, "AWS_ENDPOINT_URL: Invalid endpoint: nohost: give a URL"),
    ],
)
def test_wrong_settings_are_one_line_within_seconds(configured, variables, message):
    configured(**variables)
    began = time.monotonic()
    with pytest.raises((InputError, UsageError), match=message):
        find_files(["s3://sluice/a.csv"])
    configured()
    with pytest.raises(UsageError, match=message):
        log.version("s3a://sluice/lake", "t")
    assert time.monotonic() - began < 15


@pytest.mark.parametrize(
    ("code", "status", "message"),
    [
        ("ExpiredToken", 400, r"S3 refused the credentials \(ExpiredToken\): renew them"),
        ("AccessDenied", 403, "access denied: check the rights on bucket sluice"),
        ("NoSuchBucket", 404, "there is no bucket sluice: check its name"),
        ("NotFound", 404, r"http://.* is not an S3 server: check AWS_ENDPOINT_URL"),
    ],
)
def test_refusals(configured, s3, s3_lake, code, status, message):
    configured()
    s3.fail("LIST", "", status=status, code=code, times=2)
    with pytest.raises(UsageError, match=message):
        log.version(s3_lake, "t")
    with pytest.raises(InputError, match=message):
        find_files(["s3://sluice/a.csv"])


def test_a_role_that_may_list_but_neither_read_nor_write(configured, s3, s3_lake):
    configured()
    message = "access denied .*: check the rights on bucket sluice"
    s3.fail("GET", "/t/", status=403, code="AccessDenied", times=100)
    with pytest.raises(UsageError, match=message):
        log.version(s3_lake, "t")
    s3.clear()
    rows = pa.table({"id": [1]})
    s3.fail("PUT", "/t/", status=403, code="AccessDenied", times=100)
    with pytest.raises(UsageError, match=message):
        small_tables.append(s3_lake, "t", rows, Writer("r", 1, print))


def test_a_server_that_stays_busy_is_a_failure_that_passes(configured, s3, s3_lake):
    configured()
    s3.fail("*", "", status=503, times=1000)
    with pytest.raises(Busy, match=r"S3 failed \(.*SlowDown.*\): run again"):
        log.version(s3_lake, "t")
    with pytest.raises(InputError, match=r"S3 failed \(.*SlowDown.*\): run again"):
        find_files(["s3://sluice/a.csv"])


@pytest.mark.parametrize("status", [500, 503])
def test_a_busy_moment_passes_unseen(configured, s3, s3_lake, status):
    configured()
    s3.fail("*", "", status=status, times=2)
    assert log.version(s3_lake, "t") is None
    assert s3.faults_left == 0


def test_a_body_that_breaks_off_is_taken_up_where_it_ended(s3):
    data = bytes(range(256)) * 4000
    s3_client().put_object(Bucket="sluice", Key="cut", Body=data)
    [file] = find_files(["s3://sluice/cut"])
    s3.clear()
    s3.fail("GET", "cut", cut=True, times=3)
    with open_input(file) as stream:
        assert stream.read() == data
    assert (s3.faults_left, s3.counted()["GET"]) == (0, 4)
    s3.fail("GET", "cut", cut=True, times=1000)
    with pytest.raises(InputError, match="cut: S3 did not answer"), open_input(file) as stream:
        stream.read()


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        (
            "An error occurred\n: o.a.h.AccessDeniedException: s3a://b/k: getFileStatus: "
            "software.amazon.awssdk.services.s3.model.S3Exception: (Service: S3, Status Code: 403)",
            UsageError,
            "S3 refused Spark's access: .*Status Code: 403.*: check credentials and rights",
        ),
        (
            "o103.save\n: org.apache.hadoop.fs.s3a.AWSServiceThrottledException: put: Please reduce your request rate.",
            Busy,
            "S3 failed Spark: .*AWSServiceThrottledException.*: run again",
        ),
        ("java.lang.OutOfMemoryError: Java heap space", None, ""),
    ],
)
def test_failures_of_s3_in_spark(text, kind, message):
    found = client.failure_in_spark(text)
    assert found is None if kind is None else isinstance(found, kind)
    if kind:
        with pytest.raises(kind, match=message):
            raise found
