"""One Spark session a worker, real Delta tables in temporary folders, jobs run as users run them.

`make test` runs in the quick session, `make test-all` in the shipped one; `SLUICE_TEST_SESSION=shipped` chooses that.
So do the processes that tests start (fixture `submit`), but for those that are about the shipped settings themselves.
"""

from __future__ import annotations

import json
import os
import runpy
import shlex
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from processes import free_port, job_environment
from s3_server import S3Server
from serving import Server, started
from sluice.lake import log, opened
from sluice.lake.rows import read as read_rows

PROJECT = Path(__file__).parent.parent
SPARK_HOME = find_spec("pyspark").submodule_search_locations[0]  # type: ignore[union-attr, index]
HEADER = "sku,name,description"  # of a file of products
ORDERS = """
key = ["id"]
order_by = "at"
delete_when = "op = 'D'"
partition_by = ["day"]
[source]
format = "csv"
[columns]
id = "bigint"
op = "string"
at = "timestamp"
day = { type = "date", sql = "date(at)" }
[aggregates.orders_by_day]
by = ["day"]
measures = { orders = "count" }
"""  # a table of a user's own

# Tests have tiny data. For these, compiling (Spark's queries to Java, Java to optimised machine code) takes far longer
# than it saves, and so do threads and partitions beyond one: each of pytest's workers has one core.
QUICK_SETTINGS = {
    "spark.master": "local[1]",
    "spark.driver.memory": "1g",
    "spark.driver.extraJavaOptions": "-Duser.timezone=UTC",  # without the parallel garbage collector
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.ui.explainMode": "simple",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.shuffle.partitions": "1",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.sql.ui.retainedExecutions": "60",  # progress looks at the latest 50
}
# The quick compiler alone reserves 48 MB for its code: not enough here, so it would compile the same again and again.
QUICK_JAVA = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:+UseSerialGC -Ddelta.log.cacheSize=3"
QUICK_JAVA += " -XX:+UseTransparentHugePages -Xmn400m"  # what is looked up all over the heap: 6 % less time
SHIPPED_SETTINGS = {"spark.master": "local[*]"}  # as ./spark-submit.sh; the others are in conf/spark-defaults.conf


def spark_options(settings: dict[str, str]) -> list[str]:
    """The settings as spark-submit takes them."""
    others = [(name, value) for name, value in settings.items() if name != "spark.master"]
    return ["--master", settings["spark.master"], *(part for n, v in others for part in ("--conf", f"{n}={v}"))]


def spark_environment(kind: str) -> dict[str, str]:
    """The environment by which pyspark starts a session of this kind, `quick` or `shipped`."""
    settings, java = {"quick": (QUICK_SETTINGS, QUICK_JAVA), "shipped": (SHIPPED_SETTINGS, "")}[kind]
    settings = {**settings, "spark.sql.warehouse.dir": "/nonexistent"}
    arguments = ["--properties-file", f"{PROJECT}/conf/spark-defaults.conf"]
    arguments += ["--driver-class-path", f"{sys.prefix}/jars/*", *spark_options(settings)]
    return {
        "PYSPARK_SUBMIT_ARGS": shlex.join([*arguments, "pyspark-shell"]),
        "SPARK_SUBMIT_OPTS": f"-Dlog4j2.configurationFile=file:{PROJECT}/conf/log4j2.properties "
        f"-XX:SharedArchiveFile={sys.prefix}/classes.jsa -Xlog:disable {java}",
    }


SESSION = os.environ.get("SLUICE_TEST_SESSION", "quick")
S3_PORT = free_port()
# Python workers get the environment that the JVM starts with.
os.environ.update(
    PYSPARK_PYTHON=sys.executable,
    PYSPARK_DRIVER_PYTHON=sys.executable,
    SPARK_LOCAL_IP="127.0.0.1",
    SPARK_CONF_DIR=f"{sys.prefix}/no-conf",
    SLUICE_CONF_DIR=str(PROJECT / "conf"),
    SLUICE_PROGRESS="none",
    XDG_CACHE_HOME=os.path.join(tempfile.gettempdir(), "sluice-tests"),
    AWS_ENDPOINT_URL=f"http://127.0.0.1:{S3_PORT}",
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",
    AWS_DEFAULT_REGION="us-east-1",
    **spark_environment(SESSION),
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks tests that start nothing as `unit`, and puts those that take longest first, so that none is left alone."""

    def cost(item: pytest.Item) -> int:
        fixtures = set(getattr(item, "fixturenames", ()))
        if item.get_closest_marker("unit"):
            return 2
        return 0 if "submit" in fixtures or item.path.stem == "test_docs" else 1

    for item in items:
        if not {"spark", "submit", "postgres_url"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("unit")
    items.sort(key=cost)


@pytest.fixture(scope="session")
def spark() -> Iterator:
    from pyspark.sql import SparkSession

    session = SparkSession.builder.appName("tests").getOrCreate()
    yield session
    session.stop()


@pytest.fixture
def lake(tmp_path, monkeypatch) -> Path:
    path = tmp_path / "lake"
    monkeypatch.setenv("SLUICE_LAKE", str(path))
    return path


@dataclass
class Outcome:
    exit_code: int
    report: dict
    stderr: str
    answer: str = ""

    @property
    def counts(self) -> dict[str, int]:
        """The rows that the report tells of, without those that are none."""
        named = {name[5:]: value for name, value in self.report.items() if name.startswith("rows_")}
        return {name: value for name, value in named.items() if value}


def run_job(name: str, *arguments: object) -> Outcome:
    """Runs a job in this process."""
    main = runpy.run_path(str(PROJECT / "jobs" / f"{name}.py"))["main"]
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    if result.exit_code == 1:
        print(result.stderr)  # an unexpected error, shown if the test fails
    if result.exit_code == 0 and not result.stdout.startswith('{"job": '):  # an answer in place of the report
        return Outcome(0, {"status": "succeeded"}, result.stderr, result.stdout)
    return Outcome(result.exit_code, json.loads(result.stdout), result.stderr)


@pytest.fixture
def job(spark, lake) -> Callable[..., Outcome]:
    """Runs a job in this process: `job("ingest", "products", path)`."""
    return run_job


@pytest.fixture(scope="session")
def _templates() -> dict[tuple, tuple[Path, object]]:
    return {}


@pytest.fixture
def template(spark, lake, tmp_path_factory, _templates) -> Callable[..., object]:
    """Fills the test's lake as `make(folder, *arguments)` does, and gives what that returns: `template(make, "1,x,")`.

    The same is made once a worker, then copied. Input files that are written to the folder stay where they are, so that
    what the copy stores of them is right.
    """

    def copy(make: Callable[..., object], *arguments: object) -> object:
        key = (make.__module__, make.__name__, *arguments)
        if key not in _templates:
            folder = tmp_path_factory.mktemp("template")
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("SLUICE_LAKE", str(folder / "lake"))
                _templates[key] = folder / "lake", make(folder, *arguments)
        original, result = _templates[key]
        shutil.copytree(original, lake)
        return result

    return copy


@pytest.fixture
def submit(lake) -> Callable[..., subprocess.Popen]:
    """Starts ./spark-submit.sh in a process group of its own, with variables of its environment.

    `shipped`: with the shipped settings in any case.
    """

    def start(
        *arguments: object, stderr: int = subprocess.PIPE, shipped: bool = False, **variables: str
    ) -> subprocess.Popen:
        environment = job_environment()
        options: list[str] = []
        if SESSION == "quick" and not shipped:
            environment["SPARK_SUBMIT_OPTS"] = QUICK_JAVA
            options = spark_options(QUICK_SETTINGS)
        environment |= variables
        return subprocess.Popen(
            [str(PROJECT / "spark-submit.sh"), *options, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env=environment,
            start_new_session=True,
        )

    return start


@pytest.fixture
def rows(request, lake) -> Callable[..., list[tuple]]:
    """The rows of a table of the lake, sorted: `rows("products", "sku", "name")`.

    In the quick session delta-rs reads them, in a tenth of the time; in the shipped one Spark does.
    """

    def by_spark(root: str, table: str, columns: tuple[str, ...]) -> list[tuple]:
        frame = request.getfixturevalue("spark").read.format("delta").load(f"{root}/{table}")
        return [tuple(row) for row in frame.select(*columns).collect()]

    def by_delta_rs(root: str, table: str, columns: tuple[str, ...]) -> list[tuple]:
        opened.forget()
        version = log.version(root, table)
        found = read_rows(root, table, version, None if columns == ("*",) else columns)
        return list(zip(*([_naive(value) for value in column.to_pylist()] for column in found.columns), strict=True))

    read = by_delta_rs if SESSION == "quick" else by_spark
    return lambda table, *columns: sorted(read(os.environ["SLUICE_LAKE"], table, columns), key=repr)


def _naive(value: object) -> object:
    """A value as Spark's rows have it: a time is UTC without saying so."""
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value


@pytest.fixture
def csv_file(tmp_path) -> Callable[..., Path]:
    """Writes a file of products from lines of text or from bytes."""

    def write(name: str, *lines: str, data: bytes | None = None) -> Path:
        path = tmp_path / "in" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data if data is not None else "".join(f"{line}\n" for line in lines).encode())
        return path

    return write


@pytest.fixture
def small_disk() -> Iterator[Callable[[str], Path]]:
    """A disk of a size such as `8m`, in memory, which PostgreSQL's user may enter: its folder.

    Skips the test where none can be mounted.
    """
    folder = Path(tempfile.mkdtemp(prefix="sluice-disk-"))

    def mount(size: str) -> Path:
        if os.getuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder]).returncode:
            pytest.skip("a disk of its own can only be mounted by root")
        folder.chmod(0o755)
        return folder

    yield mount
    if folder.is_mount():
        subprocess.run(["umount", "--lazy", folder], check=True)
    folder.rmdir()


@pytest.fixture
def scores(tmp_path) -> Callable[..., Path]:
    """Writes a file of scores from pairs of id and value."""

    def write(name: str, *pairs: tuple[str, object]) -> Path:
        path = tmp_path / "in" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(f"{id}_{value}\n" for id, value in pairs))
        return path

    return write


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """A server at the endpoint that the environment names, with a bucket `sluice`."""
    server = S3Server(S3_PORT)
    s3_client().create_bucket(Bucket="sluice")
    yield server
    server.stop()


def s3_client() -> Any:
    import boto3

    return boto3.client("s3")


@pytest.fixture
def s3(s3_server) -> Iterator[S3Server]:
    """The S3 server without faults; `s3.requests` are those of the test."""
    s3_server.clear()
    yield s3_server
    s3_server.clear()


@pytest.fixture
def s3_lake(s3, lake, monkeypatch) -> str:
    """A lake of its own on S3, in a folder with an odd name, in place of the test's folder."""
    uri = f"s3a://sluice/lä ke+=&/{uuid.uuid4().hex}"
    monkeypatch.setenv("SLUICE_LAKE", uri)
    return uri


@pytest.fixture(scope="session")
def big_file(tmp_path_factory) -> Path:
    """So many products that each step takes a second or more."""
    return write_products(tmp_path_factory.mktemp("big") / "a.csv", 150_000)


def write_products(path: Path, count: int) -> Path:
    with open(path, "w") as file:
        file.write(f"{HEADER}\n")
        file.writelines(f'k{i},"n\n{i}",{"d" * 100}\n' for i in range(count))
    return path


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A server in a folder of its own: another pytest, as it starts, closes the folders of all to other users."""
    from sluice.export import embedded

    with tempfile.TemporaryDirectory(prefix="sluice-postgres-") as name:
        url, _ = embedded.start(Path(name))
        yield url
        embedded.stop(Path(name))


@pytest.fixture
def database(postgres_url, monkeypatch) -> Iterator[Callable[..., list[tuple]]]:
    """A schema `fresh` of its own in a real PostgreSQL, the default of export: `database("SELECT …")` gives rows."""
    import psycopg2

    connection = psycopg2.connect(postgres_url)
    connection.autocommit = True

    def query(statement: str, *values: object) -> list[tuple]:
        with connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return list(cursor.fetchall()) if cursor.description else []

    query("DROP SCHEMA IF EXISTS fresh CASCADE; CREATE SCHEMA fresh; SET search_path = fresh")
    monkeypatch.setenv("SLUICE_DATABASE_URL", postgres_url)
    monkeypatch.setenv("SLUICE_SCHEMA", "fresh")
    yield query
    connection.close()


@pytest.fixture
def serve(database, lake, tmp_path) -> Callable[..., AbstractContextManager[Server]]:
    """Starts servers of the test's lake and schema: `with serve("--max-upload", "1K", SLUICE_TOKEN="") as server`."""
    return partial(started, tmp_path)


@pytest.fixture(scope="session")
def _server(postgres_url, tmp_path_factory) -> Iterator[Server]:
    """One for all tests that only read; each has the schema of it to itself."""
    import psycopg2

    with psycopg2.connect(postgres_url) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA IF NOT EXISTS fresh")
    connection.close()
    folder = tmp_path_factory.mktemp("server")
    variables = {"SLUICE_DATABASE_URL": postgres_url, "SLUICE_SCHEMA": "fresh", "SLUICE_LAKE": str(folder / "lake")}
    with started(folder, **variables) as server:
        yield server


@pytest.fixture
def client(database, _server) -> Any:
    """A client of a server for tests that only read: `client.get("/healthz")`."""
    return _server.client
