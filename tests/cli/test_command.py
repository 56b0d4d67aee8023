"""However a job is called, it ends with a report, a last line that says why, and an exit code; no Spark is needed."""

from __future__ import annotations

import json
import runpy

import pytest
from click.testing import CliRunner
from conftest import PROJECT


def answered(name, *arguments):
    """Exit code, report and last line of a call."""
    main = runpy.run_path(str(PROJECT / "jobs" / f"{name}.py"))["main"]
    done = CliRunner().invoke(main, arguments)
    return done.exit_code, json.loads(done.stdout), done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("ingest", "--delimter", ";"),
            "No such option '--delimter'. Did you mean '--delimiter'? (see ./spark-submit.sh ingest --help)",
        ),
        (
            ("maintain", "claer", "products"),
            "No such command 'claer'. Did you mean 'clear'? (see ./spark-submit.sh maintain --help)",
        ),
        (
            ("maintain", "clear", "products", "--dryrun"),
            "No such option '--dryrun'. Did you mean '--dry-run'? (see ./spark-submit.sh maintain clear --help)",
        ),
        (
            ("tables", "--lakee", "x"),
            "No such option '--lakee'. Did you mean '--lake'? (see ./spark-submit.sh tables list --help)",
        ),
        (("ingest",), "Missing argument 'TABLE'. (see ./spark-submit.sh ingest --help)"),
        (
            ("rejects",),
            "Missing command: choose one of list, replay. (see ./spark-submit.sh rejects --help)",
        ),
        (
            ("ingest", "products", "a.csv", "--max-rejects", "many"),
            "Invalid value for '--max-rejects': 'many' is neither a number of records nor a share such as 1% "
            "(see ./spark-submit.sh ingest --help)",
        ),
    ],
)
def test_wrong_usage_is_one_line_that_names_the_closest(arguments, message):
    code, report, last_line = answered(*arguments)
    assert (code, report["status"], report["job"], report["error"]) == (2, "failed", arguments[0], message)
    assert last_line == f"{arguments[0]}: {message}"


def test_wrong_usage_is_in_the_run_and_the_format_that_were_asked_for():
    code, report, last_line = answered("ingest", "--run-id", "r1", "--log-format=json", "--x")
    assert (code, report["run_id"]) == (2, "r1")
    line = json.loads(last_line)
    assert (line["run_id"], line["message"]) == ("r1", f"ingest: {report['error']}")


def test_wrong_usage_is_in_the_format_that_the_configuration_sets(tmp_path, monkeypatch):
    monkeypatch.setenv("SLUICE_CONF_DIR", str(tmp_path))
    (tmp_path / "sluice.toml").write_text('log_format = "json"\nrun_id = "nightly"')
    assert json.loads(answered("ingest", "--x")[2])["run_id"] == "nightly"
    assert json.loads(answered("ingest", "--x", "--run-id", "r1")[2])["run_id"] == "r1"
    assert answered("ingest", "--x", "--log-format", "text")[2].startswith("ingest: No such option '--x'")
