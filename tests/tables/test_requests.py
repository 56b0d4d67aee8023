"""`requests`: identity without an id, late data, statistics; whole jobs on hand-made logs."""

from __future__ import annotations

import gzip
import itertools
import random
from datetime import date

import pytest

DAY = date(2024, 10, 2)


def line(second=0, customer="c", path="/p", status=200, duration: object = "0.5", day=2):
    return f"2024-10-{day:02} 05:{second // 60 % 60:02}:{second % 60:02} {customer} {path} {status} {duration}"


@pytest.fixture
def log(tmp_path):
    """Writes a log file from lines."""

    def write(name, *lines, ends="\n"):
        path = tmp_path / "logs" / name
        path.parent.mkdir(exist_ok=True)
        data = "".join(text + ends for text in lines).encode()
        path.write_bytes(gzip.compress(data, mtime=0) if name.endswith(".gz") else data)
        return path

    return write


COLUMNS = ("customer_id", "request_path", "status_code", "duration", "occurrence", "source")


def test_lines_become_rows_and_bad_ones_rejects(job, rows, log):
    path = log("a.log", line(), "", line(1, duration="-"), "nonsense", line(2, status=600), line(3), ends="\r\n")
    done = job("ingest", "requests", path, "--max-rejects", "50%")
    assert (done.exit_code, done.counts) == (0, {"read": 5, "rejected": 2, "inserted": 3})
    assert rows("requests", *COLUMNS) == [
        ("c", "/p", 200, 0.5, 1, ""),
        ("c", "/p", 200, 0.5, 1, ""),
        ("c", "/p", 200, None, 1, ""),
    ]
    assert {row[0] for row in rows("requests", "date")} == {DAY}
    assert rows("rejects", "raw", "reason") == [
        (line(2, status=600), "status '600' is not a number from 100 to 599"),
        ("nonsense", "the line is not of format space or json or combined"),
    ]
    assert job("ingest", "requests", path, "--max-rejects", "50%").report["status"] == "nothing_new"
    assert job("ingest", "requests", path, "--max-rejects", "50%", "--reprocess").counts == {
        "read": 5,
        "rejected": 2,
        "unchanged": 3,
    }


def test_a_table_holds_as_many_alike_as_the_file_with_the_most(job, rows, log):
    first = log("1.log", line(), line(), line(1))
    copy = log("2.log.gz", line(), line(), line(), line(2))
    assert job("ingest", "requests", first, copy).counts == {"read": 7, "duplicate": 2, "inserted": 5}
    assert sorted(row[0] for row in rows("requests", "occurrence")) == [1, 1, 1, 2, 3]
    again = log("3.log", line(2), line(1), line(), line(1))
    assert job("ingest", "requests", again).counts == {"read": 4, "unchanged": 3, "inserted": 1}
    other = job("ingest", "requests", log("4.log", line()), "--source", "second")
    assert other.counts == {"read": 1, "inserted": 1}
    assert len(rows("requests", "record_id")) == len(set(rows("requests", "record_id"))) == 7


def test_a_request_id_tells_records_of_a_day_and_the_last_one_wins(job, rows, log):
    def record(request_id, status, day=2):
        return (
            f'{{"requested_at": "2024-10-{day:02}T05:00:00Z", "customer_id": "c", "request_path": "/p", '
            f'"status_code": {status}, "request_id": "{request_id}"}}'
        )

    done = job("ingest", "requests", log("1.log", record("a", 500), record("b", 200), record("a", 200)))
    assert done.counts == {"read": 3, "duplicate": 1, "inserted": 2}
    assert rows("requests", "request_id", "status_code", "occurrence") == [("a", 200, 1), ("b", 200, 1)]
    again = job("ingest", "requests", log("2.log", record("a", 503), record("b", 200), record("b", 200, day=3)))
    assert again.counts == {"read": 3, "updated": 1, "unchanged": 1, "inserted": 1}
    assert rows("requests", "request_id", "status_code") == [("a", 503), ("b", 200), ("b", 200)]


@pytest.mark.parametrize(
    "option", [("--timezone", "Europe/Berlin"), ("--keep-query",), ("--format", "space"), ("--source", "x")]
)
def test_a_file_is_never_read_in_another_way(job, log, option):
    path = log("a.log", line())
    job("ingest", "requests", path)
    done = job("ingest", "requests", path, *option)
    assert done.exit_code == 2
    assert (
        f"{path.as_uri()}: table requests holds its rows as read with {option[0][2:].replace('-', '_')} " in done.stderr
    )
    assert "maintain clear" in done.stderr.splitlines()[-1]
    job("maintain", "clear", "requests")
    assert job("ingest", "requests", path, *option).counts == {"read": 1, "inserted": 1}


def test_options_of_another_kind_of_file_are_wrong_usage(job, log):
    done = job("ingest", "requests", log("a.log", line()), "--delimiter", ";")
    assert (done.exit_code, "--delimiter does not apply to files of table requests" in done.stderr) == (2, True)
    assert job("ingest", "products", log("a.log", line()), "--timezone", "UTC").exit_code == 2


def test_a_file_without_a_good_line_is_no_log(job, lake, log):
    done = job("ingest", "requests", log("a.log", "nothing", "like it"))
    assert (done.exit_code, (lake / "requests").exists()) == (3, False)
    assert "a.log: no line at its beginning is of a known format (space, json, combined)" in done.stderr
    assert job("ingest", "requests", log("b.log", line()), "--format", "json").exit_code == 3


def statistics(rows):
    return {
        row[0]: row[1:]
        for row in rows(
            "resource_statistics_by_day",
            *("customer_id", "success_requests", "failed_requests", "duration_mean", "duration_p50", "duration_p99"),
            "uptime_percentage",
        )
    }


def test_hand_computed_days(job, rows, log):
    lines = [
        line(0, "one", duration=0.25),
        *(line(n, "failed", status=500, duration=n) for n in (1, 2)),
        *(line(n, "zero", status=status, duration=0) for n, status in enumerate((200, 404, 200, 200))),
        *(line(n, "null", status=status, duration="-") for n, status in enumerate((200, 404, 200, 200))),
        *(line(n, "equal", duration=0.1) for n in range(3)),
        *(line(n, "two", duration=d) for n, d in enumerate((4, 2))),
        *(
            line(n, "mixed", status=s, duration=d)
            for n, (s, d) in enumerate([(200, 1), (299, 2), (300, 5), (199, "-")])
        ),
        *(line(n, "hundred", duration=n / 10) for n in range(1, 101)),
    ]
    job("ingest", "requests", log("a.log", *lines))
    assert job("aggregate", "requests").exit_code == 0
    assert statistics(rows) == {
        "one": (1, 0, 0.25, 0.25, 0.25, 100.0),
        "failed": (0, 2, 1.5, 1.0, 2.0, 0.0),
        "zero": (3, 1, 0.0, 0.0, 0.0, 75.0),
        "null": (3, 1, None, None, None, 75.0),
        "equal": (3, 0, 0.1, 0.1, 0.1, 100.0),
        "two": (2, 0, 3.0, 2.0, 4.0, 100.0),
        "mixed": (2, 2, 8 / 3, 2.0, 5.0, 37.5),
        "hundred": (100, 0, 5.05, 5.0, 9.9, 100.0),
    }
    fine = rows("resource_statistics_by_day_path_status", "customer_id", "status_code", "requests", "duration_p50")
    assert [row for row in fine if row[0] == "mixed"] == [
        ("mixed", 199, 1, None),
        ("mixed", 200, 1, 1.0),
        ("mixed", 299, 1, 2.0),
        ("mixed", 300, 1, 5.0),
    ]


def test_a_late_line_corrects_its_day_and_nothing_else_is_read(job, rows, log):
    many = [line(n, f"c{n % 3}", duration=n / 7, day=day) for day in range(1, 21) for n in range(30)]
    job("ingest", "requests", log("a.log", *many))
    job("aggregate", "requests")
    done = job("ingest", "requests", log("b.log", line(5, "c1", status=500, duration=9, day=3)))
    assert done.counts == {"read": 1, "inserted": 1}
    refreshed = job("aggregate", "requests")
    for step in refreshed.report["steps"]:
        assert (step["mode"], step["groups_recomputed"]) == ("incremental", 1)
        assert step["files_read"] <= 3  # the change, and the files of one day
    tables = ("resource_statistics_by_day", "resource_statistics_by_day_path_status")
    kept = [rows(table, "*") for table in tables]
    job("aggregate", "requests", "--full-refresh")
    assert [rows(table, "*") for table in tables] == kept


@pytest.mark.slow
def test_the_same_requests_give_the_same_table_however_they_are_cut_into_files(job, spark, log, monkeypatch, tmp_path):
    chance = random.Random(1)
    lines = [
        line(chance.randrange(40), f"c{n % 3}", duration=round(chance.random(), 3), day=1 + n % 4) for n in range(400)
    ]
    lines += [chance.choice(lines) for _ in range(40)]
    wanted = None
    for attempt in range(3):
        monkeypatch.setenv("SLUICE_LAKE", str(tmp_path / f"lake{attempt}"))
        chance.shuffle(lines)
        alike = [list(group) for _, group in itertools.groupby(sorted(lines))]
        chance.shuffle(alike)
        cuts = [alike[n::4] for n in range(4)]  # identical lines stay in one file
        paths = [log(f"{attempt}-{n}.log", *itertools.chain(*cut)) for n, cut in enumerate(cuts)]
        chance.shuffle(paths)
        for path in paths[:2]:
            job("ingest", "requests", path)
        job("aggregate", "requests")
        job("ingest", "requests", *paths)
        job("aggregate", "requests")
        lake = tmp_path / f"lake{attempt}"
        found = [
            sorted(map(tuple, spark.read.format("delta").load(str(lake / table)).select(*columns).collect()))
            for table, columns in (
                ("requests", ("record_id", "requested_at", "customer_id", "duration", "occurrence")),
                ("resource_statistics_by_day", ("*",)),
            )
        ]
        wanted = wanted or found
        assert found == wanted


def test_merges_touch_only_the_days_of_the_input(job, lake, spark, log):
    job("ingest", "requests", log("a.log", *(line(day=day) for day in range(1, 29))))
    done = job("ingest", "requests", log("b.log", line(1)))
    assert done.counts == {"read": 1, "inserted": 1}
    metrics = spark.sql(f"DESCRIBE HISTORY delta.`{lake}/requests` LIMIT 1").collect()[0]["operationParameters"]
    assert "2024-10-02" in metrics["predicate"]


def test_days_across_midnight_and_daylight_saving(job, rows, log):
    path = log(
        "a.log", "2024-03-31 00:30:00 c /p 200 1", "2024-03-31 03:30:00 c /p 200 1", "2024-10-27 02:30:00 c /p 200 1"
    )
    job("ingest", "requests", path, "--timezone", "Europe/Berlin")
    found = sorted((str(at), str(day)) for at, day in rows("requests", "requested_at", "date"))
    assert found == [
        ("2024-03-30 23:30:00", "2024-03-30"),
        ("2024-03-31 01:30:00", "2024-03-31"),
        ("2024-10-27 00:30:00", "2024-10-27"),
    ]


def test_a_customer_from_a_day_on_is_answered_from_the_keys_index(job, log, database):
    many = [line(n, f"c{n}", day=day) for day in range(1, 29) for n in range(60)]
    done = job("run", "requests", log("a.log", *many))
    assert done.exit_code == 0
    database("ANALYZE resource_statistics_by_day")
    plan = database(
        "EXPLAIN SELECT * FROM resource_statistics_by_day WHERE customer_id = 'c7' AND date >= '2024-10-20'"
    )
    assert any("resource_statistics_by_day_customer_id_date_key" in row[0] for row in plan)
    assert database("SELECT count(*), sum(requests) FROM resource_statistics_by_day_path_status") == [
        (28 * 60, 28 * 60)
    ]


@pytest.mark.slow
def test_pruned_days_keep_their_statistics_and_take_no_more_lines(job, rows, log):
    job("ingest", "requests", log("a.log", line(0, day=1), line(1, day=1, status=500), line(0, day=2), line(0, day=3)))
    pruned = job("maintain", "prune", "requests", "--before", "2024-10-03")
    assert (pruned.exit_code, pruned.report["rows_removed"]) == (0, 3)
    assert rows("requests", "date") == [(date(2024, 10, 3),)]
    tables = ("resource_statistics_by_day", "resource_statistics_by_day_path_status")
    kept = [rows(table, "*") for table in tables]
    assert [len(each) for each in kept] == [3, 4]
    late = job("ingest", "requests", log("b.log", line(9, day=2), line(9, day=3)), "--max-rejects", 1)
    assert late.counts == {"read": 2, "rejected": 1, "inserted": 1}
    assert rows("rejects", "raw", "reason") == [(line(9, day=2), "days before 2024-10-03 are pruned")]
    job("aggregate", "requests")
    for table, before in zip(tables, kept, strict=True):
        frozen = [row for row in before if date(2024, 10, 3) not in row]
        assert [row for row in rows(table, "*") if date(2024, 10, 3) not in row] == frozen
    after = [rows(table, "*") for table in tables]
    job("aggregate", "requests", "--full-refresh")
    assert [rows(table, "*") for table in tables] == after
    assert job("maintain", "prune", "requests", "--before", "2024-10-01").exit_code == 2
    assert job("maintain", "prune", "products", "--before", "2024-10-01").exit_code == 2
