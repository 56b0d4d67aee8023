"""`sluice.run`: a job called from Python, its report and its errors."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
import sluice
from conftest import PROJECT
from processes import read_until
from sluice.api.run import _flags
from sluice.errors import InputError, UsageError
from sluice.runtime import home


def test_options_are_written_as_the_jobs_take_them():
    options = {"max_rejects": "5%", "reprocess": True, "dry_run": False, "delimiter": None}
    more = {"by": ["name", "date"], "from_": date(2024, 10, 15), "limit": 3, "lake": Path("/a b")}
    assert _flags({**options, **more}) == [
        *("--max-rejects", "5%", "--reprocess", "--by", "name,date", "--from", "2024-10-15", "--limit", "3"),
        *("--lake", "/a b"),
    ]


def test_a_report_and_failures_come_as_in_the_job(lake, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    report = sluice.run("tables", "show", "scores")
    assert (report.status, [row["column"] for row in report.rows]) == ("succeeded", ["id", "value"])
    with pytest.raises(InputError, match=r"^missing.csv: no such file or folder: check the path$") as caught:
        sluice.run("ingest", "products", "missing.csv", max_rejects="5%")
    assert caught.value.exit_code == 3
    assert "ingest: missing.csv: no such file" in capsys.readouterr().err
    with pytest.raises(UsageError, match="unknown job 'ingst': did you mean 'ingest'"):
        sluice.run("ingst", "products")


def test_without_the_project_it_says_where_jobs_are(tmp_path, monkeypatch):
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path))
    with pytest.raises(UsageError, match=r"^jobs cannot be run from here: .* set SLUICE_HOME to its folder"):
        sluice.run("tables")
    monkeypatch.setenv("SLUICE_HOME", str(PROJECT))
    assert home.project() == PROJECT


@pytest.mark.slow
def test_an_interrupt_ends_the_job_and_is_told(lake, big_file):
    program = f"import sluice\nsluice.run('ingest', 'products', {str(big_file)!r}, progress='plain')"
    others = {name: value for name, value in os.environ.items() if name not in ("SPARK_SUBMIT_OPTS", "SPARK_CONF_DIR")}
    environment = {**others, "PYTHONPATH": str(PROJECT / "lib")}
    process = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True, env=environment)
    read_until(process, "read")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert "sluice.errors.Terminated: stopped by SIGINT: rerun the same command" in errors
    assert sluice.lake(str(lake)).runs().column("status").to_pylist() in (["failed"], [])
