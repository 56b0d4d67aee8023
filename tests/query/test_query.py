"""`query`: the answer of an aggregate is that of the records; an aggregate that cannot tell is passed over."""

from __future__ import annotations

import itertools
import json
import random

import pytest


@pytest.fixture(scope="module")
def asked(spark, tmp_path_factory):
    """A lake with requests and processes and their aggregates, and a function that asks a question both ways."""
    import runpy

    from click.testing import CliRunner
    from conftest import PROJECT

    folder = tmp_path_factory.mktemp("query")
    chance = random.Random(2)
    lines = [
        f"2024-10-0{chance.randrange(1, 5)} 0{chance.randrange(9)}:00:0{n % 10} c{chance.randrange(3)} "
        f"/p{chance.randrange(2)} {chance.choice([200, 404, 500])} {chance.choice(['-', f'{chance.random():.7f}'])}\n"
        for n in range(400)
    ]
    (folder / "a.log").write_text("".join(lines))
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


def told(done):
    return [line.split(" ", 1)[1] for line in done.stderr.splitlines() if "answered" in line or "passed over" in line]


def source(done):
    return told(done)[0].split()[2].rstrip(":")


QUESTIONS = {
    "requests": (
        ("customer_id", "date", "request_path", "status_code"),
        ("count", "count:duration", "sum:duration", "mean:duration", "p50:duration", "p99:duration", "max:duration"),
        ("", "customer_id = 'c1'", "status_code >= 400", "duration > 0.5", "date = '2024-10-02' or customer_id = 'c2'"),
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


@pytest.mark.parametrize("table", QUESTIONS)
def test_random_questions_have_one_answer_from_aggregate_and_records(asked, table):
    dimensions, metrics, conditions = QUESTIONS[table]
    chance, sources = random.Random(7), set()
    for _ in range(8):
        by = chance.sample(dimensions, chance.randrange(len(dimensions) + 1))
        question = ["query", table, "--metric", ",".join(chance.sample(metrics, 2)), "--format", "json", "--explain"]
        question += ["--by", ",".join(by), "--where", chance.choice(conditions)]
        question += chance.choice([[], ["--from", "2024-09-02"], ["--from", "2024-10-02", "--to", "2024-10-03"]])
        done = asked(*question)
        assert answer(done) == answer(asked(*question, "--source", "records")), question
        sources.add(source(done))
    assert table in sources
    assert len(sources) > 1


def test_the_smallest_table_that_can_answer_does(asked):
    daily = asked("query", "processes", "--by", "host", "--metric", "mean:cpu_percent", "--explain")
    assert source(daily) == "process_statistics_by_day"
    hourly = asked("query", "processes", "--by", "host,hour", "--metric", "count", "--explain")
    assert source(hourly) == "process_statistics_by_hour"
    assert "passed over process_statistics_by_day: it is not by hour" in told(hourly)
    distinct = asked("query", "processes", "--by", "host", "--metric", "count_distinct:pid", "--explain")
    assert source(distinct) == "processes"
    percentile = asked("query", "requests", "--by", "customer_id", "--metric", "p99:duration", "--explain")
    assert "passed over resource_statistics_by_day: it cannot tell p99:duration of such groups" in told(percentile)
    exact = asked("query", "requests", "--by", "date,customer_id", "--metric", "p99:duration", "--explain")
    assert source(exact) == "resource_statistics_by_day"


def test_of_days_only_their_partitions_are_read(asked):
    one = asked("query", "requests", "--metric", "count_distinct:duration", "--to", "2024-10-01", "--explain")
    assert told(one)[0].startswith("answered from requests: 1 files, ")


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
    assert "passed over products_agg: it is not of version 1 of products: refresh it with aggregate" in stale.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--by", "nope", "--metric", "count"), "--by nope: table requests has no column 'nope': it has record_id"),
        (("--by", "date"), "--by without --metric"),
        (("--metric", "p0:duration"), "--metric 'p0:duration'"),
        (("--metric", "median:duration"), "--metric 'median:duration'"),
        (("--metric", "sum:nope"), "has no column 'nope'"),
        (("--metric", "mean:request_path"), "only numbers add up"),
        (("--where", "nope = 1"), "is no condition over table requests: A column"),
        (("--where", "status_code ="), "is no SQL condition"),
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
    assert "answered from top_scores: 1 files" in ranked.stderr
    assert "passed over scores: its rows are in no order" in ranked.stderr
    assert "(rank#" in ranked.stderr.split("== Physical Plan ==")[1]
    assert "answered from scores" in records.stderr
    assert "passed over top_scores: --source records" in records.stderr
    assert "TakeOrderedAndProject(limit=10, orderBy=[value#" in records.stderr

    beyond = job("query", "scores", "--top", 1001, "--format", "csv", "--explain")
    assert "passed over top_scores: it holds the first 1,000 records only" in beyond.stderr
    assert beyond.answer.splitlines()[:2] == ["id,value", "max," + "1" * 29]
    assert len(beyond.answer.splitlines()) == 42
    chosen = job("query", "scores", "--top", 2, "--where", "value < 3", "--explain")
    assert "passed over top_scores: it is of all records" in chosen.stderr
    assert chosen.answer == "id   value\nk02  2.5\nk09  2.5\n"
    plain = json.loads(job("query", "scores", "--format", "json", "--where", "id = 'k00'").answer)
    assert [{**row, "ingested_at": "", "run_id": ""} for row in plain] == [
        {"id": "k00", "value": "0.5", "ingested_at": "", "run_id": ""}
    ]
    counted = job("query", "scores", "--metric", "count,sum:value", "--where", "value < 1", "--explain")
    assert "passed over top_scores: it holds no measures" in counted.stderr
    assert counted.answer == "count  sum_value\n6      3\n"


def test_a_stale_ranking_is_never_used(job, scores):
    job("ingest", "scores", scores("a.csv", ("a", 2), ("b", 1)))
    job("aggregate", "scores")
    job("ingest", "scores", scores("b.csv", ("a", 10)))
    stale = job("query", "scores", "--top", 1, "--format", "csv", "--explain")
    assert stale.answer == "id,value\na,10\n"
    assert "passed over top_scores: it is not of version 1 of scores: refresh it with aggregate" in stale.stderr


def test_a_table_that_is_not_there(job, lake):
    done = job("query", "products", "--metric", "count")
    assert (done.exit_code, done.report["error"]) == (
        3,
        f"table products is not in lake {lake}: ingest files into it first",
    )
