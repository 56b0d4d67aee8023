"""A cluster with authentication and encryption, and a run there that shows no secret to anyone."""

from __future__ import annotations

import json
import os
import urllib.request
from contextlib import suppress
from urllib.parse import quote, urlsplit

import psutil
import pytest
from cluster import Cluster
from conftest import HEADER, PROJECT, s3_client
from processes import LOOPBACK, command_lines, free_port, listening

CLUSTER, DATABASE, OF_S3, IN_SETTING = "c1-canary", "d2/can@ary%", "s3-canary", "f4-canary"
SECRETS = (CLUSTER, DATABASE, quote(DATABASE, safe=""), OF_S3, IN_SETTING)


@pytest.fixture
def settings(tmp_path):
    """The folder of `spark-defaults.conf`, as docs/cluster.md shows it."""
    text = (PROJECT / "docs" / "cluster.md").read_text().partition("## Secrets and encryption")[2]
    lines = [line.strip() for line in text.splitlines() if line.startswith("    spark.")]
    folder = tmp_path / "settings"
    folder.mkdir(0o700)
    path = folder / "spark-defaults.conf"
    path.touch(0o600)
    path.write_text("\n".join(lines).replace("SECRET", CLUSTER))
    return folder


@pytest.fixture
def cluster(tmp_path_factory, settings, monkeypatch, s3):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", OF_S3)
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    environment = {name: os.environ[name] for name in names} | {"SPARK_CONF_DIR": str(settings)}
    folder = tmp_path_factory.mktemp("cluster")
    started = Cluster(folder, (free_port(), free_port()), environment)
    yield started.url, folder
    started.stop()


@pytest.fixture
def role(database, postgres_url, monkeypatch):
    """Names the database by the URL of a user whose password has odd characters, in the URL's query."""
    database("DROP ROLE IF EXISTS canary")
    database("CREATE ROLE canary LOGIN PASSWORD %s", DATABASE)
    database("GRANT ALL ON SCHEMA fresh TO canary")
    parts = urlsplit(postgres_url)
    query = f"user=canary&password={quote(DATABASE, safe='')}"
    monkeypatch.setenv("SLUICE_DATABASE_URL", f"postgresql://{parts.hostname}:{parts.port}{parts.path}?{query}")
    yield
    database("DROP OWNED BY canary; DROP ROLE canary")


class Watched:
    """What others on the machine see while a job runs: command lines, addresses, the driver's web page and API."""

    def __init__(self, port: int) -> None:
        self.commands, self.pages, self.addresses, self._port = "", "", set[str](), port

    def look(self, mine: list[psutil.Process]) -> None:
        self.commands += command_lines(mine)
        self.addresses |= listening(mine)
        for path in ("environment/", "api/v1/applications"):
            page = self._get(path)
            if path.startswith("api") and page.startswith("["):
                application = json.loads(page)[0]["id"]
                page = self._get(f"{path}/{application}/environment") + self._get(f"{path}/{application}/sql")
            self.pages += page

    def _get(self, path: str) -> str:
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{self._port}/{path}", timeout=5) as answer:
            return answer.read().decode()
        return ""


@pytest.mark.slow
def test_a_run_on_a_secured_cluster_shows_no_secret(
    submit, cluster, settings, s3, s3_lake, role, database, tmp_path, monkeypatch
):
    url, of_cluster = cluster
    folder = f"{s3_lake.removeprefix('s3a://sluice/')}-in"
    s3_client().put_object(Bucket="sluice", Key=f"{folder}/a.csv", Body=f"{HEADER}\n1,x,\nno name\n".encode())
    monkeypatch.setenv("SLUICE_SPARK_LOG_LEVEL", "trace")
    with open(settings / "spark-defaults.conf", "a") as file:
        file.write(f"\nspark.hadoop.fs.s3a.bucket.other.encryption.key {IN_SETTING}\n")
    (tmp_path / "events").mkdir()
    port = free_port()
    more = {"ui.enabled": "true", "ui.port": port, "eventLog.enabled": "true", "eventLog.dir": f"{tmp_path}/events"}
    more["eventLog.compress"] = "false"
    options = ["--load-spark-defaults", "--master", url, "--executor-memory", "512m"]
    options += [part for name, value in more.items() for part in ("--conf", f"spark.{name}={value}")]
    job = ("run", "products", f"s3://sluice/{folder}", "--with-records", "--max-rejects", 1)
    watched = Watched(port)
    with open(tmp_path / "err", "w") as err:
        process = submit(*options, *job, stderr=err.fileno(), shipped=True, SPARK_CONF_DIR=str(settings))
        while process.poll() is None:
            watched.look(psutil.Process().children(recursive=True))
    lines, log = (tmp_path / "err").read_text(), (of_cluster / "log").read_text()
    assert process.returncode == 0, lines[-3000:]
    assert database("SELECT sku FROM products") == [("1",)]
    assert watched.addresses <= LOOPBACK
    assert "org.apache.spark.executor.CoarseGrainedExecutorBackend" in watched.commands
    assert "-Dspark.authenticate=true" in watched.commands
    assert "fs.s3a.bucket.other.encryption.key" in watched.pages
    assert "TRACE" in lines
    assert "authentication enabled" in log
    assert "REST server" not in log  # it would run what anyone sends, without the secret
    seen = {"ps": watched.commands, "pages": watched.pages, "stderr": lines, "stdout": process.stdout.read()}
    files = [path for top in (of_cluster, tmp_path / "events") for path in top.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"log", "stderr"}
    assert any("SparkListenerEnvironmentUpdate" in path.read_text() for path in files if path.is_relative_to(tmp_path))
    seen |= {str(path): path.read_bytes().decode("latin1") for path in files} | _objects(s3_lake)
    assert {(place, secret) for place, text in seen.items() for secret in SECRETS if secret in text} == set()


def _objects(lake: str) -> dict[str, str]:
    """All objects of a lake on S3."""
    client, prefix = s3_client(), lake.removeprefix("s3a://sluice/")
    keys = [item["Key"] for item in client.list_objects_v2(Bucket="sluice", Prefix=prefix)["Contents"]]
    return {key: client.get_object(Bucket="sluice", Key=key)["Body"].read().decode("latin1") for key in keys}
