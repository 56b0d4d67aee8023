"""`processes`: snapshots replaced whole, told by path or options; statistics by hour and day; whole jobs."""

from __future__ import annotations

import random

import pytest
from sluice.generate.kinds.processes import SYSTEMS

PS = "USER PID %CPU RSS COMMAND"
TIME = "2024-09-01T10-00-00Z"


@pytest.fixture
def snapshot(tmp_path):
    """Writes a listing of processes: `snapshot("web/time.txt", "root 1 0.5 10 init")`."""

    def write(name, *lines, header=PS, data=None):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if data is not None else "".join(f"{line}\n" for line in (header, *lines)).encode())
        return path

    return write


def pids(rows):
    return rows("processes", "host", "pid", "name")


def test_a_snapshot_becomes_rows_with_host_and_time_from_its_path(job, snapshot, rows):
    path = snapshot(f"web/{TIME}.txt", "root 1 0.5 10 /sbin/init", "root 2 - 0 [kthreadd]", "www 3 1.5 20 cut-sho")
    done = job("ingest", "processes", path)
    assert (done.exit_code, done.counts) == (0, {"read": 3, "inserted": 3})
    columns = ("date", "os_type", "host", "pid", "cpu_percent", "resident_bytes")
    assert [tuple(map(str, row)) for row in rows("processes", *columns)] == [
        ("2024-09-01", "unix", "web", "1", "0.5", "10240"),
        ("2024-09-01", "unix", "web", "2", "None", "0"),
        ("2024-09-01", "unix", "web", "3", "1.5", "20480"),
    ]
    assert {str(row[0]) for row in rows("processes", "snapshot_at")} == {"2024-09-01 10:00:00"}
    assert job("ingest", "processes", path).report["status"] == "nothing_new"
    again = job("ingest", "processes", path, "--reprocess")
    assert (again.counts, again.report["table_version"]) == ({"read": 3, "unchanged": 3}, 0)


def test_a_corrected_snapshot_replaces_the_whole(job, snapshot, rows):
    other = snapshot(f"db/{TIME}.txt", "root 1 0 1 init")
    job("ingest", "processes", snapshot(f"web/{TIME}.txt", *(f"root {n} 0 1 p{n}" for n in range(4))), other)
    job("aggregate", "processes")
    fixed = snapshot(f"fixed/web/{TIME}.txt", "root 1 0 1 p1", "root 2 0 1 changed", "root 9 0 1 new")
    dry = job("ingest", "processes", fixed, "--dry-run")
    done = job("ingest", "processes", fixed)
    assert done.counts == {"read": 3, "unchanged": 1, "updated": 1, "inserted": 1, "removed": 2} == dry.counts
    assert pids(rows) == [("db", 1, "init"), ("web", 1, "p1"), ("web", 2, "changed"), ("web", 9, "new")]
    steps = job("aggregate", "processes").report["steps"]
    assert [(step["mode"], step["groups_recomputed"]) for step in steps] == [("incremental", 5)] * 2
    kept = rows("process_statistics_by_hour", "host", "name", "hour", "samples", "snapshots")
    assert kept == [("db", "init", 10, 1, 1), *(("web", name, 10, 1, 1) for name in ("changed", "new", "p1"))]


def test_a_corrected_snapshot_may_be_of_another_system(job, snapshot, rows):
    job("ingest", "processes", snapshot(f"web/{TIME}.txt", "root 1 0 1 init", "root 2 0 1 x"))
    windows = snapshot(f"b/web/{TIME}.csv", '"smss.exe","1","Services","0","5 K"', header='"a","PID","c","d","e"')
    assert job("ingest", "processes", windows).counts == {"read": 1, "updated": 1, "removed": 1}
    assert rows("processes", "os_type", "pid", "name") == [("windows", 1, "smss.exe")]


def test_of_two_files_of_one_snapshot_the_last_stands(job, snapshot, rows):
    first = snapshot(f"a/web/{TIME}.txt", "root 1 0 1 p1", "root 2 0 1 p2")
    second = snapshot(f"b/web/{TIME}.txt", "root 2 0 1 p2b", "root 2 0 1 p2c")
    assert job("ingest", "processes", first, second).counts == {"read": 4, "duplicate": 3, "inserted": 1}
    assert pids(rows) == [("web", 2, "p2c")]


def test_a_replay_brings_nothing_back_that_a_corrected_snapshot_left_out(job, snapshot, rows):
    job("ingest", "processes", snapshot(f"a/web/{TIME}.txt", "root 1 0 1 p1", "wrong"), "--max-rejects", "50%")
    job("ingest", "processes", snapshot(f"b/web/{TIME}.txt", "root 2 0 1 p2"))
    replayed = job("rejects", "replay", "processes", "--max-rejects", "50%")
    assert replayed.counts == {"read": 2, "rejected": 1, "duplicate": 1}
    assert pids(rows) == [("web", 2, "p2")]


def test_options_tell_what_the_path_does_not(job, snapshot, rows):
    path = snapshot("listing.txt", "root 1 0 1 init")
    unknown = job("ingest", "processes", path)
    assert unknown.exit_code == 3
    assert "the snapshot's time is not known" in unknown.report["error"]
    assert "--snapshot-at" in unknown.report["error"]
    given = ("--host", "h", "--snapshot-at", "2024-09-01T12:00:00+02:00", "--os", "windows")
    assert job("ingest", "processes", path, *given).exit_code == 0
    found = rows("processes", "host", "snapshot_at", "os_type")
    assert [(host, str(at), os) for host, at, os in found] == [("h", "2024-09-01 10:00:00", "windows")]
    by_pattern = ("--path-pattern", "{os}/{host}_{snapshot_at}.lst")
    odd = snapshot("unix/db_20240901T100000Z.lst", "root 1 0 1 init")
    assert job("ingest", "processes", odd, *by_pattern).exit_code == 0
    assert len(pids(rows)) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--snapshot-at", "yesterday"), "is not a valid time"),
        (("--path-pattern", "{what}.txt"), "use {host}"),
        (("--encoding", "klingon"), "is unknown"),
        (("--keep-query",), "does not apply to files of table processes"),
    ],
)
def test_wrong_usage(job, snapshot, arguments, message):
    done = job("ingest", "processes", snapshot(f"web/{TIME}.txt", "root 1 0 1 init"), *arguments)
    assert done.exit_code == 2
    assert message in done.report["error"]


@pytest.mark.parametrize("data", [b"", b"\x00\x01\x02" * 50, b"just text\n"])
def test_what_is_no_listing_is_an_input_error(job, snapshot, lake, data):
    path = snapshot(f"web/{TIME}.txt", data=data)
    done = job("ingest", "processes", path)
    assert done.exit_code == 3
    assert path.as_uri() in done.report["error"]
    good = snapshot(f"db/{TIME}.txt", "root 1 0 1 init")
    skipped = job("ingest", "processes", path, good, "--on-bad-file", "skip")
    assert (skipped.exit_code, skipped.report["files"], skipped.report["files_skipped"]) == (0, 1, 1)


def test_encodings(job, snapshot, rows):
    listing = '"Nom","PID","Session","#","M\u00e9moire"\r\n"caf\u00e9.exe","7","Console","1","1 024 Ko"\r\n'
    job("ingest", "processes", snapshot(f"a/{TIME}.csv", data=listing.encode("cp850")), "--encoding", "cp850")
    job("ingest", "processes", snapshot(f"b/{TIME}.csv", data=listing.encode("utf-16")))
    job("ingest", "processes", snapshot(f"c/{TIME}.csv", data=listing.encode("utf-8-sig")))
    assert rows("processes", "host", "name", "resident_bytes") == [(h, "caf\u00e9.exe", 1 << 20) for h in "abc"]


def test_statistics_on_a_hand_computed_hour(job, snapshot, rows):
    job("ingest", "processes", snapshot(f"web/{TIME}.txt", "a 1 0.1 1 x", "a 2 0.2 3 x", "a 3 - - x"))
    job("ingest", "processes", snapshot("web/2024-09-01T10-30-00Z.txt", "a 1 0.6 2 x"))
    job("ingest", "processes", snapshot("web/2024-09-01T11-00-00Z.txt", "a 1 9.0 4 x"))
    job("aggregate", "processes")
    measures = [f"{c}_{m}" for c in ("cpu_percent", "resident_bytes") for m in ("sum", "count", "mean", "max")]
    ten = (2, 4, 0.9, 3, 0.3, 0.6, 6 * 1024, 3, 2048.0, 3 * 1024)
    eleven = (1, 1, 9.0, 1, 9.0, 9.0, 4096, 1, 4096.0, 4096)
    columns = ("snapshots", "samples", *measures)
    assert rows("process_statistics_by_hour", "hour", *columns) == [(10, *ten), (11, *eleven)]
    day = (3, 5, 9.9, 4, 2.475, 9.0, 10240, 4, 2560.0, 4096)
    assert rows("process_statistics_by_day", *columns) == [day]


def test_generated_snapshots_of_every_system_are_read_whole(job, tmp_path, rows):
    assert job("generate", "processes", "--rows", "2450", "--output", tmp_path / "made").exit_code == 0
    assert job("generate", "processes", "--this-machine", "--output", tmp_path / "made").exit_code == 0
    done = job("ingest", "processes", tmp_path / "made")
    assert done.exit_code == 0
    assert (done.report["rows_rejected"], done.report["files"]) == (0, 14)
    assert len(rows("processes", "pid")) == done.report["rows_inserted"] > 2450
    hosts = {host.rsplit("-", 1)[0] for (host,) in rows("processes", "host")}
    assert hosts > set(SYSTEMS)


@pytest.mark.slow
def test_whatever_order_snapshots_and_corrections_come_in_aggregates_equal_a_full_refresh(job, snapshot, rows):
    chance = random.Random(5)
    for turn in range(4):
        for number in range(3):
            lines = [f"u {n} 0.{chance.randrange(9)} {n} p{n % 3}" for n in chance.sample(range(9), 5)]
            path = snapshot(f"{turn}/{chance.choice('ab')}/2024-09-0{1 + number}T1{turn % 2}-00-00Z.txt", *lines)
            assert job("ingest", "processes", path).exit_code == 0
        assert job("aggregate", "processes").exit_code == 0
    names = ("process_statistics_by_hour", "process_statistics_by_day")
    columns = ("date", "host", "name", "snapshots", "samples", "cpu_percent_sum", "resident_bytes_mean")
    kept = [rows(name, *columns) for name in names]
    job("aggregate", "processes", "--full-refresh")
    assert [rows(name, *columns) for name in names] == kept
