"""Whole jobs on a Spark cluster, with everything on S3 or on a folder that all machines see; what executors lack."""

from __future__ import annotations

import json
import os
import time
import venv

import pytest
from cluster import Cluster
from conftest import HEADER, ORDERS, s3_client, write_products
from processes import finished, free_port, read_until, wait_for

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Executors have credentials of their own for S3, as a role gives them."""
    keys = {name: os.environ[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    started = Cluster(tmp_path_factory.mktemp("cluster"), (free_port(), free_port()), keys)
    yield started
    started.stop()


@pytest.fixture
def on_cluster(submit, cluster):
    """Runs a job there: `on_cluster("ingest", "products", path, code=0)` gives its report and its last line."""

    def run(*arguments, code=0):
        options = ("--master", cluster.url, "--executor-memory", "512m")
        found, out, err = finished(submit(*options, *arguments, shipped=True), timeout=300)
        assert found == code, err[-3000:]
        assert "Traceback" not in err
        assert "\tat " not in err
        return json.loads(out), err.splitlines()[-1]

    return run


def test_local_paths_are_refused_unless_all_machines_see_them(on_cluster, csv_file, lake, rows, s3, tmp_path):
    path = csv_file("a.csv", HEADER, "1,x,")
    _, line = on_cluster("ingest", "products", path, code=2)
    assert f"ingest: {lake}: the machines of spark://" in line
    assert "--shared-filesystem" in line
    _, line = on_cluster("ingest", "products", path, "--lake", "s3://sluice/of-cluster", code=2)
    assert f"ingest: {path.as_uri()}: the machines of spark://" in line
    assert not lake.exists()
    report, _ = on_cluster("ingest", "products", path, "--shared-filesystem")
    assert (report["rows_inserted"], rows("products", "sku")) == (1, [("1",)])


def test_products_on_s3_to_postgresql(on_cluster, s3, s3_lake, rows, database):
    folder = f"{s3_lake.removeprefix('s3a://sluice/')}-in"
    s3_client().put_object(Bucket="sluice", Key=f"{folder}/a.csv", Body=f"{HEADER}\n1,x,\n2,y,\nno name\n".encode())
    report, _ = on_cluster("run", "products", f"s3://sluice/{folder}", "--max-rejects", 1)
    assert [step["status"] for step in report["steps"]] == ["succeeded"] * 3
    assert database("SELECT * FROM products_agg ORDER BY 1") == [("x", 1), ("y", 1)]
    assert rows("products", "sku", "name") == [("1", "x"), ("2", "y")]
    assert rows("rejects", "raw") == [("no name",)]


def test_all_other_kinds_of_records_on_s3(on_cluster, s3, s3_lake, rows, scores, tmp_path, monkeypatch):
    (tmp_path / "orders.toml").write_text(ORDERS)
    monkeypatch.setenv("SLUICE_TABLES", str(tmp_path))
    folder = f"{s3_lake.removeprefix('s3a://sluice/')}-in"
    files = {
        "requests/a.log": "2024-10-02 05:00:00 c /p 200 0.5\nnot a line\n2024-10-02 05:00:01 c /p 500 -\n",
        "processes/h1/2024-10-15T10-00-00Z.txt": "USER PID %CPU RSS COMMAND\nroot 1 0.5 10 /sbin/init\n",
        "scores/a": "a_1\nb_3\n",
        "orders/a.csv": "id,op,at\n1,I,2024-10-15 10:00:00\n2,I,2024-10-15 10:00:00\n2,D,2024-10-16 10:00:00\n",
    }
    for name, text in files.items():
        s3_client().put_object(Bucket="sluice", Key=f"{folder}/{name}", Body=text.encode())
    for table in ("requests", "processes", "scores", "orders"):
        report, _ = on_cluster("ingest", table, f"s3://sluice/{folder}/{table}", "--max-rejects", 1)
        assert report["status"] == "succeeded"
        assert on_cluster("aggregate", table)[0]["status"] == "succeeded"
    assert rows("requests", "status_code") == [(200,), (500,)]
    assert rows("resource_statistics_by_day", "success_requests", "failed_requests") == [(1, 1)]
    assert rows("process_statistics_by_hour", "host", "samples") == [("h1", 1)]
    assert rows("top_scores", "id", "value") == [("a", 1), ("b", 3)]
    assert rows("orders_by_day", "orders") == [(1,)]
    assert rows("rejects", "raw") == [("not a line",)]


RETRIES = ("--conf", "spark.speculation=true", "--conf", "spark.task.maxFailures=8")


@pytest.mark.parametrize(
    ("lose", "step"),
    [
        *((Cluster.lose_executors, step) for step in ("read", "classify", "merge", "aggregate")),
        (Cluster.lose_a_worker, "read"),
        (Cluster.lose_a_worker, "merge"),
        (Cluster.lose_shuffle_files, "classify"),
        (Cluster.lose_shuffle_files, "merge"),
        (Cluster.lose_shuffle_files, "aggregate"),
    ],
)
def test_what_is_lost_in_a_step_changes_nothing(
    submit, cluster, job, lake, rows, tmp_path, csv_file, database, lose, step
):
    job("ingest", "products", csv_file("first.csv", HEADER, "k1,old,d", "k-1,n,d"))
    path = write_products(tmp_path / "b.csv", 20_000)
    with open(path, "a") as file:
        file.write("no name\n")
    options = ("--master", cluster.url, "--executor-memory", "512m", *RETRIES)
    arguments = ("run", "products", path, "--with-records", "--shared-filesystem", "--progress", "plain")
    process = submit(*options, *arguments, shipped=True)
    read_until(process, f"{step} …")
    time.sleep(1)
    wait_for(lambda: lose(cluster))
    code, out, err = finished(process, timeout=400)
    assert code == 0, err[-3000:]
    ingested = json.loads(out)["steps"][0]
    counts = {name: ingested[f"rows_{name}"] for name in ("read", "rejected", "inserted", "updated", "unchanged")}
    assert counts == {"read": 20_001, "rejected": 1, "inserted": 19_999, "updated": 1, "unchanged": 0}
    expected = {f"k{i}": f"n\n{i}" for i in range(20_000)} | {"k-1": "n"}
    stored = rows("products", "sku", "name")
    assert (len(stored), dict(stored)) == (20_001, expected)
    assert rows("rejects", "raw") == [("no name",)]
    exported = database("SELECT sku, name FROM products")
    assert (len(exported), dict(exported)) == (20_001, expected)
    assert database("SELECT count(*), sum(no_of_products) FROM products_agg") == [(20_001, 20_001)]
    assert database("SELECT count(*) FROM pg_tables WHERE tablename LIKE 'sluice_staging%%'") == [(0,)]


@pytest.mark.parametrize(
    ("python", "line"),
    [("/nowhere/python3", "executors cannot run /nowhere/python3"), ("bare", "executors lack the Python package ")],
)
def test_what_executors_lack_is_one_line(on_cluster, csv_file, lake, monkeypatch, tmp_path, python, line):
    if python == "bare":
        venv.create(tmp_path / "bare")
        python = str(tmp_path / "bare" / "bin" / "python")
    monkeypatch.setenv("PYSPARK_PYTHON", python)
    path = csv_file("a.csv", HEADER, "1,x,")
    _, last = on_cluster("ingest", "products", path, "--shared-filesystem", code=2)
    assert line in last
    assert "docs/cluster.md" in last
