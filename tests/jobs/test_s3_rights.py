"""With which credentials and rights jobs reach S3, in processes of their own: a JVM finds them as it starts."""

from __future__ import annotations

import json
import os
import re

import boto3
import pytest
from conftest import HEADER, PROJECT, s3_client
from processes import finished, free_port
from s3_server import S3Server

pytestmark = pytest.mark.slow
CANARY = "k9-canary-of-the-key-of-s3"
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


def test_boto3_delta_rs_and_spark_use_one_profile_and_no_line_plan_or_event_shows_its_secret(
    submit, s3, s3_lake, csv_file, tmp_path, monkeypatch
):
    (tmp_path / "credentials").write_text(f"[p]\naws_access_key_id = of-p\naws_secret_access_key = {CANARY}\n")
    (tmp_path / "config").write_text("[profile p]\nregion = us-east-1\n")
    for name in (*KEYS, "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_PROFILE", "p")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("SLUICE_SPARK_LOG_LEVEL", "trace")
    (tmp_path / "events").mkdir()
    events = {"enabled": "true", "compress": "false", "dir": tmp_path / "events"}
    options = [part for name, value in events.items() for part in ("--conf", f"spark.eventLog.{name}={value}")]
    s3.clear()
    process = submit(*options, "ingest", "products", csv_file("a.csv", HEADER, "1,x,", "no name"), "--max-rejects", 1)
    code, out, err = finished(process, timeout=300)
    assert (code, json.loads(out)["rows_inserted"]) == (0, 1), err[-2000:]
    assert "TRACE" in err
    assert "Warning: Ignoring" not in err
    assert {request.credential for request in s3.requests} == {"of-p"}
    assert any("/products/part-" in request.path for request in s3.requests)
    written = [path.read_text() for path in (tmp_path / "events").rglob("*") if path.is_file()]
    assert "SparkListenerSQLExecutionStart" in "".join(written)
    monkeypatch.undo()
    pages = (
        s3_client().get_paginator("list_objects_v2").paginate(Bucket="sluice", Prefix=s3_lake[len("s3a://sluice/") :])
    )
    keys = [item["Key"] for page in pages for item in page["Contents"]]
    stored = [s3_client().get_object(Bucket="sluice", Key=key) for key in keys]
    assert len(stored) > 5
    assert not any(CANARY in text for text in (out, err, *written))
    assert not any(CANARY.encode() in answer["Body"].read() for answer in stored)


@pytest.fixture
def guarded(monkeypatch):
    """A server that checks signatures and rights, with the buckets and the user of the policy of docs/s3.md."""
    policy = re.search(r"```json\n(.*?)```", (PROJECT / "docs" / "s3.md").read_text(), re.DOTALL).group(1)
    monkeypatch.setenv("INITIAL_NO_AUTH_ACTION_COUNT", "6")  # moto's: so many requests are not checked
    port = free_port()
    server = S3Server(port)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    for bucket in ("landing", "warehouse"):
        s3_client().create_bucket(Bucket=bucket)
    s3_client().put_object(Bucket="landing", Key="in/a.csv", Body=f"{HEADER}\n1,x,\nno name\n".encode())
    users = boto3.client("iam")
    users.create_user(UserName="job")
    users.put_user_policy(UserName="job", PolicyName="lake", PolicyDocument=policy)
    keys = users.create_access_key(UserName="job")["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys["SecretAccessKey"])
    yield server
    server.stop()


@pytest.mark.skipif("SLUICE_TEST_S3" in os.environ, reason="of moto alone")
def test_the_policy_of_the_documentation_suffices_and_what_it_does_not_grant_is_refused(
    submit, guarded, monkeypatch, database
):
    def done(*arguments, lake="s3://warehouse/lake", code=0):
        monkeypatch.setenv("SLUICE_LAKE", lake)
        found, out, err = finished(submit(*arguments))
        assert found == code, err[-3000:]
        return json.loads(out)["status"], err.splitlines()[-1]

    assert done("run", "products", "s3://landing/in/", "--max-rejects", 1)[0] == "succeeded"
    assert done("ingest", "products", "s3://landing/in/", "--max-rejects", 1)[0] == "nothing_new"
    assert done("rejects", "list")[0] == "succeeded"
    assert done("maintain", "clear", "products")[0] == "succeeded"
    assert done("maintain", "vacuum", "products", "--older-than", 0, "--force")[0] == "succeeded"
    _, line = done("ingest", "products", "s3://landing/in/", lake="s3://warehouse/other", code=2)
    assert re.search("^ingest: s3a://warehouse/other: access denied .*: check the rights on bucket warehouse$", line)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    _, line = done("ingest", "products", "s3://landing/in/", code=3)
    assert "S3 refused the credentials (SignatureDoesNotMatch): renew them" in line
