"""`requests`: identity without an id, late data, statistics; hand-made logs, mostly in whole jobs."""

from __future__ import annotations

import gzip
import itertools
import json
import random
import re
from contextlib import nullcontext
from dataclasses import asdict
from datetime import date, datetime

import pytest
from sluice.errors import UsageError
from sluice.files.find import find_files
from sluice.files.input_file import InputFile
from sluice.ingest import occurrences, plan
from sluice.ingest.plan import Options, check_reading
from sluice.readers.logs.formats import LogFormat
from sluice.tables.requests import TABLE

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


def record(request_id, status, day=2):
    return (
        f'{{"requested_at": "2024-10-{day:02}T05:00:00Z", "customer_id": "c", "request_path": "/p", '
        f'"status_code": {status}, "request_id": "{request_id}"}}'
    )


def test_logs_that_were_read_or_overlap_add_only_what_is_new_and_bad_lines_are_rejects(job, rows, log):
    first = log(
        "1.log", line(), line(), "", line(1, duration="-"), "nonsense", line(2, status=600), line(3), ends="\r\n"
    )
    copy = log("2.log.gz", line(), line(), line(), line(2))
    with_ids = log("3.log", record("a", 500), record("b", 200), record("a", 200))
    logs = (first, copy, with_ids, "--max-rejects", "50%")
    done = job("ingest", "requests", *logs)
    assert (done.exit_code, done.counts) == (0, {"read": 13, "rejected": 2, "duplicate": 3, "inserted": 8})
    columns = ("requested_at", "request_id", "status_code", "duration", "occurrence")
    five = datetime(2024, 10, 2, 5).replace
    assert rows("requests", *columns) == [
        (five(second=0), "a", 200, None, 1),
        (five(second=0), "b", 200, None, 1),
        (five(second=0), None, 200, 0.5, 1),
        (five(second=0), None, 200, 0.5, 2),
        (five(second=0), None, 200, 0.5, 3),
        (five(second=1), None, 200, None, 1),
        (five(second=2), None, 200, 0.5, 1),
        (five(second=3), None, 200, 0.5, 1),
    ]
    assert set(rows("requests", "date", "customer_id", "request_path", "source")) == {(DAY, "c", "/p", "")}
    rejects = [
        (line(2, status=600), "status '600' is not a number from 100 to 599"),
        ("nonsense", "the line is not of format space or json or combined"),
    ]
    assert rows("rejects", "raw", "reason") == rejects

    assert job("ingest", "requests", *logs).report["status"] == "nothing_new"
    again = job("ingest", "requests", *logs, "--reprocess")
    assert again.counts == {"read": 13, "rejected": 2, "duplicate": 3, "unchanged": 8}
    assert rows("rejects", "raw", "reason") == rejects

    overlapping = log("4.log", line(2), line(1, duration="-"), line(), line(1, duration="-"))
    with_ids = log("5.log", record("a", 503), record("b", 200), record("b", 200, day=3))
    later = job("ingest", "requests", overlapping, with_ids)
    assert later.counts == {"read": 7, "unchanged": 4, "updated": 1, "inserted": 2}
    known = [row for row in rows("requests", "request_id", "status_code", "date") if row[0]]
    assert known == [("a", 503, DAY), ("b", 200, DAY), ("b", 200, date(2024, 10, 3))]

    other = job("ingest", "requests", log("6.log", line()), "--source", "second")
    assert other.counts == {"read": 1, "inserted": 1}
    assert len(rows("requests", "record_id")) == len(set(rows("requests", "record_id"))) == 11


# of one run: file, source, day, path, duration and id of each record; then its occurrence and whether it is superseded
IDENTITIES = [
    (0, "", 2, "/once", 0.5, None, 1, False),
    (0, "", 2, "/twice", None, None, 1, False),
    (0, "", 2, "/twice", None, None, 2, False),
    (1, "", 2, "/twice", None, None, 1, True),
    (1, "", 2, "/twice", None, None, 2, True),
    (1, "", 2, "/twice", None, None, 3, False),
    (2, "", 2, "/twice", None, None, 1, True),
    (2, "web-2", 2, "/twice", None, None, 1, False),
    (2, "", 2, "/twice", 0.0, None, 1, False),
    (2, "", 3, "/twice", None, None, 1, False),
    (0, "", 2, "/a", 0.5, "id", 1, True),
    (0, "", 2, "/b", 0.5, "id", 1, True),
    (1, "", 2, "/c", None, "id", 1, False),
    (1, "", 3, "/c", None, "id", 1, False),
    (1, "web-2", 2, "/c", None, "id", 1, False),
    (1, "", 2, "/c", None, None, 1, False),
]


@pytest.mark.parametrize("many", [occurrences.MANY, 0])
def test_equal_records_are_numbered_and_of_an_id_the_last_one_of_a_day_wins(spark, many, monkeypatch):
    monkeypatch.setattr(occurrences, "MANY", many)
    records = spark.createDataFrame(
        [
            (*(file, position, source), *(datetime(2024, 10, day, 5), date(2024, 10, day)), *(path, duration, id))
            for position, (file, source, day, path, duration, id, *_) in enumerate(IDENTITIES)
        ],
        "_file int, _position bigint, source string, requested_at timestamp, date date, request_path string, "
        "duration double, request_id string",
    ).selectExpr("*", "'c' AS customer_id", "200 AS status_code")
    found = occurrences.numbered(occurrences.spread(records, TABLE, 1), TABLE, 1).orderBy("_position").collect()
    assert [(row["occurrence"], row["_superseded"]) for row in found] == [case[-2:] for case in IDENTITIES]
    same = {(*((source, day, id) if id else (source, day, path, duration)), occurrence)
            for _, source, day, path, duration, id, occurrence, _ in IDENTITIES}  # fmt: skip
    kept = [row["record_id"] for row in found if not row["_superseded"]]
    assert {row["record_id"] for row in found} == set(kept)
    assert len(set(kept)) == len(kept) == len(same)
    assert all(re.fullmatch("[0-9A-F]{32}", key) for key in kept)


def test_a_file_is_never_read_in_another_way(job, rows, log):
    path = log(
        "a.log", "2024-03-31 00:30:00 c /p 200 1", "2024-03-31 03:30:00 c /p 200 1", "2024-10-27 02:30:00 c /p 200 1"
    )
    job("ingest", "requests", path)
    berlin = ("--timezone", "Europe/Berlin")
    done = job("ingest", "requests", path, *berlin)
    assert done.exit_code == 2
    assert f"{path.as_uri()}: table requests holds its rows as read with timezone 'UTC': other" in done.stderr
    assert "maintain clear" in done.stderr.splitlines()[-1]
    job("maintain", "clear", "requests")
    assert job("ingest", "requests", path, *berlin).counts == {"read": 3, "inserted": 3}
    found = sorted((str(at), str(day)) for at, day in rows("requests", "requested_at", "date"))
    assert found == [  # across midnight and daylight saving
        ("2024-03-30 23:30:00", "2024-03-30"),
        ("2024-03-31 01:30:00", "2024-03-31"),
        ("2024-10-27 00:30:00", "2024-10-27"),
    ]


@pytest.mark.parametrize(
    ("before", "now", "changed"),
    [
        ({}, {}, ""),
        ({}, {"timezone": "Europe/Berlin"}, "timezone 'UTC'"),
        ({}, {"keep_query": True}, "keep_query False"),
        ({}, {"format": "space"}, "format ''"),
        ({}, {"source": "x", "customer": "address"}, "customer 'user', source ''"),
        ({"source": "x"}, {"source": "x"}, ""),
        ({"source": "x"}, {}, "source 'x'"),
        ({"field": ("customer_id=user.id",)}, {"field": ("customer_id=user.id",)}, ""),
        ({"field": ("customer_id=user.id",)}, {}, "field ['customer_id=user.id']"),
    ],
)
def test_any_option_that_changes_keys_is_another_way(monkeypatch, before, now, changed):
    of_rows = json.dumps(asdict(LogFormat(**before)))
    monkeypatch.setattr(plan, "options_of", lambda lake, table, files: {"file:///a": {of_rows}})
    message = f"^file:///a: table requests holds its rows as read with {re.escape(changed)}: other options would"
    with pytest.raises(UsageError, match=message) if changed else nullcontext():
        check_reading("lake", TABLE, Options(LogFormat(**now)), [InputFile("file:///a", 1)])
    check_reading("lake", TABLE, Options(LogFormat(**now)), [InputFile("file:///b", 1)])


def test_options_of_another_kind_of_file_are_wrong_usage(job, log):
    done = job("ingest", "requests", log("a.log", line()), "--delimiter", ";")
    assert (done.exit_code, "--delimiter does not apply to files of table requests" in done.stderr) == (2, True)
    assert job("ingest", "products", log("a.log", line()), "--timezone", "UTC").exit_code == 2


def test_a_file_without_a_good_line_is_no_log(job, lake, log):
    path = log("a.log", "nothing", "like it")
    done = job("ingest", "requests", path)
    assert (done.exit_code, (lake / "requests").exists()) == (3, False)
    assert "a.log: no line at its beginning is of a known format (space, json, combined)" in done.stderr
    good = log("b.log", line())
    opened = TABLE.reader.open_all(find_files([str(path.parent)]), TABLE, LogFormat(), "fail")
    assert ([source.file.uri for source in opened.sources], len(opened.failures)) == ([good.as_uri()], 1)
    (failure,) = TABLE.reader.open_all(find_files([str(path)]), TABLE, LogFormat(), "fail").failures
    assert str(failure).endswith("(no line looks like one): check the file and the options")
    opened = TABLE.reader.open_all(find_files([str(good)]), TABLE, LogFormat("json"), "fail")
    assert len(opened.sources) == 1  # with a format its lines are rows or rejects


def statistics_of(day, rows):
    columns = ("success_requests", "failed_requests", "duration_mean", "duration_p50", "duration_p99")
    found = rows("resource_statistics_by_day", "date", "customer_id", *columns, "uptime_percentage")
    return {customer: values for at, customer, *values in found if at == day}


def test_hand_computed_days_and_a_late_line_that_corrects_its_day_and_reads_no_other(job, rows, log, lake):
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
    others = [line(n, f"c{n % 3}", duration=n / 7, day=day) for day in (1, 3, 4, 5, 6, 7) for n in range(9)]
    job("ingest", "requests", log("a.log", *lines, *others))
    assert job("aggregate", "requests").exit_code == 0
    assert statistics_of(DAY, rows) == {
        "one": [1, 0, 0.25, 0.25, 0.25, 100.0],
        "failed": [0, 2, 1.5, 1.0, 2.0, 0.0],
        "zero": [3, 1, 0.0, 0.0, 0.0, 75.0],
        "null": [3, 1, None, None, None, 75.0],
        "equal": [3, 0, 0.1, 0.1, 0.1, 100.0],
        "two": [2, 0, 3.0, 2.0, 4.0, 100.0],
        "mixed": [2, 2, 8 / 3, 2.0, 5.0, 37.5],
        "hundred": [100, 0, 5.05, 5.0, 9.9, 100.0],
    }
    fine = rows("resource_statistics_by_day_path_status", "customer_id", "status_code", "requests", "duration_p50")
    assert [row for row in fine if row[0] == "mixed"] == [
        ("mixed", 199, 1, None),
        ("mixed", 200, 1, 1.0),
        ("mixed", 299, 1, 2.0),
        ("mixed", 300, 1, 5.0),
    ]

    other_days = [path for path in (lake / "requests").glob("date=*") if not path.name.endswith("2024-10-03")]
    for path in other_days:
        path.rename(lake / path.name)  # not read: they are not there
    late = job("ingest", "requests", log("b.log", line(5, "c1", status=500, duration=9, day=3)))
    assert late.counts == {"read": 1, "inserted": 1}
    for path in other_days:
        (lake / path.name).rename(path)
    for step in job("aggregate", "requests").report["steps"]:
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


def test_a_customer_from_a_day_on_is_answered_from_the_keys_index(job, log, database):
    many = [line(n, f"c{n}", day=day) for day in (19, 20, 21) for n in range(560)]
    done = job("run", "requests", log("a.log", *many))
    assert done.exit_code == 0
    database("ANALYZE resource_statistics_by_day")
    plan = database(
        "EXPLAIN SELECT * FROM resource_statistics_by_day WHERE customer_id = 'c7' AND date >= '2024-10-20'"
    )
    assert any("resource_statistics_by_day_customer_id_date_key" in row[0] for row in plan)
    assert database("SELECT count(*), sum(requests) FROM resource_statistics_by_day_path_status") == [
        (3 * 560, 3 * 560)
    ]


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
    by_customer = ("query", "requests", "--by", "customer_id", "--metric", "count,sum:duration", "--format", "json")
    answers = [job(*by_customer, "--source", source) for source in ("auto", "records")]
    assert [sum(group["count"] for group in json.loads(answer.answer)) for answer in answers] == [2, 2]
    assert answers[0].answer == answers[1].answer
    assert all("is pruned: the answer is of the days from 2024-10-03 on" in answer.stderr for answer in answers)
    assert "is pruned" not in job(*by_customer, "--from", "2024-10-03").stderr
    assert job("maintain", "prune", "requests", "--before", "2024-10-01").exit_code == 2
    assert job("maintain", "prune", "products", "--before", "2024-10-01").exit_code == 2
