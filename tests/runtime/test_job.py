"""A job on a cluster: local paths, which its machines may not see, and where the job itself runs."""

from __future__ import annotations

import pytest
from conftest import HEADER
from processes import finished


@pytest.fixture
def on_a_cluster(spark, monkeypatch):
    monkeypatch.setattr(spark.sparkContext, "master", "spark://m:7077")


def test_a_local_path_is_refused_unless_all_machines_see_it(job, on_a_cluster, lake, csv_file, s3_lake):
    path = csv_file("a.csv", HEADER, "1,x,")
    refused = job("ingest", "products", path, "--lake", lake)
    what_to_do = "use S3, or add --shared-filesystem if all of them see it as this one does"
    expected = f"{lake}: the machines of spark://m:7077 may not see this path: {what_to_do}"
    assert (refused.exit_code, refused.report["error"]) == (2, expected)
    refused = job("ingest", "products", path)
    assert (refused.exit_code, refused.report["error"].split(": ")[0]) == (2, path.as_uri())
    assert not lake.exists()
    assert job("ingest", "products", path, "--lake", lake, "--shared-filesystem").exit_code == 0


@pytest.mark.parametrize(
    "options",
    [
        ["--deploy-mode", "cluster"],
        ["--deploy-mode=cluster"],
        ["--conf", "spark.submit.deployMode=cluster"],
    ],
)
def test_cluster_mode_is_refused(submit, options):
    code, _, err = finished(submit(*options, "ingest", "products", "x.csv"))
    assert (code, err.startswith("spark-submit.sh: a job runs where it is started (client mode): ")) == (2, True)
