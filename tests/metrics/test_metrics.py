"""What `--metrics-file` writes of real runs, and that nothing about it can fail a run."""

from __future__ import annotations

import json
import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from conftest import HEADER, run_job
from deltalake import write_deltalake
from named import unknown
from prometheus_client.parser import text_string_to_metric_families
from sluice.cli.listeners import listeners
from sluice.errors import Terminated
from sluice.ledger import rejects
from sluice.metrics.families import FAMILIES, Metrics
from sluice.metrics.tables import add_locks, add_table
from sluice.metrics.write import write_metrics
from sluice.runtime.exit import Listener, tell
from sluice.runtime.log_lines import LogStyle
from sluice.runtime.report import Report
from sluice.status.reject_groups import OTHERS, reason_counts


def read(text):
    """Metric → its samples: the values of labels but the lake's, sorted by the names of labels → value."""
    found = {}
    for family in text_string_to_metric_families(text if isinstance(text, str) else text.read_text()):
        assert (family.type, FAMILIES[family.name][0]) == ("gauge", family.documentation)
        for sample in family.samples:
            labels = {name: value for name, value in sample.labels.items() if name not in ("command", "lake")}
            found.setdefault(sample.name, {})[tuple(labels[name] for name in sorted(labels))] = sample.value
    return found


def labels_in(*files):
    """Metric → the names of its labels."""
    families = [family for file in files for family in text_string_to_metric_families(file.read_text())]
    return {sample.name: {*sample.labels} for family in families for sample in family.samples}


def test_a_run_and_its_tables(job, lake, database, csv_file, tmp_path):
    """A dirty file, then no new file, then a missing one: what all files of metrics hold."""
    path = csv_file("a.csv", HEADER, "1,x,", "1,y,", "2,y,", ",no key,", "3,z,")
    file, status = tmp_path / "products.prom", tmp_path / "status.prom"
    done = job("run", "products", path, "--max-rejects", "50%", "--metrics-file", file)
    assert done.exit_code == 0
    found, text = read(file), file.read_text()
    assert f'sluice_table_rows{{command="products",lake="{lake}",table="products"}} 3.0\n' in text
    rows = {key[0]: value for key, value in found["sluice_last_run_rows"].items() if key[1:] == ("ingest", "products")}
    expected = {"rejected": 1, "duplicate": 1, "inserted": 3, "updated": 0, "unchanged": 0, "deleted": 0}
    assert rows == expected
    assert found["sluice_last_run_rejects"] == {("sku is empty", "ingest", "products"): 1}
    assert found["sluice_table_rejects_by_reason"] == {("sku is empty", "products"): 1}
    assert found["sluice_table_rejects"] == {("products",): 1}
    assert found["sluice_last_run_read_bytes"]["ingest", "products"] == path.stat().st_size
    jobs = [("run", "products"), ("ingest", "products"), ("aggregate", "products_agg"), ("export", "products_agg")]
    assert found["sluice_last_run_success"] == dict.fromkeys(jobs, 1)
    seconds = done.report["steps"][0]["seconds"]
    assert {
        key[1]: value for key, value in found["sluice_last_run_step_seconds"].items() if key[0] == "ingest"
    } == seconds
    assert found["sluice_table_version"] == {("products",): 0, ("products_agg",): 0}
    assert found["sluice_table_size_bytes"]["products",] == sum(
        p.stat().st_size for p in lake.glob("products/*.parquet")
    )
    assert found["sluice_aggregate_lag_seconds"] == {("products", "products_agg"): 0}
    assert found["sluice_export_lag_versions"] == {("fresh", "products_agg"): 0}
    assert abs(found["sluice_table_updated_timestamp_seconds"]["products",] - datetime.now(UTC).timestamp()) < 60

    assert run_job("status", "--metrics-file", status).exit_code == 0
    assert read(status)["sluice_table_rows"] == {("products",): 3, ("products_agg",): 2}
    assert read(status)["sluice_table_lock_held_seconds"] == {("products",): 0, ("products_agg",): 0}
    assert labels_in(file, status) == {name: {*labels} for name, (_, labels) in FAMILIES.items()}
    assert unknown(labels_in(file, status)) == []

    success = found["sluice_last_success_timestamp_seconds"]
    failed = run_job("run", "products", "missing.csv", "--metrics-file", file)
    assert (failed.exit_code, failed.report["status"]) == (3, "failed")
    found = read(file)
    assert found["sluice_last_run_success"] == {("run", "products"): 0}
    assert found["sluice_last_success_timestamp_seconds"] == success
    assert found["sluice_last_run_timestamp_seconds"]["run", "products"] > success["run", "products"]
    assert found["sluice_table_rows"]["products",] == 3
    again = run_job("ingest", "products", path, "--metrics-file", tmp_path / "ingest.prom")
    assert again.report["status"] == "nothing_new"
    assert read(tmp_path / "ingest.prom")["sluice_last_run_success"] == {("ingest", "products"): 1}
    assert "sluice_last_run_rejects" not in read(tmp_path / "ingest.prom")


def test_wrong_usage_is_a_run_that_failed_on_the_table_of_the_command(lake, tmp_path, monkeypatch):
    file = tmp_path / "products.prom"
    metrics = Metrics("products", str(lake))
    metrics.add("sluice_last_success_timestamp_seconds", 1700000000.5, "ingest", "products")
    file.write_bytes(metrics.text())
    monkeypatch.setenv("SLUICE_METRICS_FILE", str(file))
    assert run_job("ingest", "products", "a.csv", "--no-such-option").exit_code == 2
    assert read(file)["sluice_last_run_success"] == {("ingest", "products"): 0}
    assert read(file)["sluice_last_success_timestamp_seconds"] == {("ingest", "products"): 1700000000.5}
    assert run_job("ingest", "product", "a.csv").exit_code == 2
    assert read(file)["sluice_last_success_timestamp_seconds"] == {("ingest", "products"): 1700000000.5}
    file.write_text("not metrics {\n")
    assert run_job("ingest", "products", "a.csv", "--lake", "gs://x").exit_code == 2
    assert read(file)["sluice_last_run_success"] == {("ingest", ""): 0}
    before = file.read_bytes()
    assert run_job("ingest", "products", "a.csv", "--dry-run").exit_code == 3
    assert file.read_bytes() == before


@pytest.mark.parametrize("name", ["nowhere/a.prom", "folder"])
def test_a_file_that_cannot_be_written_is_a_line(lake, tmp_path, name):
    (tmp_path / "folder").mkdir()
    done = run_job("tables", "list", "--metrics-file", tmp_path / name, "--log-format", "json")
    assert (done.exit_code, done.report["status"]) == (0, "succeeded")
    line, last = (json.loads(line)["message"] for line in done.stderr.splitlines()[-2:])
    assert line.startswith(f"--metrics-file {tmp_path / name}: failed: ")
    assert last.startswith("tables: succeeded")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_run_is_told_even_if_its_lake_cannot_be_read(lake, tmp_path, capsys):
    log, file = lake / "runs" / "_delta_log", tmp_path / "a.prom"
    log.mkdir(parents=True)
    (log / f"{0:020}.json").write_text("{")
    report = Report("ingest", "r", table="products")
    tell(listeners(str(file), str(lake), str(tmp_path)), report, ValueError("x"), LogStyle())
    assert read(file)["sluice_last_run_success"] == {("ingest", "products"): 0}
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"warning: --metrics-file {file}: failed: table runs: ")


@pytest.mark.slow
def test_a_lake_on_s3(job, s3_lake, csv_file, tmp_path):
    file = tmp_path / "a.prom"
    done = job(
        "ingest", "products", csv_file("a.csv", HEADER, "1,x,", ",y,"), "--max-rejects", 1, "--metrics-file", file
    )
    assert done.exit_code == 0
    found = read(file)
    assert found["sluice_table_rows"] == {("products",): 1}
    assert found["sluice_last_run_rejects"] == {("sku is empty", "ingest", "products"): 1}
    assert f'lake="{s3_lake}"' in file.read_text()


@pytest.mark.slow
def test_a_run_that_is_stopped_is_told(submit, lake, big_file, tmp_path):
    file = tmp_path / "a.prom"
    run = submit("ingest", "products", big_file, "--metrics-file", file, SLUICE_PROGRESS="plain")
    next(line for line in run.stderr if "read …" in line)
    os.kill(run.pid, signal.SIGTERM)
    out, _ = run.communicate(timeout=60)
    assert (run.returncode, json.loads(out)["status"]) == (143, "failed")
    assert read(file)["sluice_last_run_success"] == {("ingest", "products"): 0}


class Panic(BaseException):
    """As delta-rs raises: no Exception."""


@pytest.mark.parametrize("failure", [Panic("a\nb"), OSError(28, "No space left on device"), Terminated(signal.SIGTERM)])
def test_nothing_that_fails_in_a_listener_is_the_runs_failure(failure, capsys):
    heard, report = [], Report("ingest", "r1", status="succeeded")

    def fail(report, _):
        raise failure

    def hear(*told):
        heard.append(told)

    tell((Listener("one", fail), Listener("two", hear)), report, None, LogStyle())
    assert (heard, report.status, report.error) == ([(report, None)], "succeeded", None)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: one: failed: ")
    assert line.endswith(" (the run itself ended as its report says)")
    assert listeners(None, "lake", "tables") == ()


ODD = "no 'a' \"b\"\n\\ \udcff} x{"


def add_rejects(lake, *rejected):
    """Writes rejects as `(table, run id, reason)`."""
    at = datetime.now(UTC)
    columns = list(
        zip(*[(r, t, "f", n, "", reason, at, "", at, "") for n, (t, r, reason) in enumerate(rejected)], strict=True)
    )
    write_deltalake(
        f"{lake}/rejects", pa.table([[*column] for column in columns], schema=rejects.SCHEMA), mode="append"
    )


def test_labels_hold_whatever_names_and_reasons_are(tmp_path):
    metrics = Metrics(ODD, "/l ä")
    metrics.add("sluice_last_run_rejects", 1, "ingest", 't"\n', ODD)
    text = metrics.text().decode()
    assert len(text.splitlines()) == 3
    (family,) = text_string_to_metric_families(text)
    shown = ODD.replace("\udcff", r"\udcff")
    assert family.samples[0].labels["reason"] == shown
    assert family.samples[0].labels["command"] == shown


def test_reasons_are_counted_by_table_and_run_without_their_values(tmp_path):
    add_rejects(tmp_path, ("t", "r1", "bad 'x'"), ("t", "r1", "bad 'y'"), ("t2", "r1", "bad 'x'"), ("t.", "r1", "no"))
    add_rejects(tmp_path, ("t", "r2", "bad 'z'"), ("t", "r2", "worse\nthan"), ("t", "r.", "bad 'x'"))

    def counts(*arguments):
        return [(group.table, group.reason, group.count) for group in reason_counts(str(tmp_path), *arguments)]

    assert counts(["t"]) == [("t", "bad '…'", 4), ("t", "worse\nthan", 1)]
    assert counts(["t2", "t"], "r1") == [("t", "bad '…'", 2), ("t2", "bad '…'", 1)]
    assert counts(["t."], "r.") == []
    add_rejects(tmp_path, *(("many", "r1", f"reason {n}") for n in range(60)))
    assert [pair[1:] for pair in counts(["many"])][-1] == (OTHERS, 10)
    assert len(counts(["many"])) == 51


LAG = {"versions": None, "hours": None, "why": "its table was made anew"}
STATE = {"table": "a", "aggregate_of": "t", "rows": None, "files": 1, "bytes": 2, "version": 3, "updated_at": None}
STATE |= {
    "rejects": None,
    "lag": LAG,
    "exports": [{"schema": "s", "lag": {"versions": 2, "hours": 0.5}}],
    "error": None,
}


def test_the_state_of_a_table():
    metrics = Metrics("status", "lake")
    add_table(metrics, STATE)
    add_table(metrics, {**STATE, "table": "absent", "version": None})
    add_table(
        metrics,
        {
            **STATE,
            "table": "bad",
            "version": None,
            "files": None,
            "bytes": None,
            "lag": None,
            "error": "x",
            "exports": [],
        },
    )
    assert read(metrics.text().decode()) == {
        "sluice_table_version": {("a",): 3},
        "sluice_table_files": {("a",): 1},
        "sluice_table_size_bytes": {("a",): 2},
        "sluice_table_error": {("a",): 0, ("bad",): 1},
        "sluice_aggregate_lag_seconds": {("t", "a"): float("inf")},
        "sluice_export_lag_versions": {("s", "a"): 2},
        "sluice_export_lag_seconds": {("s", "a"): 1800},
    }


def test_locks():
    since = datetime.now(UTC) - timedelta(seconds=9)
    runs = [
        {"job": "ingest", "table": "a", "since": since, "seconds": 9.0},
        {"job": "export", "table": "b", "since": since, "seconds": 9.0},  # locks PostgreSQL's table
        {"job": None, "table": "c", "since": None, "seconds": None},  # a dry run, since nobody knows when
        {"job": None, "table": "a", "since": since, "seconds": 5.0},  # waits
        {"job": None, "table": "new", "since": since, "seconds": 5.0},
    ]
    metrics = Metrics("status", "lake")
    add_locks(metrics, [{**STATE, "table": name} for name in "abc"], runs)
    assert read(metrics.text().decode()) == {
        "sluice_table_lock_held_seconds": {("a",): 9, ("b",): 0, ("new",): 0},
        "sluice_table_waiting_runs": {("a",): 1, ("b",): 0, ("c",): 0, ("new",): 1},
    }


def test_only_a_run_that_succeeds_ends_what_its_command_did_before(tmp_path):
    """A command whose arguments change does not tell of its earlier table for ever."""
    file = tmp_path / "x.prom"
    for table, status in (("a", "succeeded"), ("b", "failed"), ("b", "nothing_new")):
        report = Report("ingest", "r", status=status, table=table)
        write_metrics(str(file), report, "", "")
        expected = {"succeeded": {"a"}, "failed": {"a"}, "nothing_new": {"b"}}[status]
        assert {key[1] for key in read(file)["sluice_last_success_timestamp_seconds"]} == expected
    assert [Path(name).name for name in os.listdir(tmp_path)] == ["x.prom"]
