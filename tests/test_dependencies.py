"""The jars are those of the list, and an audit that could not ask about packages fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PROJECT

LIST = PROJECT / "conf" / "jars.sha256"


@pytest.fixture
def jars(tmp_path):
    """The folder of the jars that `make setup` has fetched, as links; without Sluice's own, which is compiled."""
    folder = tmp_path / "jars"
    folder.mkdir()
    for path in Path(sys.prefix, "jars").glob("*.jar"):
        if path.name != "sluice.jar":
            (folder / path.name).symlink_to(path)
    return folder


def checked(*arguments):
    command = [sys.executable, PROJECT / "docker" / "check-jars.py", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_jars_are_as_listed_and_one_that_is_not_is_named(jars, tmp_path):
    assert checked(jars, LIST) == (0, "")
    first = min(jars.iterdir())
    first.rename(jars / "other.jar")
    assert checked(jars, LIST) == (1, f"{LIST}: {first.name} is missing{ADVICE}")
    first.write_bytes((jars / "other.jar").read_bytes())
    assert checked(jars, LIST) == (1, f"{LIST}: other.jar is not listed{ADVICE}")
    (jars / "other.jar").unlink()
    first.write_bytes(first.read_bytes() + b"x")
    code, line = checked(jars, LIST)
    assert (code, line.startswith(f"{LIST}: {first.name} has another SHA-256: ")) == (1, True)
    assert line.count("\n") == 1
    assert checked(jars, tmp_path / "new", "--write") == (0, "")
    assert checked(jars, tmp_path / "new") == (0, "")


ADVICE = ": do not use these jars; if conf/packages.conf was changed, run make jars-list\n"


@pytest.mark.slow
def test_an_audit_that_no_index_answers_fails():
    nowhere = {"HTTPS_PROXY": "http://127.0.0.1:1", "https_proxy": "http://127.0.0.1:1", "NO_PROXY": "", "no_proxy": ""}
    command = ["make", "-o", ".venv/.ready", "audit"]
    done = subprocess.run(command, cwd=PROJECT, env={**os.environ, **nowhere}, capture_output=True, text=True)
    assert done.returncode
    assert "audit failed: " in done.stderr
    assert "No known vulnerabilities" not in done.stdout + done.stderr
