"""Leases of tables on S3: one run at a time, dead ones taken over, and none commits that has lost its own."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from sluice.errors import Busy, UsageError
from sluice.files.s3 import objects
from sluice.lake import lease
from sluice.lake.lock import held_by_python, is_alive, life_file, living
from sluice.lake.writer import Writer


@pytest.fixture
def lines(monkeypatch):
    """What a waiting run logs. Leases are quick here: renewed each 0.2 s, taken over after 1 s."""
    for name, seconds in (("_RENEWED", 0.2), ("_OURS", 0.7), ("_TAKEN_OVER", 1.0), ("_LOOK", 0.1)):
        monkeypatch.setattr(lease, name, seconds)
    return []


def writer(run_id, lines, timeout=10.0):
    return Writer(run_id, timeout, lines.append)


@contextmanager
def holding(lake, run_id, lines):
    """Holds the lease of `t` in another thread; gives the event that lets it end."""
    held, end = threading.Event(), threading.Event()

    def hold():
        with lease.held(lake, "t", writer(run_id, lines)):
            held.set()
            end.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(10)
    try:
        yield end
    finally:
        end.set()
        thread.join()


def test_a_second_run_waits_and_says_for_whom_and_takes_what_is_given_back(s3_lake, lines):
    with holding(s3_lake, "first", lines) as end:
        threading.Timer(2.5, end.set).start()
        began = time.monotonic()
        with lease.held(s3_lake, "t", writer("second", lines)):
            assert 2.0 < time.monotonic() - began < 4
    assert lines == ["table t is held by run first: waiting up to 10 s"]
    assert objects.read(f"{s3_lake}/_locks/t") is None


def test_a_second_run_gives_up_after_its_timeout(s3_lake, lines):
    with (
        holding(s3_lake, "first", lines),
        pytest.raises(Busy, match="table t is held by run first: try again, or wait longer with --lock-timeout"),
        lease.held(s3_lake, "t", writer("second", lines, 0.3)),
    ):
        pass
    with lease.held(s3_lake, "t", writer("third", lines, 0)):
        pass


def test_a_lease_that_does_not_change_is_taken_over_by_the_waiting_runs_own_clock(s3_lake, lines):
    lease.check_conditional_puts(s3_lake)
    objects.create(f"{s3_lake}/_locks/t", b'{"run_id": "dead"}')
    began = time.monotonic()
    with lease.held(s3_lake, "t", writer("next", lines)):
        assert 1.0 <= time.monotonic() - began < 3
    assert lines == ["table t is held by run dead: waiting up to 10 s"]


def test_of_two_that_take_over_at_once_one_has_it(s3_lake, lines, monkeypatch):
    objects.create(f"{s3_lake}/_locks/t", b'{"run_id": "dead"}')
    monkeypatch.setattr(lease, "_LONG_DEAD", 0.0)
    both_have_seen_it = threading.Barrier(2)
    is_dead = lease._Lease._is_dead
    monkeypatch.setattr(
        lease._Lease, "_is_dead", lambda self, other: is_dead(self, other) and both_have_seen_it.wait(10) >= 0
    )
    leases = [lease._Lease(f"{s3_lake}/_locks/t", run, lease._NoDeadline()) for run in ("a", "b")]
    assert [each.taken() for each in leases] == [False, False]  # they find that it is there
    with ThreadPoolExecutor() as pool:
        assert sorted(pool.map(lease._Lease.taken, leases)) == [False, True]


def test_one_that_died_long_ago_by_s3s_clock_is_taken_over_at_once(s3_lake, lines, monkeypatch):
    objects.create(f"{s3_lake}/_locks/t", b"not even JSON")
    time.sleep(1.1)  # S3's times have whole seconds
    monkeypatch.setattr(lease, "_LONG_DEAD", 0.5)
    monkeypatch.setattr(lease, "_TAKEN_OVER", 100)
    began = time.monotonic()
    with lease.held(s3_lake, "t", writer("next", lines)):
        assert time.monotonic() - began < 1


def test_a_run_that_stood_still_does_not_commit_and_leaves_the_next_ones_lease_alone(s3_lake, s3, lines, monkeypatch):
    monkeypatch.setattr(lease, "_RENEWED", 100)  # as if it had been stopped
    stopped = lease.held(s3_lake, "t", writer("stopped", lines))
    stopped.__enter__()
    monkeypatch.setattr(lease, "_RENEWED", 0.2)
    with holding(s3_lake, "next", lines):
        with pytest.raises(Busy, match="could not renew its lease"):
            stopped.__exit__(None, None, None)
        assert b"next" in objects.read(f"{s3_lake}/_locks/t").data
    assert objects.read(f"{s3_lake}/_locks/t") is None


def test_a_lease_that_another_run_took_over_is_not_taken_back(s3_lake, lines):
    first = lease.held(s3_lake, "t", writer("first", lines))
    first.__enter__()
    objects.write(f"{s3_lake}/_locks/t", b'{"run_id": "other"}')
    time.sleep(0.5)
    with pytest.raises(Busy, match="could not renew"):
        first.__exit__(None, None, None)
    assert b"other" in objects.read(f"{s3_lake}/_locks/t").data


def test_a_failure_of_the_run_gives_its_lease_back(s3_lake, lines):
    with pytest.raises(ZeroDivisionError), lease.held(s3_lake, "t", writer("first", lines)):
        raise ZeroDivisionError
    assert objects.read(f"{s3_lake}/_locks/t") is None


def test_puts_whose_answer_is_lost_take_and_renew_a_lease(s3_lake, s3, lines):
    lease.check_conditional_puts(s3_lake)
    s3.fail("PUT", "/_locks/t", times=1, drop=True)
    with lease.held(s3_lake, "t", writer("first", lines)):
        s3.fail("PUT", "/_locks/t", times=1, drop=True)
        time.sleep(1.2)
    assert s3.faults_left == 0
    assert lines == []


def test_renewals_that_fail_for_a_moment_are_tried_again(s3_lake, s3, lines, monkeypatch):
    monkeypatch.setattr(lease, "_OURS", 6.0)
    monkeypatch.setattr(lease, "_TAKEN_OVER", 9.0)
    with lease.held(s3_lake, "t", writer("first", lines)):
        s3.fail("PUT", "/_locks/t", times=2, status=403, code="AccessDenied")  # which boto3 itself does not try again
        time.sleep(3)
    assert s3.faults_left == 0


@pytest.mark.skipif(
    "SLUICE_TEST_S3" in os.environ, reason="a server that checks signatures refuses what lacks a header"
)
@pytest.mark.parametrize("ignored", [("if-none-match",), ("if-match",), ("if-none-match", "if-match")])
def test_a_store_that_ignores_the_conditions_of_puts_is_refused(s3_lake, s3, lines, ignored):
    s3.fail("PUT", "", times=1000, strip=ignored)
    for _ in range(2):  # nothing that the first left makes the second pass
        lease.check_conditional_puts.cache_clear()
        with pytest.raises(UsageError, match="ignores If-None-Match and If-Match of a put"):
            lease.held(s3_lake, "t", writer("first", lines)).__enter__()
    assert objects.read(f"{s3_lake}/_locks/t") is None


def test_a_store_that_honours_them_is_asked_once_a_run(s3_lake, s3, lines):
    for asked in (3, 1):
        lease.check_conditional_puts.cache_clear()
        s3.clear()
        for _ in range(2):
            with held_by_python(s3_lake, "t", writer("first", lines)):
                pass
        assert sum(r.kind == "PUT" and r.path.endswith("_conditional_puts") for r in s3.requests) == asked


def test_runs_are_alive_as_long_as_they_show_it(s3_lake, monkeypatch):
    run = ("r", "ingest", "t")
    assert not is_alive(s3_lake, *run)
    with living(s3_lake, *run):
        assert is_alive(s3_lake, *run)
    assert not is_alive(s3_lake, *run)
    with pytest.raises(ZeroDivisionError), living(s3_lake, *run):
        raise ZeroDivisionError
    assert not is_alive(s3_lake, *run)
    objects.write(life_file(s3_lake, run), b"x")
    monkeypatch.setattr(lease, "_LONG_DEAD", -1.0)
    assert not is_alive(s3_lake, *run)
    assert objects.read(life_file(s3_lake, run)) is None
