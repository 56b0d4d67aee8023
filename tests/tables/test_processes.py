"""`processes`: snapshots replaced whole, told by path or options; statistics by hour and day; mostly whole jobs."""

from __future__ import annotations

import gzip
import random
from datetime import UTC, date, datetime

import pytest
from sluice.errors import InputError, UsageError
from sluice.files.find import find_files
from sluice.files.input_file import InputFile
from sluice.generate.kinds.processes import SYSTEMS
from sluice.readers.processes import reader
from sluice.readers.processes.snapshot import SnapshotOptions, snapshot_of
from sluice.readers.shared.in_spark import Range
from sluice.tables.processes import TABLE

PS = "USER PID %CPU RSS COMMAND"
TIME = "2024-09-01T10-00-00Z"
AT_TEN = datetime(2024, 9, 1, 10, tzinfo=UTC)


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


def test_a_snapshot_becomes_rows_with_host_and_time_from_its_path_in_any_encoding(job, snapshot, rows):
    web = snapshot(f"web/{TIME}.txt", "root 1 0.5 10 /sbin/init", "root 2 - 0 [kthreadd]", "www 3 1.5 20 cut-sho")
    listing = '"Nom","PID","Session","#","M\u00e9moire"\r\n"caf\u00e9.exe","7","Console","1","1 024 Ko"\r\n'
    for host, encoding in (("a", "cp850"), ("b", "utf-16"), ("c", "utf-8-sig")):
        snapshot(f"{host}/{TIME}.csv", data=listing.encode(encoding))
    ingest = ("ingest", "processes", web.parent.parent, "--encoding", "cp850")
    done = job(*ingest)
    assert (done.exit_code, done.counts) == (0, {"read": 6, "inserted": 6})
    assert rows("processes", "date", "os_type", "host", "pid", "name", "cpu_percent", "resident_bytes") == [
        *(
            (date(2024, 9, 1), "unix", "web", *process)
            for process in ((1, "init", 0.5, 10240), (2, "kthreadd", None, 0))
        ),
        (date(2024, 9, 1), "unix", "web", 3, "cut-sho", 1.5, 20480),
        *((date(2024, 9, 1), "windows", host, 7, "caf\u00e9.exe", None, 1 << 20) for host in "abc"),
    ]
    assert set(rows("processes", "snapshot_at")) == {(datetime(2024, 9, 1, 10),)}
    assert job(*ingest).report["status"] == "nothing_new"
    again = job(*ingest, "--reprocess")
    assert (again.counts, again.report["table_version"]) == ({"read": 6, "unchanged": 6}, 0)


def test_a_corrected_snapshot_replaces_the_whole_in_statistics_and_replays_too(job, snapshot, rows):
    def processes(*columns):
        return rows("processes", "host", "pid", "name", *columns)

    folder = snapshot(f"web/{TIME}.txt", "a 1 0.1 1 x", "a 2 0.2 3 x", "a 3 - - x").parent.parent
    snapshot("web/2024-09-01T10-30-00Z.txt", "a 1 0.6 2 x")
    snapshot("web/2024-09-01T11-00-00Z.txt", "a 1 9.0 4 x")
    snapshot(f"db/{TIME}.txt", *(f"root {n} 0 1 p{n}" for n in range(4)), "wrong")
    snapshot(f"other/{TIME}.txt", "root 1 0 1 init", "root 2 0 1 x")
    snapshot(
        f"1/twice/{TIME}.txt", "root 1 0 1 p1", "root 2 0 1 p2"
    )  # of two files of one snapshot the last one stands
    snapshot(f"2/twice/{TIME}.txt", "root 2 0 1 p2b", "root 2 0 1 p2c")
    done = job("ingest", "processes", folder, "--max-rejects", "50%")
    assert done.counts == {"read": 16, "rejected": 1, "duplicate": 3, "inserted": 12}
    assert [row for row in processes() if row[0] == "twice"] == [("twice", 2, "p2c")]

    job("aggregate", "processes")
    measures = [f"{c}_{m}" for c in ("cpu_percent", "resident_bytes") for m in ("sum", "count", "mean", "max")]
    columns = ("snapshots", "samples", *measures)
    ten = (2, 4, 0.9, 3, 0.3, 0.6, 6 * 1024, 3, 2048.0, 3 * 1024)
    eleven = (1, 1, 9.0, 1, 9.0, 9.0, 4096, 1, 4096.0, 4096)
    by_hour = rows("process_statistics_by_hour", "host", "hour", *columns)
    assert [row for row in by_hour if row[0] == "web"] == [("web", 10, *ten), ("web", 11, *eleven)]
    day = (3, 5, 9.9, 4, 2.475, 9.0, 10240, 4, 2560.0, 4096)
    by_day = rows("process_statistics_by_day", "host", *columns)
    assert [row for row in by_day if row[0] == "web"] == [("web", *day)]

    fixed = snapshot(f"fixed/db/{TIME}.txt", "root 1 0 1 p1", "root 2 0 1 changed", "root 9 0 1 new")
    snapshot(f"fixed/other/{TIME}.csv", '"smss.exe","1","Services","0","5 K"', header='"a","PID","c","d","e"')
    dry = job("ingest", "processes", fixed.parent.parent, "--dry-run")
    done = job("ingest", "processes", fixed.parent.parent)
    assert done.counts == {"read": 4, "unchanged": 1, "updated": 2, "inserted": 1, "removed": 3} == dry.counts
    corrected = [
        *(("db", pid, name, "unix") for pid, name in ((1, "p1"), (2, "changed"), (9, "new"))),
        ("other", 1, "smss.exe", "windows"),
    ]
    assert [row for row in processes("os_type") if row[0] in ("db", "other")] == corrected

    steps = job("aggregate", "processes").report["steps"]
    assert [(step["mode"], step["groups_recomputed"]) for step in steps] == [("incremental", 8)] * 2
    kept = rows("process_statistics_by_hour", "host", "name", "hour", "samples", "snapshots")
    assert [row for row in kept if row[0] in ("db", "other")] == [
        *(("db", name, 10, 1, 1) for name in ("changed", "new", "p1")),
        ("other", "smss.exe", 10, 1, 1),
    ]

    replayed = job("rejects", "replay", "processes", "--max-rejects", "50%")
    assert replayed.counts == {"read": 5, "rejected": 1, "duplicate": 4}
    assert [row for row in processes("os_type") if row[0] in ("db", "other")] == corrected


def test_options_tell_what_the_path_does_not(job, snapshot, rows):
    path = snapshot("listing.txt", "root 1 0 1 init", header="USER PID NI RSS COMMAND")
    unknown = job("ingest", "processes", path)
    assert unknown.exit_code == 3
    assert "the snapshot's time is not known" in unknown.report["error"]
    assert "--snapshot-at" in unknown.report["error"]
    given = ("--host", "h", "--snapshot-at", "2024-09-01T12:00:00+02:00", "--os", "windows")
    done = job("ingest", "processes", path, *given)
    assert (done.exit_code, done.stderr.count(f"columns that are not stored: 'NI' (in {path.as_uri()})")) == (0, 1)
    found = rows("processes", "host", "snapshot_at", "os_type")
    assert [(host, str(at), os) for host, at, os in found] == [("h", "2024-09-01 10:00:00", "windows")]


OWN_PATTERN = {"path_pattern": "{os}/{host}_{snapshot_at}.lst"}


@pytest.mark.parametrize(
    ("path", "options", "host", "os"),
    [
        (f"in/web/{TIME}.txt", {}, "web", ""),
        (f"in/web/{TIME}.txt.gz", {"host": "h", "os": "unix"}, "h", "unix"),
        ("in/web/now.txt", {"snapshot_at": "2024-09-01T12:00:00+02:00"}, None, ""),
        ("in/x.txt", {"snapshot_at": "2024-09-01T12:00:00+02:00", "host": "h"}, "h", ""),
        ("in/unix/db_20240901T100000Z.lst", OWN_PATTERN, "db", "unix"),
        ("in/unix/db_20240901T100000Z.lst", OWN_PATTERN | {"host": "h", "os": "windows"}, "h", "windows"),
    ],
)
def test_host_time_and_system_come_from_options_or_the_path(path, options, host, os):
    found = snapshot_of(InputFile(f"file:///{path}", 1), SnapshotOptions(**options))
    assert (found.host, found.snapshot_at, found.os) == (host or "web", AT_TEN, os)


@pytest.mark.parametrize(
    ("path", "options", "message"),
    [
        ("listing.txt", {}, "the snapshot's time is not known: its path does not fit"),
        ("listing.txt", {"path_pattern": "*.lst"}, "the snapshot's host and time is not known: its path does not fit"),
        (f"in/web/{TIME}.txt", {"path_pattern": "{host}/{snapshot_at}.lst", "host": "h"}, "snapshot's time is not"),
        ("bsd/db_20240901T100000Z.lst", OWN_PATTERN, "its system 'bsd' is neither unix nor windows: give --os"),
    ],
)
def test_a_snapshot_whose_host_or_time_is_not_known_is_an_input_error(path, options, message):
    with pytest.raises(InputError, match=message):
        snapshot_of(InputFile(f"file:///folder/{path}", 1), SnapshotOptions(**options))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"snapshot_at": "yesterday"}, "^--snapshot-at 'yesterday' is not a valid time"),
        ({"path_pattern": "{what}.txt"}, "^--path-pattern '{what}.txt': use {host}"),
        ({"path_pattern": "{host}/{host}.txt"}, "^--path-pattern '{host}/{host}.txt': use {host}"),
        ({"encoding": "klingon"}, "^--encoding 'klingon' is unknown"),
    ],
)
def test_values_that_are_not_valid_are_wrong_usage(options, message):
    with pytest.raises(UsageError, match=message):
        SnapshotOptions(**options)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--snapshot-at", "yesterday"), "is not a valid time"),
        (("--keep-query",), "does not apply to files of table processes"),
    ],
)
def test_wrong_usage(job, snapshot, arguments, message):
    done = job("ingest", "processes", snapshot(f"web/{TIME}.txt", "root 1 0 1 init"), *arguments)
    assert done.exit_code == 2
    assert message in done.report["error"]


NO_LISTINGS = {"empty": b"", "binary": b"\x00\x01\x02" * 50, "text": b"just text\n"}


def test_what_is_no_listing_is_an_input_error_and_can_be_skipped(job, snapshot):
    paths = [snapshot(f"{name}/{TIME}.txt", data=data) for name, data in NO_LISTINGS.items()]
    failed = job("ingest", "processes", *paths[1:])
    assert failed.exit_code == 3
    assert any(path.as_uri() in failed.report["error"] for path in paths[1:])
    good = snapshot(f"db/{TIME}.txt", "root 1 0 1 init")
    skipped = job("ingest", "processes", *paths, good, "--on-bad-file", "skip")
    assert (skipped.exit_code, skipped.report["files"], skipped.report["files_skipped"]) == (0, 1, 3)
    assert all(f"left out: {path.as_uri()}: " in skipped.stderr for path in paths)


def test_the_reader_gives_one_failure_for_each_file_that_is_no_listing(spark, snapshot):
    paths = [str(snapshot(f"{name}/{TIME}.txt", data=data)) for name, data in NO_LISTINGS.items()]
    files = find_files(paths)
    opened = TABLE.reader.open_all(files, TABLE, TABLE.reading, "fail")
    found = {row["_file"]: row for row in TABLE.reader.read(spark, opened.sources).collect()}
    assert len(found) == len(files)
    for number, file in enumerate(files):
        why = "the file is empty" if "/empty/" in file.uri else "it has no header of a process listing"
        assert found[number]["_reason"].startswith(f"{file.uri}: {why}")
        assert found[number]["_position"] is None


def test_a_file_that_is_longer_than_a_listing_is_read_only_as_far_as_shows_that(snapshot, monkeypatch):
    monkeypatch.setattr(reader, "_MOST_BYTES", 4 << 20)
    fits, path = (snapshot(f"{size}/{TIME}.txt", data=gzip.compress(b"x" * (size << 20))) for size in (4, 5))
    for each, why in ((fits, "it has no header"), (path, "is longer than 4M, as no listing of processes is: check it")):
        (source,) = TABLE.reader.open_all(find_files([str(each)]), TABLE, TABLE.reading, "fail").sources
        with pytest.raises(InputError, match=f"^{each.as_uri()}: {why}"):
            list(reader._parse(Range(0, source, 0, None)))


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
