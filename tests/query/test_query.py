"""`query`: the answer of an aggregate is that of the records, and the right one; others are passed over and say why."""

from __future__ import annotations

import itertools
import json
import math
import random
from collections import defaultdict
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from sluice.query.render import render


def request_lines():
    """400 lines of a log, the same ones every time."""
    chance = random.Random(2)
    return [
        f"2024-10-0{chance.randrange(1, 5)} 0{chance.randrange(9)}:00:0{n % 10} c{chance.randrange(3)} "
        f"/p{chance.randrange(2)} {chance.choice([200, 404, 500])} {chance.choice(['-', f'{chance.random():.7f}'])}\n"
        for n in range(400)
    ]


@pytest.fixture(scope="module")
def asked(spark, tmp_path_factory):
    """A lake with requests and processes and their aggregates, and a function that runs `query` and the like on it."""
    import runpy

    from click.testing import CliRunner
    from conftest import PROJECT

    folder, chance = tmp_path_factory.mktemp("query"), random.Random(3)
    (folder / "a.log").write_text("".join(request_lines()))
    for host, day in itertools.product("ab", (1, 2)):
        target = folder / "snapshots" / host / f"2024-09-0{day}T1{day}-00-00Z.txt"
        target.parent.mkdir(parents=True, exist_ok=True)
        rows = (f"u {n} {chance.random() * 9:.1f} {chance.randrange(99)} p{n % 3}\n" for n in range(1, 12))
        target.write_text("USER PID %CPU RSS COMMAND\n" + "".join(rows))

    def run(name, *arguments):
        main = runpy.run_path(str(PROJECT / "jobs" / f"{name}.py"))["main"]
        return CliRunner().invoke(main, [str(each) for each in (*arguments, "--lake", folder / "lake")])

    for table, path in (("requests", folder / "a.log"), ("processes", folder / "snapshots")):
        assert run("ingest", table, path).exit_code == 0
        assert run("aggregate", table).exit_code == 0
    return run


def answer(done):
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def explained(done):
    return [line.split(" ", 1)[1] for line in done.stderr.splitlines() if "answered" in line or "passed over" in line]


def source(done):
    return explained(done)[0].split()[2].rstrip(":")


QUESTIONS = {
    "requests": (
        ("customer_id", "date", "request_path", "status_code"),
        ("count", "count:duration", "sum:duration", "mean:duration", "p50:duration", "p99:duration", "max:duration"),
        {
            "": lambda row: True,
            "customer_id = 'c1'": lambda row: row["customer_id"] == "c1",
            "status_code >= 400": lambda row: row["status_code"] >= 400,
            "duration > 0.5": lambda row: (row["duration"] or 0) > 0.5,
            "date = '2024-10-02' or customer_id = 'c2'": lambda row: {"2024-10-02", "c2"} & {*row.values()},
        },
    ),
    "processes": (
        ("date", "hour", "os_type", "host", "name"),
        (
            "count",
            "count:cpu_percent",
            "mean:cpu_percent",
            "sum:resident_bytes",
            "max:cpu_percent",
            "mean:resident_bytes",
        ),
        ("", "host = 'a'", "pid < 5", "name <> 'p1' and hour = 11"),
    ),
}
DAYS = {
    (): ("", "9999"),
    ("--from", "2024-09-02"): ("2024-09-02", "9999"),
    ("--from", "2024-10-02", "--to", "2024-10-03"): ("2024-10-02", "2024-10-03"),
}


def plain_answer(by, metrics, condition, days):
    """The answer about the lines of the log, without any of Sluice's code. Durations are summed as microseconds."""
    groups = defaultdict(list) if by else {(): []}
    for line in request_lines():
        day, _, customer, path, status, duration = line.split()
        row = {"date": day, "customer_id": customer, "request_path": path, "status_code": int(status)}
        row["duration"] = None if duration == "-" else float(duration)
        if condition(row) and days[0] <= day <= days[1]:
            groups[tuple(row[name] for name in by)].append(row["duration"])
    answers = []
    for group, durations in sorted(groups.items()):
        values = sorted(value for value in durations if value is not None)
        count, total = len(values), sum(int(value * 1e6 + 0.5) for value in values)
        known = {"count": len(durations), "count:duration": count}
        known |= {"sum:duration": total / 1e6, "mean:duration": total / (count * 1e6)} if values else {}
        known |= {f"p{n}:duration": values[math.ceil(n * count / 100) - 1] for n in (50, 99) if values}
        known |= {"max:duration": values[-1]} if values else {}
        answers.append({**dict(zip(by, group, strict=True)), **{m.replace(":", "_"): known.get(m) for m in metrics}})
    return answers


@pytest.mark.parametrize("table", QUESTIONS)
def test_random_questions_have_one_answer_from_aggregate_and_records(asked, table):
    dimensions, all_metrics, conditions = QUESTIONS[table]
    chance, sources = random.Random(7), set()
    for _ in range(8):
        by = chance.sample(dimensions, chance.randrange(len(dimensions) + 1))
        metrics = chance.sample(all_metrics, 2)
        where, days = chance.choice(list(conditions)), chance.choice(list(DAYS))
        question = ["query", table, "--metric", ",".join(metrics), "--format", "json", "--explain"]
        question += ["--by", ",".join(by), "--where", where, *days]
        done = asked(*question)
        assert answer(done) == answer(asked(*question, "--source", "records")), question
        if table == "requests":
            assert answer(done) == plain_answer(by, metrics, conditions[where], DAYS[days]), question
        sources.add(source(done))
    assert table in sources
    assert len(sources) > 1


def test_all_metrics_of_known_lines_are_those_of_plain_python(asked):
    by, metrics = ["request_path", "customer_id"], QUESTIONS["requests"][1]
    done = asked("query", "requests", "--by", ",".join(by), "--metric", ",".join(metrics), "--format", "json")
    assert answer(done) == plain_answer(by, metrics, lambda row: True, DAYS[()])


def test_the_smallest_table_that_can_answer_does(asked):
    daily = asked("query", "processes", "--by", "host", "--metric", "mean:cpu_percent", "--explain")
    assert source(daily) == "process_statistics_by_day"
    hourly = asked("query", "processes", "--by", "host,hour", "--metric", "count", "--explain")
    assert source(hourly) == "process_statistics_by_hour"
    assert "passed over process_statistics_by_day: it is not grouped by hour" in explained(hourly)
    distinct = asked("query", "processes", "--by", "host", "--metric", "count_distinct:pid", "--explain")
    assert source(distinct) == "processes"
    percentile = asked("query", "requests", "--by", "customer_id", "--metric", "p99:duration", "--explain")
    lacking = "resource_statistics_by_day: its measures do not give p99:duration of these groups"
    assert f"passed over {lacking}" in explained(percentile)
    exact = asked("query", "requests", "--by", "date,customer_id", "--metric", "p99:duration", "--explain")
    assert source(exact) == "resource_statistics_by_day"


def test_of_days_only_their_partitions_are_read(asked):
    one = asked("query", "requests", "--metric", "count_distinct:duration", "--to", "2024-10-01", "--explain")
    assert explained(one)[0].startswith("answered from requests: 1 file, ")


def test_records_formats_and_top(asked):
    process = asked(
        "query", "processes", "--where", "host = 'a' and pid = 1", "--from", "2024-09-02", "--format", "json"
    )
    (found,) = answer(process)
    assert (found["pid"], found["snapshot_at"], found["date"]) == (1, "2024-09-02T12:00:00Z", "2024-09-02")
    top = asked("query", "processes", "--by", "host,name", "--metric", "count", "--top", "2", "--format", "csv")
    assert top.stdout == "host,name,count\na,p1,8\na,p2,8\n"
    table = asked("query", "processes", "--metric", "count,min:pid")
    assert table.stdout == "count  min_pid\n44     1\n"
    none = asked("query", "processes", "--metric", "count,sum:pid", "--where", "host = 'x'", "--format", "json")
    assert answer(none) == [{"count": 0, "sum_pid": None}]


def test_a_stale_aggregate_is_never_used(job, csv_file):
    job("ingest", "products", csv_file("a.csv", "sku,name,description", "1,x,"))
    job("aggregate", "products")
    question = ("query", "products", "--by", "name", "--metric", "count", "--format", "json", "--explain")
    assert "answered from products_agg" in job(*question).stderr
    job("ingest", "products", csv_file("b.csv", "sku,name,description", "2,x,"))
    stale = job(*question)
    assert json.loads(stale.answer) == [{"name": "x", "count": 2}]
    outdated = "products_agg: it was not built from version 1 of products: refresh it with aggregate products_agg"
    assert f"passed over {outdated}" in stale.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--by", "nope", "--metric", "count"), "--by nope: table requests has no column 'nope': it has record_id"),
        (("--by", "date"), "--by without --metric"),
        (("--metric", "p0:duration"), "--metric 'p0:duration' is not a valid metric: use count"),
        (("--metric", "median:duration"), "--metric 'median:duration'"),
        (("--metric", "sum:nope"), "has no column 'nope'"),
        (("--metric", "mean:request_path"), "column request_path has type string, and only numbers can be added up"),
        (("--where", "nope = 1"), "is not a valid condition for table requests: A column"),
        (("--where", "status_code ="), "is not a valid SQL condition"),
        (("--from", "yesterday"), "does not match the format"),
        (("--top", "0"), "'--top': 0 is not in the range x>=1"),
        (("--metric", "count", "--top", "-1"), "'--top': -1 is not in the range x>=1"),
    ],
)
def test_a_wrong_question_is_wrong_usage(asked, arguments, message):
    done = asked("query", "requests", *arguments)
    assert done.exit_code == 2
    assert message in json.loads(done.stdout)["error"]
    assert "Traceback" not in done.stderr


def test_the_first_records_come_from_a_ranking_or_from_all_records_alike(job, scores):
    job("ingest", "scores", scores("a.csv", *((f"k{n:02}", f"{n % 7}.50") for n in range(40)), ("max", "1" * 29)))
    job("aggregate", "scores")
    question = ("query", "scores", "--top", 10, "--format", "json", "--explain")
    ranked, records = job(*question), job(*question, "--source", "records")
    assert ranked.answer == records.answer
    found = json.loads(ranked.answer)
    assert (len(found), found[:2]) == (10, [{"id": "max", "value": "1" * 29}, {"id": "k06", "value": "6.5"}])
    assert "answered from top_scores: 1 file, " in ranked.stderr
    assert "passed over scores: its rows are not in the ranking's order (" in ranked.stderr
    assert "(rank#" in ranked.stderr.split("== Physical Plan ==")[1]
    assert "answered from scores" in records.stderr
    assert "passed over top_scores: --source records was given" in records.stderr
    assert "TakeOrderedAndProject(limit=10, orderBy=[value#" in records.stderr

    beyond = job("query", "scores", "--top", 1001, "--format", "csv", "--explain")
    assert "passed over top_scores: it has only the first 1,000 records" in beyond.stderr
    assert beyond.answer.splitlines()[:2] == ["id,value", "max," + "1" * 29]
    assert len(beyond.answer.splitlines()) == 42
    chosen = job("query", "scores", "--top", 2, "--where", "value < 3", "--explain")
    assert "passed over top_scores: it ranks all records, not only those selected" in chosen.stderr
    assert chosen.answer == "id   value\nk02  2.5\nk09  2.5\n"
    plain = json.loads(job("query", "scores", "--format", "json", "--where", "id = 'k00'").answer)
    assert [{**row, "ingested_at": "", "run_id": ""} for row in plain] == [
        {"id": "k00", "value": "0.5", "ingested_at": "", "run_id": ""}
    ]
    counted = job("query", "scores", "--metric", "count,sum:value", "--where", "value < 1", "--explain")
    assert "passed over top_scores: it has no measures" in counted.stderr
    assert counted.answer == "count  sum_value\n6      3\n"


def test_a_stale_ranking_is_never_used(job, scores):
    job("ingest", "scores", scores("a.csv", ("a", 2), ("b", 1)))
    job("aggregate", "scores")
    job("ingest", "scores", scores("b.csv", ("a", 10)))
    stale = job("query", "scores", "--top", 1, "--format", "csv", "--explain")
    assert stale.answer == "id,value\na,10\n"
    outdated = "top_scores: it was not built from version 1 of scores: refresh it with aggregate top_scores"
    assert f"passed over {outdated}" in stale.stderr


def test_a_table_that_is_not_there(job, lake):
    done = job("query", "products", "--metric", "count")
    assert (done.exit_code, done.report["error"]) == (
        3,
        f"table products is not in lake {lake}: ingest files into it first",
    )


def test_values_as_text():
    columns = ["d", "t", "m", "n", "s"]
    east = timezone(timedelta(hours=2))
    values = (date(2024, 1, 2), datetime(2024, 1, 2, 1, 0, tzinfo=east), Decimal("1.500"), None, "é,")
    row = dict(zip(columns, values, strict=True))
    assert render([row], columns, "csv") == 'd,t,m,n,s\n2024-01-02,2024-01-01T23:00:00Z,1.5,,"é,"'
    shown = {"d": "2024-01-02", "t": "2024-01-01T23:00:00Z", "m": "1.5", "n": None, "s": "é,"}
    assert render([row], columns, "json") == json.dumps([shown], ensure_ascii=False)
    assert render([], columns, "table") == "(none)"
    assert render([{"m": Decimal("1E+3")}, {"m": Decimal("0E-9")}], ["m"], "csv") == "m\n1000\n0"
