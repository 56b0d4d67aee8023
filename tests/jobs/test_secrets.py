"""The database's password stays out of logs, reports and the lake, at every level of Spark's log."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from conftest import HEADER
from processes import finished

SLOW = pytest.mark.slow  # trace writes hundreds of thousands of lines


@pytest.mark.parametrize(
    ("level", "log_format"),
    [("debug", "text"), pytest.param("trace", "text", marks=SLOW), pytest.param("trace", "json", marks=SLOW)],
)
def test_an_export_does_not_show_the_password(
    submit, job, csv_file, lake, database, postgres_url, monkeypatch, level, log_format
):
    monkeypatch.setenv("SLUICE_SPARK_LOG_LEVEL", level)
    password = urlsplit(postgres_url).password
    job("ingest", "products", csv_file("a.csv", HEADER, "1,x,"))
    code, out, err = finished(submit("export", "products", "--log-format", log_format))
    assert (code, database("SELECT sku FROM products")) == (0, [("1",)]), err[-2000:]
    assert level.upper() in err
    assert [line for line in (out + err).splitlines() if password in line] == []
    assert [path for path in lake.rglob("*.json") if password in path.read_text()] == []
