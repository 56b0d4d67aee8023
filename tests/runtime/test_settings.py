"""Flag beats environment beats file beats default."""

from __future__ import annotations

import pytest

HEADER = "sku,name,description"


@pytest.fixture
def conf(tmp_path, monkeypatch):
    monkeypatch.setenv("SLUICE_CONF_DIR", str(tmp_path))
    return tmp_path / "sluice.toml"


def test_the_order_of_settings(job, conf, csv_file, monkeypatch):
    path = csv_file("a.csv", HEADER, "1,x,", ",y,")
    assert job("ingest", "products", path).exit_code == 4
    conf.write_text('max_rejects = "50%"\nprogress = "plain"\n')
    done = job("ingest", "products", path, "--dry-run")
    assert done.exit_code == 0
    monkeypatch.setenv("SLUICE_MAX_REJECTS", "0")
    assert job("ingest", "products", path, "--dry-run").exit_code == 4
    assert job("ingest", "products", path, "--dry-run", "--max-rejects", 1).exit_code == 0


def test_a_job_of_several_commands_reads_the_file_too(job, conf, tmp_path, monkeypatch):
    monkeypatch.delenv("SLUICE_LAKE")
    conf.write_text(f"lake = '{tmp_path / 'other'}'")
    assert str(tmp_path / "other") in job("maintain", "clear", "products").stderr


@pytest.mark.parametrize(("text", "message"), [("lak = 'x'", "'lak' is no setting"), ("lake = ", "not valid TOML")])
def test_a_wrong_file_is_one_line(job, conf, text, message):
    conf.write_text(text)
    done = job("rejects", "list")
    assert (done.exit_code, message in done.report["error"]) == (2, True)


def test_a_run_id_that_is_none(job):
    done = job("rejects", "list", "--run-id", "a'b")
    assert (done.exit_code, "--run-id" in done.report["error"]) == (2, True)
