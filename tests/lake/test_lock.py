"""Locks: one writer, who says that it waits and keeps to its timeout; and which runs are alive."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from conftest import PROJECT
from sluice.errors import Busy
from sluice.lake import writer
from sluice.lake.lock import held_by_jvm, held_by_python, is_alive, living
from sluice.lake.writer import Writer

HOLD = """
import sys
from sluice.lake.lock import held_by_python, living
from sluice.lake.writer import Writer
with held_by_python(sys.argv[1], "runs", Writer("theirs", 1, print)), living(sys.argv[1], "theirs", "ingest", "t"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path):
    """Another process that holds the lock of `runs` and is alive, until its standard input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(PROJECT / "lib")},
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


@pytest.fixture
def lines(monkeypatch):
    """What a writer logs, which waits for the lock of one commit for half a second and says so at once."""
    monkeypatch.setattr(writer, "_ONE_COMMIT", 0.5)
    monkeypatch.setattr(writer, "_SILENT", 0)
    return []


def test_a_writer_that_waits_says_for_whom_and_gives_up_in_time(tmp_path, other, lines):
    began = time.monotonic()
    with (
        pytest.raises(Busy, match="table runs is held by run theirs: try again, or wait longer with --lock-timeout"),
        held_by_python(str(tmp_path), "runs", Writer("mine", 0, lines.append)),
    ):
        pass
    assert 0.5 <= time.monotonic() - began < 5
    assert lines == ["table runs is held by run theirs: waiting up to 0.5 s"]


def test_the_lock_is_free_once_its_holder_has_died(tmp_path, other, lines):
    other.kill()
    other.wait()
    with held_by_python(str(tmp_path), "runs", Writer("mine", 0, lines.append)):
        assert (tmp_path / "_locks" / "runs").read_text() == "mine"
    assert lines == []


def test_the_wait_for_one_commit_is_never_shorter_than_a_commit(lines):
    attempts = iter([False, True])
    Writer("mine", 0, lines.append).wait_for(lambda: next(attempts), lambda: "busy", one_commit=True)
    with pytest.raises(Busy, match=r"^busy: try again"):
        Writer("mine", 0, lines.append).wait_for(lambda: False, lambda: "busy")
    assert lines == ["busy: waiting up to 0.5 s"]


def test_a_run_is_alive_until_its_process_dies(tmp_path, other):
    assert is_alive(str(tmp_path), "theirs", "ingest", "t")
    assert not is_alive(str(tmp_path), "theirs", "ingest", "another table")
    other.kill()
    other.wait()
    assert not is_alive(str(tmp_path), "theirs", "ingest", "t")
    assert list((tmp_path / "_locks" / "_alive").iterdir()) == []  # the file of a dead run is removed


def test_a_run_is_alive_until_it_ends(tmp_path):
    with living(str(tmp_path), "mine", "ingest", "t"):
        assert is_alive(str(tmp_path), "mine", "ingest", "t")
    assert not is_alive(str(tmp_path), "mine", "ingest", "t")


def test_two_runs_of_one_id_are_alive_until_both_have_ended(tmp_path):
    run = (str(tmp_path), "mine", "ingest", "t")
    with living(*run):
        with living(*run):
            assert is_alive(*run)
        assert is_alive(*run)
    assert not is_alive(*run)
    assert list((tmp_path / "_locks" / "_alive").iterdir()) == []


HELD_ELSEWHERE = """
import fcntl, sys
with open(sys.argv[1], "a") as file:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("held")
"""


def is_held(path):
    """Whether this process holds a lock, as another process sees it."""
    done = subprocess.run([sys.executable, "-c", HELD_ELSEWHERE, str(path)], capture_output=True, text=True, check=True)
    return done.stdout == "held\n"


def test_a_run_that_gives_up_does_not_free_the_lock_of_another_run_in_its_process(tmp_path, lines):
    path = tmp_path / "_locks" / "runs"
    with held_by_python(str(tmp_path), "runs", Writer("first", 0, lines.append)):
        with (
            pytest.raises(Busy, match="table runs is held by run first"),
            held_by_python(str(tmp_path), "runs", Writer("second", 0, lines.append)),
        ):
            pass
        assert is_held(path)
        assert path.read_text() == "first"
    assert not is_held(path)
    with held_by_python(str(tmp_path), "runs", Writer("second", 0, lines.append)):
        assert is_held(path)


def test_nor_does_it_in_its_jvm(spark, tmp_path, lines):
    path = tmp_path / "_locks" / "t"
    with held_by_jvm(spark, str(tmp_path), "t", Writer("first", 0, lines.append)):
        with (
            pytest.raises(Busy, match="table t is held by run first"),
            held_by_jvm(spark, str(tmp_path), "t", Writer("second", 0.3, lines.append)),
        ):
            pass
        assert is_held(path)
    assert not is_held(path)
    assert lines == ["table t is held by run first: waiting up to 0.3 s"]
