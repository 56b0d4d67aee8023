"""Whole jobs on a Spark cluster, with everything on S3 or on a folder that all machines see; what executors lack."""

from __future__ import annotations

import json
import os
import venv

import pytest
from cluster import Cluster
from conftest import HEADER, free_port, s3_client
from processes import finished

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
