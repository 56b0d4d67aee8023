"""Jobs in the locales of cron, of a machine that lacks the one named, and of Turkey: any letters arrive."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from conftest import PROJECT
from processes import finished

TABLE = """
key = ["id"]
partition_by = ["city"]
[source]
format = "csv"
[columns]
id = "int"
city = "string"
"""
AGGREGATE = """
[aggregates.stations_by_city]
by = ["city"]
measures = { stations = "count" }
"""
LOCALES = {
    "cron": {"LC_ALL": "POSIX"},
    "not there": {"LANG": "xx_XX.UTF-8"},
    # a machine may lack this one too, but not Java
    "turkish": {"LANG": "tr_TR.UTF-8", "JAVA_TOOL_OPTIONS": "-Duser.language=tr -Duser.country=TR"},
}


@pytest.fixture(params=["cron", *(pytest.param(name, marks=pytest.mark.slow) for name in ("not there", "turkish"))])
def locale(request, monkeypatch):
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in LOCALES[request.param].items():
        monkeypatch.setenv(name, value)


def test_arguments_and_values_arrive_and_standard_output_is_one_json_document(submit, tmp_path, monkeypatch, locale):
    monkeypatch.setenv("SLUICE_TABLES", str(tmp_path))
    monkeypatch.setenv("SLUICE_LAKE", str(tmp_path / "läke"))
    monkeypatch.setenv("SPARK_HOME", "/nowhere")  # another Spark than Sluice's own
    (tmp_path / "stations.toml").write_text(TABLE)
    for folder, name, record in ((b"in-\xc3\xbc", b"\xc3\xa4.csv", "1,Köln"), (b"in-xy", b"x.csv", "2,Bonn")):
        path = bytes(tmp_path) + b"/" + folder
        (tmp_path / folder.decode()).mkdir()
        with open(path + b"/" + name, "w", encoding="utf-8") as file:
            file.write(f"id,city\n{record}\n")
    with open(bytes(tmp_path) + b"/in-\xc3\xbc/\xe4.csv", "w", encoding="utf-8") as file:  # a name that is not UTF-8
        file.write("id,city\n3,İzmir\n")

    options = ("--progress", "auto", "--result-file", tmp_path / "ß.json")
    code, out, err = finished(submit("ingest", "stations", tmp_path / "in-ü", *options, shipped=True))
    assert (code, json.loads(out)["files"], json.loads(out)["rows_inserted"]) == (0, 2, 2), err
    assert (tmp_path / "ß.json").read_text() == out
    assert "merge …" in err
    assert "WARN" not in err
    assert "2 rows read: 2 inserted; stations is at version 1; " in err.splitlines()[-1]

    question = ("query", "stations", "--by", "city", "--metric", "count", "--format", "csv")
    code, out, err = finished(submit(*question, "--where", "city IN ('Köln', 'İzmir')"))
    assert (code, sorted(out.splitlines())) == (0, ["Köln,1", "city,count", "İzmir,1"]), err

    code, out, err = finished(submit("ingest", "stations", tmp_path / "in-ü" / "fehlt-ß.csv"))
    assert (code, "fehlt-ß.csv: no such file" in json.loads(out)["error"], "fehlt-ß.csv" in err) == (3, True, True)


@pytest.mark.slow
def test_a_job_of_each_kind(submit, tmp_path, monkeypatch, database, locale):
    monkeypatch.setenv("SLUICE_TABLES", str(tmp_path))
    monkeypatch.setenv("SLUICE_LAKE", str(tmp_path / "läke"))
    (tmp_path / "stations.toml").write_text(TABLE + AGGREGATE)
    path = tmp_path / "in-ü" / "ß.csv"
    path.parent.mkdir()
    path.write_text("id,city\n1,Köln\n2,İzmir\nx,Łódź\n", encoding="utf-8")

    def done(*arguments, code=0):
        found, out, err = finished(submit(*arguments))
        assert found == code, err
        return json.loads(out)

    assert done("run", "stations", path, "--max-rejects", 1, "--run-id", "daily")["status"] == "succeeded"
    assert database('SELECT city, stations FROM stations_by_city ORDER BY stations, city COLLATE "C"') == [
        ("Köln", 1),
        ("İzmir", 1),
    ]
    (kept,) = done("rejects", "list", "stations", "--file", path.as_uri(), "--reason", "'x'")["rows"]
    assert (kept["raw"], kept["run_id"]) == ("x,Łódź", "daily")
    path.write_text(path.read_text(encoding="utf-8").replace("x,", "3,"), encoding="utf-8")
    assert done("rejects", "replay", "stations")["rows_inserted"] == 1
    assert done("aggregate", "stations")["mode"] == "incremental"
    assert done("export", "stations_by_city")["status"] == "succeeded"
    assert done("maintain", "optimize", "stations")["status"] in ("succeeded", "nothing_new")
    assert done("tables", "list")["status"] == "succeeded"
    made = tmp_path / "gemäß.csv"
    assert done("generate", "products", "--rows", 10, "--output", made)["status"] == "succeeded"
    assert made.exists()


def test_letters_that_a_bare_spark_submit_may_have_lost_are_not_guessed(tmp_path):
    def answer(path, locale):
        environment = os.environ | {"PYTHONPATH": f"{PROJECT}/lib", "PYSPARK_GATEWAY_PORT": "1", "LC_ALL": locale}
        command = [sys.executable, PROJECT / "jobs" / "ingest.py", "products", tmp_path / path]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        return done.returncode, done.stderr.splitlines()[-1]

    lost = "ingest: arguments may have lost letters in this locale: set LC_ALL=C.UTF-8, or use ./spark-submit.sh"
    assert answer("in-?", "POSIX") == (2, lost)
    assert answer("in-?", "C.UTF-8")[0] == 0  # a glob that matches nothing
    assert answer("in-u", "POSIX") == (3, f"ingest: {tmp_path}/in-u: no such file or folder: check the path")
