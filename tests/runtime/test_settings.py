"""Flag beats environment beats file beats default."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sluice.cli.options import KEYS
from sluice.errors import UsageError
from sluice.runtime import settings
from sluice.runtime.log_lines import LogStyle
from sluice.runtime.settings import Settings

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
    done = job("maintain", "clear", "products")
    error = f"table products is not in lake {tmp_path / 'other'}: make it with ingest or aggregate first"
    assert (done.exit_code, done.report["table"], done.report["error"]) == (3, "products", error)
    assert done.stderr.splitlines()[-1] == f"maintain: {error}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lak = 'x'", "unknown setting 'lak': did you mean 'lake'?"),
        ("max-rejects = 1", "unknown setting 'max-rejects': did you mean 'max_rejects'?"),
        ("zzz = 1", f"unknown setting 'zzz': choose one of {', '.join(sorted(KEYS))}"),
        ("lake = ", "not valid TOML: Invalid value (at end of document)"),
    ],
)
def test_a_wrong_file_is_one_line(conf, text, message):
    conf.write_text(text)
    with pytest.raises(UsageError) as caught:
        settings.defaults(KEYS)
    assert str(caught.value) == f"{conf}: {message}"


def test_a_wrong_file_ends_a_job(job, conf):
    conf.write_text("lak = 'x'")
    done = job("rejects", "list")
    assert (done.exit_code, done.report["error"]) == (2, f"{conf}: unknown setting 'lak': did you mean 'lake'?")


def test_every_shared_option_is_a_setting(job, conf):
    conf.write_text("encoding = 'utf-9'\ndry_run = true\nschema = 'shop'\nskip_lines = 2")
    assert settings.defaults(KEYS) == {"encoding": "utf-9", "dry_run": True, "schema": "shop", "skip_lines": 2}
    done = job("ingest", "products", "a.csv")
    assert (done.exit_code, done.report["error"].partition(":")[0]) == (2, "--encoding 'utf-9' is unknown")


def test_a_file_that_is_missing_sets_nothing(conf):
    assert settings.defaults(KEYS) == {}


GIVEN = {"lake": "lake", "tables": None, "run_id": None, "result_file": None, "log_format": "text", "progress": "auto"}
GIVEN |= {"metrics_file": None, "shared_filesystem": False, "keep_warm": None, "profile": None}


def test_settings_are_taken_out_of_the_options(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SLUICE_CONF_DIR", "conf")
    options = {**GIVEN, "run_id": "r1", "by": "name"}
    found = Settings.of(options)
    assert options == {"by": "name"}
    assert found == Settings(
        lake=str(tmp_path / "lake"),
        run_id="r1",
        dry_run=False,
        shared_filesystem=False,
        keep_warm=None,
        profile=None,
        result_file=None,
        metrics_file=None,
        log_format="text",
        progress="auto",
        lock_timeout=0,
        tables=str(tmp_path / "conf" / "tables"),
    )
    assert Settings.of({**GIVEN, "lake": f"file://{tmp_path}/l"}).lake == f"{tmp_path}/l"
    for uri in ("s3://my-bucket/a/b/", "s3a://my-bucket//a/b"):
        assert Settings.of({**GIVEN, "lake": uri}).lake == "s3a://my-bucket/a/b"
    assert Settings.of({**GIVEN, "lake": "s3://my-bucket"}).lake == "s3a://my-bucket"
    for name in ("s3", "s3:a", "s3a"):  # folders on disk
        assert Settings.of({**GIVEN, "lake": f"{tmp_path}/{name}"}).lake == f"{tmp_path}/{name}"
        assert Settings.of({**GIVEN, "lake": name}).lake == str(Path(name).absolute())
    assert Settings.of({**GIVEN, "dry_run": True, "lock_timeout": 5}).lock_timeout == 5
    assert re.fullmatch(r"\d{8}T\d{6}-[0-9a-f]{8}", Settings.of(dict(GIVEN)).run_id)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("run_id", "a'b", '--run-id "a\'b": use at most 200 letters, digits and . _ : + -'),
        ("run_id", "x" * 201, f"--run-id '{'x' * 201}': use at most 200 letters, digits and . _ : + -"),
        ("lake", "gs://bucket/lake", "--lake gs://bucket/lake: give a folder on disk or s3://BUCKET/FOLDER"),
        ("lake", "s3:///lake", "--lake s3:///lake: '' is not the name of a bucket: give s3://BUCKET/FOLDER"),
        ("tables", "nowhere", "--tables nowhere: this folder does not exist: create it, or leave the option out"),
        ("profile", "nowhere", "--profile nowhere: this folder does not exist: create it first"),
        ("result_file", "nowhere/r", "--result-file nowhere/r: its folder does not exist: create it first"),
    ],
)
def test_what_cannot_be_set(option, value, message):
    with pytest.raises(UsageError) as caught:
        Settings.of({**GIVEN, option: value})
    assert str(caught.value) == message


@pytest.mark.parametrize("odd", ["[x]", "|", "^", "%41", "\\", "\t", "\udcff"])
def test_lakes_that_the_libraries_of_delta_misread(odd):
    with pytest.raises(UsageError, match=r"--lake .* Delta's libraries misread this path: choose a folder without"):
        Settings.of({**GIVEN, "lake": f"a{odd}b"})


def test_a_path_that_is_no_uri_is_refused_like_others():
    with pytest.raises(UsageError, match="Delta's libraries misread this path"):
        Settings.of({**GIVEN, "lake": "//[x"})


def test_the_log_style_is_known_before_the_options_are(monkeypatch):
    def style(*arguments, **defaults):
        return settings.log_style("ingest", arguments, defaults)

    monkeypatch.delenv("SLUICE_RUN_ID", raising=False)
    assert style("--log-format", "json", "--run-id=r1") == LogStyle("json", "r1", "ingest")
    assert style("--run-id", "r1", "--run-id", "r2").run_id == "r2"
    assert style("--", "--log-format", "json", run_id="r3") == LogStyle("text", "r3", "ingest")
    monkeypatch.setenv("SLUICE_LOG_FORMAT", "json")
    assert style(log_format="text", run_id="r3") == LogStyle("json", "r3", "ingest")
    assert style("--log-format", "text", run_id="r3") == LogStyle("text", "r3", "ingest")
