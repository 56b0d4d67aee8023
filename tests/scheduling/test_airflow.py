"""The DAG of conf/airflow in Airflow itself: real files, a lake and PostgreSQL, tasks that fail and are retried."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from conftest import HEADER, PROJECT, write_products
from processes import children, family, wait_for

PYTHON = PROJECT / ".airflow" / "venv" / "bin" / "python"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.exists(), reason="Airflow is not installed: run make airflow"),
]
DAY, NEXT = "2026-11-27", "2026-11-28T00:00+00:00"  # the run of a day is that of the midnight after it
RUN = "sluice:manual__2026-11-28T00:00:00+00:00"
PASSWORD = "p@ss/w:rd %25+&?"
STOPPED = "stopped by SIGTERM: rerun the same command, it resumes safely"


class Airflow:
    """A home of Airflow with the DAGs of conf/airflow and of docs/airflow.md, and what it has recorded."""

    def __init__(self, home: Path, environment: dict[str, str]) -> None:
        self.home, self.environment = home, environment
        dags = home / "dags"
        dags.mkdir()
        for path in (PROJECT / "conf" / "airflow").glob("*.py"):
            shutil.copy(path, dags)
        example = re.search(r"^```python\n(.*?)^```", (PROJECT / "docs" / "airflow.md").read_text(), re.S | re.M)
        (dags / "example.py").write_text(example[1])

    def command(self, *arguments: str) -> str:
        command = [str(PYTHON), "-m", "airflow", *arguments]
        return subprocess.run(command, env=self.environment, check=True, capture_output=True, text=True).stdout

    def start(self, **plan: object) -> subprocess.Popen:
        """Starts the DAG's run; its log goes to a file."""
        command = [str(PYTHON), str(PROJECT / "tests" / "scheduling" / "run_dag.py"), NEXT, json.dumps(plan)]
        with open(self.home / "log", "w") as log:
            return subprocess.Popen(
                command, env=self.environment, cwd=self.home, stdout=log, stderr=subprocess.STDOUT, text=True
            )

    def run(self, **plan: object) -> None:
        process = self.start(**plan)
        assert process.wait(300) == 0, self.log

    @property
    def log(self) -> str:
        return (self.home / "log").read_text()

    def select(self, statement: str) -> list[tuple]:
        with sqlite3.connect(self.home / "airflow.db") as database:
            return sorted(database.execute(statement).fetchall())

    @property
    def states(self) -> dict[str, tuple[str, int]]:
        """Each task's state and number of attempts, but for those of tables without files."""
        rows = self.select("SELECT task_id, state, try_number FROM task_instance")
        return {task: (state, tries) for task, state, tries in rows if state != "skipped"}

    @property
    def reports(self) -> dict[str, dict]:
        rows = self.select("SELECT task_id, value FROM xcom WHERE key = 'return_value'")
        return {task: json.loads(value) if isinstance(value, str) else value for task, value in rows}

    def files_with(self, text: str) -> list[Path]:
        """The log, the database (XComs, rendered templates) and others that show a text."""
        return [path for path in self.home.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory) -> Path:
    home = tmp_path_factory.mktemp("airflow")
    environment = {**os.environ, "AIRFLOW_HOME": str(home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    environment.pop("PYTHONPATH", None)
    command = [str(PYTHON), "-m", "airflow", "db", "migrate"]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return home


@pytest.fixture
def connection(database, postgres_url):
    """The connection of a user of PostgreSQL whose password has all that URLs have to escape."""
    parts = urlsplit(postgres_url)
    database(f"CREATE ROLE planner LOGIN SUPERUSER PASSWORD '{PASSWORD}'")
    yield {
        "conn_type": "postgres",
        "host": parts.hostname,
        "port": parts.port,
        "schema": parts.path[1:],
        "login": "planner",
        "password": PASSWORD,
        "extra": {"sslmode": "prefer"},
    }
    database("DROP SCHEMA fresh CASCADE; DROP ROLE planner")


@pytest.fixture
def airflow(empty_home, connection, lake, tmp_path) -> Airflow:
    own = ("SLUICE_", "SPARK_", "PYSPARK_", "PYTHONPATH")  # of pytest's own session
    environment = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    environment |= {
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path / "airflow" / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW_VAR_SLUICE_LAKE": str(lake),
        "AIRFLOW_VAR_SLUICE_INPUTS": str(tmp_path / "in"),
        "AIRFLOW_CONN_SPARK_DEFAULT": '{"conn_type": "spark", "host": "local[1]"}',
        "AIRFLOW_CONN_SLUICE_DATABASE": json.dumps(connection),
        "SLUICE_HOME": str(PROJECT),
        "SLUICE_SCHEMA": "fresh",
        "SLUICE_LOCK_TIMEOUT": "0",
    }
    (tmp_path / "airflow").mkdir()
    shutil.copy(empty_home / "airflow.db", tmp_path / "airflow")  # not its configuration, which names that folder
    return Airflow(tmp_path / "airflow", environment)


def day(tmp_path: Path, table: str) -> Path:
    """The folder of a table's files of the day."""
    folder = tmp_path / "in" / table / DAY
    folder.mkdir(parents=True)
    return folder


def test_a_day_of_all_kinds(airflow, job, rows, database, tmp_path):
    for table, name in {"products": "a.csv", "requests": "a.log", "processes": "snapshots", "scores": "a.txt"}.items():
        assert job("generate", table, "--rows", 60, "--seed", 1, "--output", day(tmp_path, table) / name).exit_code == 0
    airflow.run()
    tasks = [f"{table}.{task}" for table in ("products", "requests", "processes", "scores") for task in TASKS]
    assert airflow.states == dict.fromkeys(tasks, ("success", 1)), airflow.log
    assert {(row[0], row[2]) for row in rows("runs", "run_id", "job", "attempt")} == {(RUN, 1)}

    reports = airflow.reports
    ingested = {table: reports[f"{table}.ingest"]["rows_inserted"] for table in ("products", "requests", "scores")}
    assert min(ingested.values()) > 50
    assert ingested == {table: len(rows(table, "run_id")) for table in ingested}
    assert [step["table"] for step in reports["requests.export"]["steps"]] == [
        "resource_statistics_by_day",
        "resource_statistics_by_day_path_status",
    ]
    assert sorted(database("SELECT name, no_of_products FROM products_agg")) == sorted(
        rows("products_agg", "name", "no_of_products")
    )
    assert database("SELECT count(*) FROM top_scores") == [(ingested["scores"],)]

    updates = {uri: json.loads(extra) for uri, extra in airflow.select(UPDATES)}
    assert updates["sluice://lake/products"]["rows_inserted"] == ingested["products"]
    assert updates["sluice://lake/process_statistics_by_day"]["table_version"] == 0
    assert updates["sluice://postgresql/top_scores"]["rows_inserted"] == ingested["scores"]
    assert len(updates) == 4 + 6 + 6
    assert airflow.select("SELECT target_dag_id FROM asset_dag_run_queue") == [("prices",)]

    assert airflow.files_with(PASSWORD) == []


def test_what_is_wrong_fails_at_once_and_what_is_not_there_is_skipped(airflow, tmp_path):
    (day(tmp_path, "products") / "a.csv").write_text("number,title\n1,Lamp\n")
    (day(tmp_path, "scores") / "a.txt").write_text("a_1\nbroken\n")
    airflow.run()
    rest = {f"{table}.{task}": ("upstream_failed", 0) for table in ("products", "scores") for task in TASKS[1:]}
    assert airflow.states == {"products.ingest": ("failed", 1), "scores.ingest": ("failed", 1), **rest}, airflow.log
    skipped = airflow.select("SELECT task_id FROM task_instance WHERE state = 'skipped'")
    assert len(skipped) == 6
    for table, code in {"products": 3, "scores": 4}.items():
        report = airflow.reports[f"{table}.ingest"]
        assert report["error"]
        assert f"AirflowFailException: ingest: {report['error']} (exit {code})" in airflow.log
    assert airflow.select(UPDATES) == []


def test_a_table_and_a_database_that_are_busy_or_away_are_tried_again(
    airflow, connection, lake, rows, database, tmp_path
):
    (day(tmp_path, "products") / "a.csv").write_text(f"{HEADER}\n1,Lamp,\n2,Lamp,\n")
    (lake / "_locks").mkdir(parents=True)
    wrong = json.dumps({**connection, "port": 1})
    airflow.run(locked=str(lake / "_locks" / "products"), connection=wrong)
    expected = {"products.ingest": 2, "products.aggregate": 1, "products.export": 2}
    assert airflow.states == {task: ("success", tries) for task, tries in expected.items()}, airflow.log
    assert re.findall("^RETRY (.*)$", airflow.log, re.M) == ["products.ingest", "products.export"]
    for code in (5, 6):
        assert re.search(rf"AirflowException: \w+: .* \(exit {code}\)", airflow.log)
    assert database("SELECT * FROM products_agg") == [("Lamp", 2)]
    assert {row[0] for row in rows("runs", "run_id")} == {RUN}
    assert airflow.files_with(PASSWORD) == []


def jobs_of(process: psutil.Popen) -> list[psutil.Process]:
    return children(
        process, lambda child: child.name() in ("java", "spark-submit.sh") or "/jobs/" in str(child.cmdline())
    )


@pytest.mark.parametrize("way", ["signal", "timeout"])
def test_a_job_that_is_stopped_ends_and_is_tried_again(way, airflow, rows, tmp_path):
    write_products(day(tmp_path, "products") / "a.csv", 150_000)
    process = airflow.start(**{"timeout": 8} if way == "timeout" else {})
    try:
        wait_for(lambda: " read …" in airflow.log)
        first = jobs_of(process)
        if way == "signal":
            process.send_signal(signal.SIGTERM)
        wait_for(lambda: "RETRY" in airflow.log, 30)
        assert [job for job in first if job.is_running()] == []
        assert f"ingest: {STOPPED}" in airflow.log
        assert process.wait(200) == 0, airflow.log
    finally:
        for each in family(process) if process.poll() is None else ():
            each.kill()
    expected = {"products.ingest": 2, "products.aggregate": 1, "products.export": 1}
    assert airflow.states == {task: ("success", tries) for task, tries in expected.items()}, airflow.log
    runs = [row for row in rows("runs", "attempt", "status", "error", "job") if row[-1] == "ingest"]
    assert runs == [(1, "failed", STOPPED, "ingest"), (2, "succeeded", None, "ingest")]
    assert len(rows("products", "sku")) == 150_000


def test_the_pools(airflow):
    airflow.command("pools", "import", str(PROJECT / "conf" / "airflow" / "pools.json"))
    pools = json.loads(airflow.command("pools", "list", "--output", "json"))
    assert {pool["pool"]: pool["slots"] for pool in pools if pool["pool"] != "default_pool"} == {
        f"sluice_{table}": "1" for table in ("products", "requests", "processes", "scores")
    }


TASKS = ("ingest", "aggregate", "export")
UPDATES = "SELECT asset.uri, asset_event.extra FROM asset_event JOIN asset ON asset.id = asset_event.asset_id"
