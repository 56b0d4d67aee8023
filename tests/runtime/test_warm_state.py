"""What `status` says of processes that stay: what they do, how long they stay, and not those that were killed."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from conftest import run_job
from processes import finished, wait_for
from sluice.runtime.warm import state


@pytest.fixture
def folder(monkeypatch):
    with tempfile.TemporaryDirectory(prefix="warm-", dir="/tmp") as name:
        monkeypatch.setenv("TMPDIR", name)
        yield Path(name)


def noted(*arguments, **settings):
    file = io.StringIO()
    state.note(file, *arguments, **settings)
    return json.loads(file.getvalue())


def test_a_note_replaces_the_one_before():
    file = io.StringIO()
    state.note(file, ["ingest", "products", "x" * 500])
    state.note(file, seconds_left=60)
    assert json.loads(file.getvalue())["job"] == []


def test_processes_that_live_and_those_that_do_not(folder):
    assert state.processes() == []
    path = Path(state.identity.folder_path())
    path.mkdir()
    socket = path / "a"
    with subprocess.Popen([sys.executable, "-c", "input()", str(socket)], stdin=subprocess.PIPE) as process:
        values = {**noted(["ingest", "products", "a.csv"]), "pid": process.pid}
        Path(f"{socket}{state.SUFFIX}").write_text(json.dumps(values))
        Path(f"{path}/b{state.SUFFIX}").write_text(json.dumps(values))  # of a process that is another one now
        Path(f"{path}/c{state.SUFFIX}").write_text("{")
        wait_for(state.processes, 10)
        assert state.processes() == [{"pid": process.pid, "job": "ingest products a.csv", "minutes_left": None}]
        Path(f"{socket}{state.SUFFIX}").write_text(json.dumps({**noted(seconds_left=90), "pid": process.pid}))
        assert state.processes() == [{"pid": process.pid, "job": None, "minutes_left": 1.5}]
        lines = run_job("status").stderr.splitlines()
        assert lines[lines.index("processes that stay") + 2].split() == [str(process.pid), "nothing", "90", "s"]
        process.communicate(b"\n")
    assert state.processes() == []


@pytest.mark.slow
def test_a_process_that_stays_says_so_and_is_not_kept_longer_by_looking(submit, folder):
    assert finished(submit("tables", "list", "--keep-warm", "0.05"))[0] == 0
    wait_for(lambda: [process["job"] for process in state.processes()] == [None], 5)
    assert 0 <= state.processes()[0]["minutes_left"] <= 0.1
    wait_for(lambda: not state.processes(), 6)
