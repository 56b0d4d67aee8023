"""The image of docker/Dockerfile and the README's two commands, in plain root folders: no engine is needed for them."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from subprocess import PIPE, Popen
from urllib.parse import urlsplit

import psutil
import pytest
from chroot import Root, what_is_missing
from cluster import alive_workers
from conftest import HEADER, PROJECT, S3_PORT, write_products
from image import Build, Stage
from processes import assert_ended, command_lines, family, finished, free_port, read_until, wait_for
from test_compose import EXAMPLE, SERVICES

pytestmark = pytest.mark.slow

# Stands for the image of Python, which is in no registry of packages: Debian's own Python is of the same minor version.
IMAGE, SUITE = "python:3.11.14-slim-bookworm", "bookworm"
ON_A_BARE_MACHINE = ("openjdk-17-jdk-headless", "make", "git")  # beside Python


@pytest.fixture(scope="module")
def roots(tmp_path_factory) -> Iterator[Path]:
    """A folder for root folders, which are gigabytes and go at the end."""
    folder = tmp_path_factory.mktemp("roots")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def debian(roots) -> Root:
    if missing := what_is_missing():
        pytest.skip(f"no root folder can be made here: {missing}")
    return Root.bootstrapped(roots / "debian", SUITE, ("python3", "python3-venv"))


@pytest.fixture(scope="module")
def image(debian, roots) -> Stage:
    base = debian.copied(roots / "python")
    base.make_slim()
    return Build(PROJECT, {IMAGE: base}, roots).image("docker/Dockerfile")


@contextmanager
def container(image: Stage, *arguments: object, log: Path | None = None, **environment: str) -> Iterator[Popen]:
    """A container of the image that runs; it is killed at the end. With a `log` nothing of it has to be read."""
    command = image.command([str(argument) for argument in arguments], environment)
    with ExitStack() as opened:
        out = err = opened.enter_context(open(log, "w")) if log else PIPE
        with Popen(command, stdout=out, stderr=err, text=True) as process:
            try:
                yield process
            finally:
                process.kill()


def test_a_job_runs_as_a_user_that_is_not_root(image):
    image.inside("a.csv").write_text(f"{HEADER}\n1,x,\n2,y,\n")
    java = "-Xlog:class+load:file=/data/classes"
    with container(image, "ingest", "products", "a.csv", SPARK_SUBMIT_OPTS=java) as process:
        code, out, err = finished(process)
    assert code == 0, err
    assert json.loads(out)["rows_inserted"] == 2
    (log,) = image.inside("lake/products/_delta_log").glob("*0.json")
    assert log.stat().st_uid == 1000
    loaded = image.inside("classes").read_text()
    assert "org.apache.spark.SparkContext source: shared objects file (top)" in loaded


def test_without_arguments_it_says_what_it_can_do(image):
    with container(image, *image.arguments) as process:
        code, out, _ = finished(process)
    assert (code, out.splitlines()[0]) == (0, "Usage: ./spark-submit.sh [SPARK OPTIONS] JOB [ARGUMENTS]")


def test_sigterm_to_process_1_ends_the_job_with_its_report(image):
    write_products(image.inside("big.csv"), 150_000)
    with container(image, "ingest", "products", "big.csv", "--progress", "plain", "--lake", "big") as process:
        before = read_until(process, "read …")
        time.sleep(1)
        began = time.monotonic()
        (first,) = psutil.Process(process.pid).children()
        first.send_signal(signal.SIGTERM)
        assert_ended(process, signal.SIGTERM, began, before)


SECRETS = {name: f"canary-{name}" for name in EXAMPLE} | {"S3_ACCESS_KEY": "testing", "S3_SECRET_KEY": "testing"}


def of_service(name: str, master: str) -> tuple[list[str], dict[str, str]]:
    """Arguments and variables of a service as docker-compose.yml has them, on the ports of this test."""
    command = [text.replace("master:7077", master) for text in SERVICES[name]["command"]]
    given = SERVICES[name]["environment"].items()
    variables = {key: re.sub(r"\$\{(\w+).*\}", lambda found: SECRETS[found[1]], value) for key, value in given}
    ports = {"SPARK_MASTER": f"spark://{master}", "AWS_ENDPOINT_URL": f"http://s3:{S3_PORT}"}
    ports = {key: value for key, value in ports.items() if key in variables}
    return command, variables | ports | {"SPARK_LOCAL_IP": "127.0.0.1"}


def test_the_services_of_compose_run_the_main_job(image, s3_server, postgres_url, database, tmp_path):
    url, port, page = urlsplit(postgres_url), free_port(), free_port()
    here = {
        "PGDATABASE": "postgres",
        "PGPORT": str(url.port),
        "PGPASSWORD": str(url.password),
        "SLUICE_SCHEMA": "fresh",
    }
    with open(image.root.folder / "etc/hosts", "a") as hosts:
        hosts.write("127.0.0.1 master s3 postgres\n")
    with ExitStack() as containers:

        def start(name: str, log: str | None, *more: object, **environment: str) -> Popen:
            command, given = of_service(name, f"master:{port}")
            file = tmp_path / log if log else None
            return containers.enter_context(container(image, *command, *more, log=file, **given | environment))

        running = [start("master", "master", "--port", port, "--webui-port", page)]
        wait_for(lambda: alive_workers(page) == 0, 240)
        running += [start("worker", "first"), start("worker", "second")]
        start("worker", "refused", _SPARK_AUTH_SECRET="another")
        wait_for(lambda: alive_workers(page) == 2, 240)
        demo = start("demo", None, DEMO_ROWS="20000", **here)
        read_until(demo, "aggregate …")
        shown = [line for process in (*running, demo) for line in command_lines(family(process)[1:]).splitlines()]
        code, out, err = finished(demo, timeout=600)
        assert code == 0, err[-3000:]
        assert alive_workers(page) == 2  # without the one that has another secret
    ingest, *others = json.loads(out)["steps"]
    assert (ingest["rows_read"], {step["status"] for step in (ingest, *others)}) == (20_000, {"succeeded"})
    assert database("SELECT sum(no_of_products) FROM products_agg") == [(ingest["rows_inserted"],)]
    assert sum("CoarseGrainedExecutorBackend" in line for line in shown) == 2
    assert [line for line in shown if any(secret in line for secret in ("canary", str(url.password)))] == []


def test_the_two_commands_of_the_readme_on_a_bare_machine(debian, roots):
    root = debian.copied(roots / "bare")
    packages = " ".join(ON_A_BARE_MACHINE)
    root.run(["sh", "-c", f"apt-get update && apt-get install --yes --no-install-recommends {packages}"])
    root.run(["useradd", "--create-home", "--uid", "1000", "engineer"])
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=PROJECT, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in filter(lambda name: (PROJECT / name).is_file(), names):
        target = root.folder / "home/engineer/sluice" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(PROJECT / name, target)
    root.run(["chown", "--recursive", "engineer", "/home/engineer"])
    how = {"user": "1000:1000", "environment": {"HOME": "/home/engineer"}, "folder": "/home/engineer/sluice"}
    root.run(["make", "setup"], **how)
    reports = [json.loads(line) for line in root.run(["make", "demo"], **how).splitlines()]
    assert [(report["job"], report["table"], report["status"]) for report in reports] == [
        ("run", table, "succeeded") for table in ("products", "requests", "processes", "scores")
    ]
