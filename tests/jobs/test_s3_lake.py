"""Every job on a lake in a bucket: it gives what it gives on disk."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from conftest import HEADER, ORDERS, PROJECT, s3_client, write_products
from deltalake import DeltaTable, write_deltalake
from processes import finished, kill, read_until, wait_for
from sluice.files.s3 import client
from sluice.lake import lock, log, small_tables
from sluice.lake.writer import Writer
from sluice.ledger import runs
from sluice.runtime.report import Report

LOG = '1.1.1.1 - c1 [15/Oct/2024:13:55:36 +0000] "GET /a HTTP/1.1" 200 5 "-" "-" 0.25'
PS = "USER PID PPID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND\nroot 1 0 0.5 0.1 100 50 ? Ss Oct14 0:01 /sbin/init\n"


def names(lake):
    """The names of the objects in a lake that are no table's."""
    bucket, prefix = lake.removeprefix("s3a://").split("/", 1)
    answer = s3_client().list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/_locks/")
    return [item["Key"].removeprefix(f"{prefix}/_locks/") for item in answer.get("Contents", ())]


def put(key, text):
    s3_client().put_object(Bucket="sluice", Key=key, Body=text.encode())
    return f"s3://sluice/{key}"


def test_products_from_a_bucket_into_a_bucket_to_postgresql_and_their_upkeep(job, s3_lake, rows, database):
    folder = s3_lake.removeprefix("s3a://sluice/") + "-in"
    first = put(f"{folder}/a.csv", f"{HEADER}\n1,x,\n2,y,\n,no key,\n")
    done = job("run", "products", first, "--max-rejects", "50%", "--run-id", "first")
    assert (done.exit_code, done.report["steps"][0]["rows_inserted"]) == (0, 2)
    assert database("SELECT * FROM products_agg ORDER BY 1") == [("x", 1), ("y", 1)]
    second = put(f"{folder}/b.csv", f"{HEADER}\n2,x,\n3,z,\n")
    assert job("ingest", "products", f"s3://sluice/{folder}").counts == {"read": 2, "inserted": 1, "updated": 1}
    assert job("ingest", "products", second).report["status"] == "nothing_new"
    assert job("aggregate", "products").report["mode"] == "incremental"
    assert job("export", "products_agg").report["mode"] == "incremental"
    assert database("SELECT * FROM products_agg ORDER BY 1") == [("x", 2), ("z", 1)]
    answer = job("query", "products", "--by", "name", "--metric", "count", "--format", "csv").answer
    assert sorted(answer.splitlines()) == ["name,count", "x,2", "z,1"]

    (kept,) = job("rejects", "list", "products").report["rows"]
    assert (kept["raw"], kept["file"]) == (",no key,", f"s3a://sluice/{folder}/a.csv")
    put(f"{folder}/a.csv", f"{HEADER}\n1,x,\n2,y,\n4,had no key,\n")
    assert job("rejects", "replay", "products").report["rows_inserted"] == 1
    assert rows("products", "sku", "name") == [("1", "x"), ("2", "x"), ("3", "z"), ("4", "had no key")]

    assert job("maintain", "optimize", "products").report["status"] == "succeeded"
    history = job("maintain", "history", "products").report["rows"]
    assert [row["operation"] for row in history] == ["OPTIMIZE", "WRITE", "MERGE", "WRITE"]
    assert job("maintain", "restore", "products", "--version", 0).exit_code == 0
    assert rows("products", "sku", "name") == [("1", "x"), ("2", "y")]
    assert job("ingest", "products", second).counts == {"read": 2, "inserted": 1, "updated": 1}
    freed = job("maintain", "vacuum", "products", "--older-than", 0, "--force")
    assert (freed.exit_code, re.search(r"products: \d files of [\d,]+ bytes freed", freed.stderr) is None) == (0, False)
    assert rows("products", "sku", "name") == [("1", "x"), ("2", "x"), ("3", "z")]
    gone = job("maintain", "restore", "products", "--version", 3)
    assert (gone.exit_code, "files of version 3 were vacuumed" in gone.report["error"]) == (2, True)
    assert job("maintain", "clear", "products").exit_code == 0
    assert rows("products", "sku") == []
    assert names(s3_lake) == ["_conditional_puts"]  # each lease was given back


def test_logs_listings_and_scores(job, s3_lake, tmp_path, scores):
    (tmp_path / "a.log").write_text(f"{LOG}\n")
    assert job("ingest", "requests", tmp_path / "a.log", "--format", "combined").counts == {"read": 1, "inserted": 1}
    assert job("aggregate", "resource_statistics_by_day").report["groups_recomputed"] == 1
    assert job("maintain", "prune", "requests", "--before", "2024-10-16").report["rows_removed"] == 1
    (tmp_path / "h1_2024-10-15T10-00-00.txt").write_text(PS)
    options = ("--host", "h1", "--snapshot-at", "2024-10-15T10:00:00Z")
    done = job("ingest", "processes", tmp_path / "h1_2024-10-15T10-00-00.txt", *options)
    assert done.counts == {"read": 1, "inserted": 1}, done.stderr
    assert job("aggregate", "processes").report["steps"][0]["groups_recomputed"] == 1
    assert job("ingest", "scores", scores("a", ("a", 1), ("b", 3))).counts == {"read": 2, "inserted": 2}
    assert job("aggregate", "top_scores").exit_code == 0
    assert job("query", "scores", "--top", 1, "--format", "csv").answer.splitlines()[1].startswith("b,3")


def test_a_table_of_the_users_own_with_deletes(job, s3_lake, rows, tmp_path, monkeypatch):
    (tmp_path / "orders.toml").write_text(ORDERS)
    monkeypatch.setenv("SLUICE_TABLES", str(tmp_path))
    for name, lines in {
        "a": ["1,I,2024-10-15 10:00:00", "2,D,2024-10-17 10:00:00"],
        "b": ["2,I,2024-10-16 12:00:00"],  # older than the delete
    }.items():
        (tmp_path / f"{name}.csv").write_text("\n".join(["id,op,at", *lines, ""]))
        assert job("ingest", "orders", tmp_path / f"{name}.csv").exit_code == 0
    assert rows("orders", "id") == [(1,)]
    assert job("aggregate", "orders").exit_code == 0
    assert rows("orders_by_day", "orders") == [(1,)]


def test_a_dry_run_writes_nothing_and_a_dead_run_becomes_interrupted(job, s3, s3_lake, rows, csv_file):
    path = csv_file("a.csv", HEADER, "1,n,")
    assert job("ingest", "products", path, "--dry-run").counts == {"read": 1, "inserted": 1}
    assert s3.counted()["PUT"] == 0
    writer = Writer("dead", 1, print)
    dead = runs.Run(Report("ingest", "dead"), "products", {}, datetime.now(UTC))
    alive = lock.living(s3_lake, *dead.identity)
    alive.__enter__()  # it was killed a moment ago: its sign of life is still young
    runs.start(s3_lake, dead, writer)
    assert job("ingest", "products", path, "--run-id", "next").exit_code == 0
    assert rows("runs", "run_id", "status") == [("dead", "interrupted"), ("next", "succeeded")]
    assert names(s3_lake) == ["_conditional_puts"]
    stored = json.dumps(small_tables.read(s3_lake, "runs").to_pylist(), default=str)
    assert os.environ["AWS_SECRET_ACCESS_KEY"] not in stored


def test_what_needs_no_spark_needs_few_requests(job, s3, s3_lake, csv_file):
    path = csv_file("a.csv", HEADER, "1,n,")
    job("ingest", "products", path)
    for arguments, most in (
        (("ingest", "products", path), 14),
        (("rejects", "list", "products"), 3),
        (("maintain", "history", "products"), 20),
    ):
        s3.clear()
        assert job(*arguments).exit_code == 0
        assert s3.counted()["PUT"] == 0
        assert sum(s3.counted().values()) <= most, (arguments, s3.counted())


def test_faults_of_the_network_leave_no_trace(job, s3, s3_lake, rows):
    path = put(
        f"{s3_lake.removeprefix('s3a://sluice/')}-in/a.csv", f"{HEADER}\n" + "".join(f"{i},n,\n" for i in range(500))
    )
    s3.fail("GET", "-in/a.csv", cut=True, times=2)
    s3.fail("LIST", "", status=500, times=2)
    s3.fail("PUT", "/products/part-", status=503, times=2)
    s3.fail("PUT", "/products/_delta_log/", drop=True)
    s3.fail("PUT", "/runs/_delta_log/", status=503, times=2)
    assert job("ingest", "products", path).counts == {"read": 500, "inserted": 500}
    assert s3.faults_left == 0
    assert len(rows("products", "sku")) == 500


@pytest.mark.slow
def test_a_server_that_stays_busy_is_exit_5_and_no_commit(job, s3, s3_lake, rows, csv_file):
    path = csv_file("a.csv", HEADER, "1,x,")
    s3.fail("PUT", "/products/part-", status=503, times=1000)
    done = job("ingest", "products", path)
    assert (done.exit_code, done.stderr.splitlines()[-1].startswith("ingest: S3 failed Spark: ")) == (5, True)
    assert "Traceback" not in done.stderr
    s3.clear()
    assert log.version(s3_lake, "products") is None
    assert job("ingest", "products", path).counts == {"read": 1, "inserted": 1}
    assert rows("runs", "status") == [("failed",), ("succeeded",)]


@pytest.mark.slow
def test_a_server_that_stands_still_for_a_minute_is_asked_again(job, s3, s3_lake, rows, csv_file):
    path = csv_file("a.csv", HEADER, "1,x,")
    s3.fail("PUT", "/products/part-", stall=60)
    s3.fail("PUT", "/products/_delta_log/", stall=60)
    began = time.monotonic()
    assert job("ingest", "products", path).counts == {"read": 1, "inserted": 1}
    assert time.monotonic() - began < 100
    assert rows("products", "sku") == [("1",)]


@pytest.mark.slow
@pytest.mark.parametrize("step", ["read …", "merge …", "record …"])
def test_killed_the_same_command_ends_as_one_clean_run(submit, job, s3, s3_lake, rows, tmp_path, step):
    arguments = ["ingest", "products", write_products(tmp_path / "b.csv", 10_000), "--progress", "plain", "--run-id"]
    process = submit(*arguments, "killed")
    read_until(process, step)
    if step == "merge …":
        wait_for(lambda: any(r.kind == "PUT" and "/products/part-" in r.path for r in s3.requests))
    kill(process)
    done = job(*arguments, "again")
    assert done.report["status"] == "succeeded", done.stderr
    assert len(rows("products", "sku")) == 10_000
    assert rows("runs", "run_id", "status") == [("again", "succeeded"), ("killed", "interrupted")]
    assert "is held by run killed" in done.stderr
    assert names(s3_lake) == ["_conditional_puts"]
    assert job(*arguments, "nothing").report["status"] == "nothing_new"


@pytest.mark.slow
def test_a_run_that_was_stopped_for_a_minute_does_not_commit(submit, job, s3, s3_lake, rows, csv_file, tmp_path):
    """While it stands still another run takes its lease over and commits."""
    job("ingest", "products", csv_file("a.csv", HEADER, "k1,old,d"))
    process = submit("ingest", "products", write_products(tmp_path / "b.csv", 10_000), "--progress", "plain")
    read_until(process, "merge …")
    os.killpg(process.pid, signal.SIGSTOP)
    done = job("ingest", "products", csv_file("c.csv", HEADER, "k1,newer,d"))
    assert done.counts == {"read": 1, "updated": 1}, done.stderr
    os.killpg(process.pid, signal.SIGCONT)
    code, out, err = finished(process)
    assert (code, json.loads(out)["status"]) == (5, "failed"), err
    assert "run again" in err.splitlines()[-1]
    assert rows("products", "sku", "name") == [("k1", "newer")]


WRITER = """
import sys
from pyspark.sql import SparkSession
lake, number, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
spark = SparkSession.builder.getOrCreate()
from sluice.files.s3.client import spark_options
for name, value in spark_options().items():
    spark.conf.set(name, value)
for i in range(rounds):
    spark.range(number * 1000 + i, number * 1000 + i + 1).write.format("delta").mode("append").save(lake + "/t")
"""


def written_by(drivers, rounds, lake, log_store):
    """Appends of several drivers at once, `rounds` each of one row; gives the rows that are there, and the version."""
    options = client.delta_rs_options(lake)
    write_deltalake(f"{lake}/t", pa.table({"id": pa.array([], pa.int64())}), storage_options=options)
    arguments = os.environ["PYSPARK_SUBMIT_ARGS"].replace("pyspark-shell", "")
    environment = os.environ | {"PYTHONPATH": f"{PROJECT}/lib"}
    environment["PYSPARK_SUBMIT_ARGS"] = f"{arguments} --conf spark.delta.logStore.s3a.impl={log_store} pyspark-shell"
    processes = [
        subprocess.Popen([sys.executable, "-c", WRITER, lake, str(number), str(rounds)], env=environment)
        for number in range(drivers)
    ]
    assert [process.wait(500) for process in processes] == [0] * drivers
    delta = DeltaTable(f"{lake}/t", storage_options=options)
    return sorted(delta.to_pyarrow_table().column("id").to_pylist()), delta.version()


@pytest.mark.slow
def test_drivers_at_once_lose_no_commit_with_this_log_store_and_some_with_deltas_own(s3, s3_lake):
    drivers, rounds = 3, 8
    s3.fail("PUT", "/t/_delta_log/", stall=0.2, times=1000)
    expected = [number * 1000 + i for number in range(drivers) for i in range(rounds)]
    ours = written_by(drivers, rounds, s3_lake, "sluice.lake.ConditionalPutLogStore")
    assert ours == (expected, len(expected))
    theirs, _ = written_by(drivers, rounds, f"{s3_lake}-control", "io.delta.storage.S3SingleDriverLogStore")
    assert len(theirs) < len(expected)


@pytest.mark.slow
def test_eight_jobs_at_once_wait_for_one_another(submit, s3, s3_lake, rows, csv_file):
    processes = [submit("ingest", "products", csv_file(f"{i}.csv", HEADER, f"{i},n,")) for i in range(8)]
    assert [finished(process)[0] for process in processes] == [0] * 8
    assert rows("products", "sku") == [(str(i),) for i in range(8)]
    assert log.version(s3_lake, "products") == 7
    assert {status for (status,) in rows("runs", "status")} == {"succeeded"}
