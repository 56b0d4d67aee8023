"""Secrets stay out of logs, reports and the lake at Spark's finest log level (`test_export_killed`: at debug)."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from conftest import HEADER
from processes import finished

TOWNS = """
key = ["id"]
partition_by = ["land"]
[source]
format = "csv"
[columns]
id = "string"
land = "string"
"""
SLOW = pytest.mark.slow  # trace writes hundreds of thousands of lines


@SLOW
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_an_export_does_not_show_the_password_at_trace(
    submit, job, tmp_path, lake, database, postgres_url, monkeypatch, log_format
):
    """Of changes in a partition of null, which Spark reads: other exports have no Spark that could show it."""
    monkeypatch.setenv("SLUICE_SPARK_LOG_LEVEL", "trace")
    monkeypatch.setenv("SLUICE_TABLES", str(tmp_path))
    password = urlsplit(postgres_url).password
    (tmp_path / "towns.toml").write_text(TOWNS)
    path = tmp_path / "a.csv"
    path.write_text("id,land\n1,\n")
    job("ingest", "towns", path)
    job("export", "towns")
    path.write_text("id,land\n2,\n")
    job("ingest", "towns", path)
    code, out, err = finished(submit("export", "towns", "--log-format", log_format))
    assert (code, database("SELECT id FROM towns ORDER BY 1")) == (0, [("1",), ("2",)]), err[-2000:]
    assert "TRACE" in err
    assert [line for line in (out + err).splitlines() if password in line] == []
    assert [path for path in lake.rglob("*.json") if password in path.read_text()] == []


@SLOW
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_job_shows_a_secret_at_trace(
    submit, csv_file, lake, database, postgres_url, tmp_path, monkeypatch, log_format
):
    secrets = (urlsplit(postgres_url).password, "k9-canary-of-the-key-of-s3")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secrets[1])
    monkeypatch.setenv("SLUICE_SPARK_LOG_LEVEL", "trace")
    for arguments in (
        ("generate", "products", "--rows", 5, "--output", tmp_path / "made.csv"),
        ("ingest", "products", csv_file("a.csv", HEADER, "1,x,", "only a sku"), "--max-rejects", 1),
        ("aggregate", "products"),
        ("export", "products"),
        ("run", "products", tmp_path / "made.csv"),
        ("query", "products", "--metric", "count"),
        ("rejects", "list"),
        ("rejects", "replay", "products", "--max-rejects", 1),
        ("maintain", "optimize", "products"),
        ("tables", "list"),
    ):
        code, out, err = finished(submit(*arguments, "--log-format", log_format), timeout=400)
        assert code == 0, err[-2000:]
        assert [line for line in (out + err).splitlines() if any(secret in line for secret in secrets)] == []
    stored = [path for path in lake.rglob("*") if path.is_file()]
    assert len(stored) > 20
    assert [path for path in stored if any(secret.encode() in path.read_bytes() for secret in secrets)] == []
