"""What an OpenLineage server is told of jobs, and that it is never the cause of a failed or a slow run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from conftest import HEADER, PROJECT, run_job
from openlineage_server import OpenLineageServer
from processes import finished, wait_for
from sluice.lineage import sender
from sluice.lineage.datasets import MOST_FILES, Work, dataset_name
from sluice.runtime.report import Report

PARENT = ("airflow", "dag.task", "019b1c61-0f5c-7b5e-8000-1d9d0e6b4ad1")
ROOT = ("airflow", "dag", "019b1c61-0f5c-7b5e-8000-1d9d0e6b4ad2")


@pytest.fixture
def server(monkeypatch, tmp_path) -> Iterator[OpenLineageServer]:
    """A server that the environment names, with a password in its URL."""
    running = OpenLineageServer()
    monkeypatch.setenv("OPENLINEAGE_URL", f"http://user:url-secret@{running.address}")
    monkeypatch.setenv("OPENLINEAGE_API_KEY", "key-secret")
    yield running
    running.stop()


def told(events):
    return [(event["eventType"], event["job"]["name"]) for event in events]


def event_of(events, state, name):
    (found,) = (event for event in events if (event["eventType"], event["job"]["name"]) == (state, name))
    return found


def parent(event):
    facet = event["run"]["facets"]["parent"]
    return [(one["job"]["namespace"], one["job"]["name"], one["run"]["runId"]) for one in (facet, facet["root"])]


def names(datasets):
    return [(dataset["namespace"], dataset["name"]) for dataset in datasets]


def described(dataset):
    """The columns with their types, the version, and what became of the table."""
    facets = dataset["facets"]
    columns = {field["name"]: field["type"] for field in facets["schema"]["fields"]}
    return (
        columns,
        facets.get("version", {}).get("datasetVersion"),
        facets.get("lifecycleStateChange", {}).get("lifecycleStateChange"),
    )


def counted(facet):
    return {name: value for name, value in facet.items() if not name.startswith("_")}


def test_a_run_tells_what_its_parts_read_and_write(job, server, lake, csv_file, database, postgres_url, monkeypatch):
    monkeypatch.setenv("OPENLINEAGE_PARENT_ID", "/".join(PARENT))
    monkeypatch.setenv("OPENLINEAGE_ROOT_PARENT_ID", "/".join(ROOT))
    monkeypatch.setenv("OPENLINEAGE_NAMESPACE", "shop")
    path = csv_file("ä b.csv", HEADER, "1,Lamp,", "1,Desk lamp,", "2,Chair,", ",Stool,")
    assert job("run", "products", path, "--max-rejects", "50%", "--run-id", "monday").exit_code == 0
    events = server.events
    parts = ["ingest products", "aggregate products_agg", "export products_agg"]
    starts_and_ends = [(state, name) for name in parts for state in ("START", "COMPLETE")]
    assert told(events) == [("START", "run products"), *starts_and_ends, ("COMPLETE", "run products")]
    assert {event["job"]["namespace"] for event in events} == {"shop"}
    assert {event["run"]["facets"]["tags"]["tags"][0]["value"] for event in events} == {"monday"}

    run = events[0]["run"]["runId"]
    assert [parent(event) for event in events] == [
        [PARENT, ROOT],
        *[[("shop", "run products", run), ROOT]] * 6,
        [PARENT, ROOT],
    ]
    assert len({event["run"]["runId"] for event in events}) == 4

    table, aggregate = ("file", str(lake / "products")), ("file", str(lake / "products_agg"))
    exported = ("postgres://" + postgres_url.split("@")[1].split("/")[0], "postgres.fresh.products_agg")
    ins_and_outs = [[("file", str(path))], [table]], [[table], [aggregate]], [[aggregate], [exported]]
    for name, expected in zip(parts, ins_and_outs, strict=True):
        for state in ("START", "COMPLETE"):
            event = event_of(events, state, name)
            assert [names(event["inputs"]), names(event["outputs"])] == expected

    ingest, refresh, export = (event_of(events, "COMPLETE", name) for name in parts)
    assert counted(ingest["inputs"][0]["inputFacets"]["inputStatistics"]) == {
        "rowCount": 4,
        "size": path.stat().st_size,
    }
    columns = dict.fromkeys(["sku", "name", "description"], "string") | {"ingested_at": "timestamp", "run_id": "string"}
    assert described(ingest["outputs"][0]) == (columns, "0", "CREATE")
    files = [file.stat().st_size for file in lake.glob("products/*.parquet")]
    written = {"rowCount": 2, "size": sum(files), "fileCount": len(files)}
    assert counted(ingest["outputs"][0]["outputFacets"]["outputStatistics"]) == written
    assert described(refresh["inputs"][0]) == (columns, "0", None)
    assert described(refresh["outputs"][0]) == ({"name": "string", "no_of_products": "bigint"}, "0", "CREATE")
    assert refresh["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] == 2
    assert described(export["inputs"][0]) == ({"name": "string", "no_of_products": "bigint"}, "0", None)
    assert described(export["outputs"][0]) == ({"name": "text", "no_of_products": "bigint"}, None, None)
    assert counted(export["outputs"][0]["outputFacets"]["outputStatistics"]) == {"rowCount": 2}
    password = postgres_url.split("@")[0].rpartition(":")[2]
    assert [word for word in ("url-secret", "key-secret", password) if word in "".join(server.texts)] == []


def test_a_refused_and_a_failed_run_say_why(job, server, csv_file, tmp_path, monkeypatch):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / ".git" / "config").write_text('[remote "origin"]\nurl = https://user:git-secret@example.com/x.git\n')
    monkeypatch.chdir(tmp_path)
    path = csv_file("a.csv", HEADER, ",Lamp,", "1,Chair,")
    refused = job("ingest", "products", path, "--run-id", "monday")
    missing = run_job("ingest", "products", path.parent / "b.csv", "--run-id", "monday")
    events = server.events
    assert told(events) == [(state, "ingest products") for state in ("START", "FAIL")] * 2
    errors = [event["run"]["facets"]["errorMessage"]["message"] for event in events[1::2]]
    assert errors == [refused.report["error"], missing.report["error"]]
    assert (refused.exit_code, missing.exit_code) == (4, 3)
    ids = [event["run"]["runId"] for event in events]
    assert (ids[0], ids[2]) == (ids[1], ids[3])
    assert ids[0] != ids[2], "an attempt of the same run is a run of its own"
    assert "parent" not in events[0]["run"]["facets"]
    assert "git-secret" not in "".join(server.texts)


BROKEN = {
    "down": "it could not be reached, or did not answer",
    "500": "it answered with errors, again and again",
    "404": "it answered 404",
    "hangs": "not within 0.5 s",
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_server_costs_no_more_than_a_line(server, lake, monkeypatch, capfd, how):
    monkeypatch.setattr(sender, "SECONDS", 0.5 if how == "hangs" else 30)
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TYPE", "http")
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__URL", os.environ["OPENLINEAGE_URL"])
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__RETRY", '{"backoff_factor": 0}')  # seconds between tries
    server.answer = None if how == "hangs" else 201 if how == "down" else int(how)
    if how == "down":
        server.http.server_close()
    began = time.monotonic()
    outcome = run_job("ingest", "products", "/missing.csv")
    assert time.monotonic() - began < 5
    assert (outcome.exit_code, outcome.report["error"].split(":")[0]) == (3, "/missing.csv")
    *lines, last = outcome.stderr.splitlines()
    warning = f"OpenLineage: http://{server.address} did not take the events of this run: {BROKEN[how]}"
    assert [line.split(" warning: ", 1)[1] for line in lines] == [warning]
    assert last.startswith("ingest: /missing.csv")
    assert capfd.readouterr() == ("", "")


def test_settings_that_do_not_fit_are_one_line(server, lake, monkeypatch):
    def warned(**variables):
        with pytest.MonkeyPatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            return [
                line.split(" warning: ", 1)[1]
                for line in run_job("ingest", "products", "/m.csv").stderr.splitlines()[:-1]
            ]

    see = "see OPENLINEAGE_URL and openlineage.yml"
    assert warned(OPENLINEAGE_URL="user:url-secret@x") == [
        f"OpenLineage is told nothing: its settings are not valid (ValueError): {see}"
    ]
    console = "OpenLineage is told nothing: its settings name no transport that Sluice can use"
    assert warned(OPENLINEAGE_URL="", OPENLINEAGE_CONFIG="/missing.yml") == [f"{console}: {see}"]
    assert warned(OPENLINEAGE_PARENT_ID="a/b/c") == [
        "OpenLineage: OPENLINEAGE_PARENT_ID is left out: it must be NAMESPACE/JOB/RUN, RUN a UUID"
    ]
    told_by_now = len(server.texts)
    assert told_by_now == 2
    assert warned(OPENLINEAGE_DISABLED="true") == warned(OPENLINEAGE_URL="") == []
    monkeypatch.setitem(sys.modules, "sluice.lineage.tell", None)
    assert warned() == ["OpenLineage is set up, but its client is not installed: pip install openlineage-python"]
    assert len(server.texts) == told_by_now


WITHOUT_SETTINGS = """
import sluice.cli.job, sys
print([name for name in sys.modules if "lineage" in name])
from sluice.lineage.sender import client
try: client()
except ValueError as error: print(error)
"""


def test_without_settings_nothing_is_loaded_and_the_client_logs_nothing(tmp_path):
    command = [sys.executable, "-c", WITHOUT_SETTINGS]
    environment = {"PYTHONPATH": str(PROJECT / "lib"), "HOME": str(tmp_path)}
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
    loaded, problem = done.stdout.splitlines()
    assert loaded == "['sluice.lineage', 'sluice.lineage.observe']"
    assert problem == "its settings name no transport that Sluice can use"
    assert done.stderr == ""


def test_names_of_files():
    assert dataset_name("file:///in/%C3%A4%20b.csv") == ("file", "/in/ä b.csv")
    assert dataset_name("file:///in/%FF.csv") == ("file", "/in/\\udcff.csv")
    assert dataset_name("s3a://logs/2024/a b.gz") == ("s3://logs", "2024/a b.gz")
    files = [f"file:///in/{number % 2}/{number}.csv" for number in range(MOST_FILES + 1)]
    work = Work("/lake", Report("ingest", "r", table="products"), {"files": files}, None)
    assert names_of(work.inputs(done=True)) == [("file", "/in/0"), ("file", "/in/1")]


def names_of(datasets):
    return [(dataset.namespace, dataset.name) for dataset in datasets]


@pytest.mark.slow
def test_a_stopped_run_is_aborted_and_upkeep_is_told(submit, job, server, big_file, lake, tmp_path):
    process = submit("run", "products", big_file, "--progress", "plain")
    wait_for(lambda: ("START", "ingest products") in told(server.events))
    process.send_signal(signal.SIGTERM)
    assert finished(process)[0] == 143
    started = [("START", "run products"), ("START", "ingest products")]
    assert told(server.events) == [*started, ("ABORT", "ingest products"), ("ABORT", "run products")]
    server.texts.clear()
    assert job("ingest", "products", big_file).exit_code == 0
    assert job("aggregate", "products").exit_code == 0
    assert job("ingest", "products", big_file).report["status"] == "nothing_new"
    assert job("maintain", "clear", "products").exit_code == 0
    assert job("maintain", "restore", "products", "--version", "0").exit_code == 0
    assert job("aggregate", "products", "--full-refresh").exit_code == 0
    changes = {}
    for event in server.events:
        if event["eventType"] == "COMPLETE":
            outputs = [described(dataset)[2] for dataset in event["outputs"]]
            changes.setdefault(event["job"]["name"], []).append(outputs)
    assert changes == {
        "ingest products": [["CREATE"], []],
        "aggregate products_agg": [["CREATE"], *[["OVERWRITE"]] * 3],  # clear and restore refresh it too
        "maintain clear products": [["TRUNCATE"]],
        "maintain restore products": [["OVERWRITE"]],
    }
