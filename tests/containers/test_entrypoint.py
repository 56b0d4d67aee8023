"""What docker/entrypoint.sh starts, and how: stand-ins print the arguments that the real programs would get."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from conftest import PROJECT

SETTINGS = ("conf/spark-defaults.conf", "docker/cluster.conf")
PRINTS = "#!/bin/sh\nprintf '%s\\n' \"$@\"\n"
OF_A_JOB = PRINTS + 'if [ "$1" = --properties-file ]; then stat --format=%a "$2"; cat "$2"; fi\n'
SECRET = {"_SPARK_AUTH_SECRET": "canary = \\ #"}


@pytest.fixture
def entrypoint(tmp_path):
    """Runs it with arguments and variables, and gives the lines that a stand-in prints."""
    for name in ("docker/entrypoint.sh", *SETTINGS):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(PROJECT / name, tmp_path / name)
    stand_ins = {"spark-submit.sh": OF_A_JOB, ".venv/bin/spark-class": PRINTS, "bin/java": PRINTS}
    for name, text in stand_ins.items():
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)

    def run(*arguments, **variables):
        environment = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin", "TMPDIR": str(tmp_path), **variables}
        command = [str(tmp_path / "docker/entrypoint.sh"), *arguments]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.splitlines()

    return run


def test_a_job_gets_its_arguments(entrypoint):
    assert entrypoint("ingest", "products", "a b.csv") == ["ingest", "products", "a b.csv"]


def test_a_job_takes_the_secret_from_a_file_of_its_own(entrypoint):
    option, file, job, table, rights, *settings = entrypoint("ingest", "products", **SECRET)
    assert (option, job, table, rights) == ("--properties-file", "ingest", "products", "600")
    assert settings == [
        *(line for name in SETTINGS for line in (PROJECT / name).read_text().splitlines()),
        "spark.authenticate.secret canary = \\\\ #",
    ]
    assert "canary" not in file


@pytest.mark.parametrize("part", ["Master", "Worker"])
def test_a_part_of_a_cluster_takes_the_secret_from_its_environment(entrypoint, tmp_path, part):
    main = f"org.apache.spark.deploy.{part.lower()}.{part}"
    assert entrypoint(part.lower(), "--port", "1") == [main, "--port", "1"]
    secured = entrypoint(part.lower(), "--port", "1", **SECRET)
    assert secured == [main, "--properties-file", f"{tmp_path}/docker/cluster.conf", "--port", "1"]


def test_an_executor_is_started_as_kubernetes_says(entrypoint):
    said = {"DRIVER_URL": "spark://d:1", "EXECUTOR_ID": "7", "EXECUTOR_CORES": "2", "APPLICATION_ID": "a"}
    said |= {"EXECUTOR_POD_IP": "10.0.0.1", "RESOURCE_PROFILE_ID": "0", "EXECUTOR_POD_NAME": "p"}
    options = {"JAVA_OPT_10": "-Dc=d e=f", "JAVA_OPT_9": "-Da=b", "EXECUTOR_MEMORY": "512m", "HOME": "/spark"}
    given = entrypoint("executor", **{f"SPARK_{name}": value for name, value in (said | options).items()})
    main = given.index("org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend")
    assert given[:main] == ["-Da=b", "-Dc=d e=f", "-Xms512m", "-Xmx512m", "-cp", "/spark/conf:/spark/jars/*"]
    names = ("driver-url", "executor-id", "cores", "app-id", "hostname", "resourceProfileId", "podName")
    assert given[main + 1 :] == [
        text for pair in zip(names, said.values(), strict=True) for text in (f"--{pair[0]}", pair[1])
    ]
