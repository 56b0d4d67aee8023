"""Which process that stayed may take a job: its socket's path is the same for all jobs that it may take."""

from __future__ import annotations

import os

import pytest
from sluice.runtime.warm import identity

OPTIONS = b"--master\0local[*]\0"
JOB = ("products", "a.csv")


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(identity, "_PROJECT", str(tmp_path / "project"))
    for name in ("lib/sluice/a.py", "conf/spark-defaults.conf", "conf/tables/t.toml"):
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return tmp_path / "project"


def test_jobs_of_the_same_environment_share_a_process(monkeypatch, project):
    path = identity.socket_path(OPTIONS, JOB)
    assert os.stat(os.path.dirname(path)).st_mode & 0o777 == 0o700
    for variable in (
        "SLUICE_LAKE",
        "SLUICE_RUN_ID",
        "COLUMNS",
        "TERM",
        "PWD",
        "AIRFLOW_CTX_DAG_RUN_ID",
        "SSH_TTY",
        "_",
    ):
        monkeypatch.setenv(variable, "another")
    (project / "conf" / "tables" / "t.toml").write_text("each job reads them anew")
    for others in ((), ("requests", "b.log"), ("--format", "json"), ("--log-level", "json")):
        assert identity.socket_path(OPTIONS, others) == path


@pytest.mark.parametrize(
    "variable",
    [
        "TZ",
        "LC_ALL",
        "HOME",
        "PATH",
        "AWS_SECRET_ACCESS_KEY",
        "JAVA_HOME",
        "SPARK_HOME",
        "SLUICE_CONF_DIR",
        "ANY_OTHER",
    ],
)
def test_a_variable_that_the_jvm_may_see_decides(monkeypatch, variable):
    before = identity.socket_path(OPTIONS, JOB)
    monkeypatch.setenv(variable, "another")
    assert identity.socket_path(OPTIONS, JOB) != before


def test_options_code_settings_and_credentials_decide(project, tmp_path):
    seen = {identity.socket_path(OPTIONS, JOB), identity.socket_path(OPTIONS + b"--conf\0a=b\0", JOB)}
    seen |= {identity.socket_path(OPTIONS, (*JOB, "--log-format", "json"))}
    assert identity.socket_path(OPTIONS, (*JOB, "--log-format=json")) in seen
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLUICE_LOG_FORMAT", "json")
        assert identity.socket_path(OPTIONS, JOB) in seen
    for number, path in enumerate(("lib/sluice/a.py", "lib/sluice/b.py", "conf/spark-defaults.conf", "../credentials")):
        (project / path).write_text("changed")
        seen.add(identity.socket_path(OPTIONS, JOB))
        assert len(seen) == 4 + number, path


def test_no_process_takes_a_job_that_reads_its_own_descriptors_or_where_others_could_enter(tmp_path):
    assert identity.socket_path(OPTIONS, ("products", "/dev/stdin")) is None
    folder = tmp_path / f"sluice-{os.getuid()}"
    folder.chmod(0o755)
    assert identity.socket_path(OPTIONS, JOB) is None
    folder.rmdir()
    folder.symlink_to(tmp_path / "project")
    assert identity.socket_path(OPTIONS, JOB) is None
