"""`query`: the answer of an aggregate is that of the records, and the right one; others are passed over and say why."""

from __future__ import annotations

import itertools
import json
import math
import random
import shutil
from collections import defaultdict
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from sluice.errors import UsageError
from sluice.model.aggregate import Measure
from sluice.query.answer import answer as answer_of
from sluice.query.answer import combined_parts
from sluice.query.question import Question, check_question
from sluice.query.render import render, times_as_text
from sluice.query.run import _unfit_ranking as unfit_ranking
from sluice.tables import processes, requests
from sluice.tables.scores import TABLE as SCORES

TABLES = {"requests": requests.TABLE, "processes": processes.TABLE}


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

    run.lake = folder / "lake"
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
# the columns that each condition uses
COLUMNS_OF = {
    "requests": {
        "customer_id = 'c1'": ("customer_id",),
        "status_code >= 400": ("status_code",),
        "duration > 0.5": ("duration",),
        "date = '2024-10-02' or customer_id = 'c2'": ("date", "customer_id"),
    },
    "processes": {"host = 'a'": ("host",), "pid < 5": ("pid",), "name <> 'p1' and hour = 11": ("name", "hour")},
}
DAYS = (("", "9999"), ("2024-09-02", "9999"), ("2024-10-02", "2024-10-03"))  # first and last


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


def random_questions(name):
    """Dimensions, metrics, condition and days of eight questions, the same ones every time."""
    dimensions, metrics, conditions = QUESTIONS[name]
    chance = random.Random(7)
    for _ in range(8):
        by = chance.sample(dimensions, chance.randrange(len(dimensions) + 1))
        yield by, chance.sample(metrics, 2), chance.choice(list(conditions)), chance.choice(DAYS)


def questions_of(name, aggregate):
    """All metrics that an aggregate gives of its own groups, and of those that combine many of its rows."""
    for by in (aggregate.by, aggregate.by[:1]):
        metrics = [Measure.parse(text) for text in QUESTIONS[name][1]]
        given = [combined_parts(TABLES[name], aggregate, metric, Question(by)) for metric in metrics]
        yield by, [text for text, parts in zip(QUESTIONS[name][1], given, strict=True) if parts], "", DAYS[0]


@pytest.mark.parametrize("name", QUESTIONS)
def test_random_questions_have_one_answer_from_records_and_every_aggregate_that_can_give_it(asked, spark, name):
    table, answered_by = TABLES[name], set()
    names = (name, *(aggregate.name for aggregate in table.aggregates))
    frames = {each: spark.read.format("delta").load(str(asked.lake / each)).persist() for each in names}

    def rows(question, aggregate=None):
        frame = frames[aggregate.name if aggregate else name]
        answered = answer_of(frame, table, question, aggregate)
        return json.loads(render([row.asDict() for row in times_as_text(answered).collect()], answered.columns, "json"))

    of_aggregates = itertools.chain(*(questions_of(name, aggregate) for aggregate in table.aggregates))
    for by, metrics, where, days in (*random_questions(name), *of_aggregates):
        first, last = (date.fromisoformat(day) if len(day) == 10 else None for day in days)
        question = Question(tuple(by), tuple(metrics), where, first, last)
        check_question(table, question)
        found = rows(question)
        if name == "requests":
            assert found == plain_answer(by, metrics, QUESTIONS[name][2][where], days), question
        for aggregate in table.aggregates:
            needed = {*by, *COLUMNS_OF[name].get(where, ()), *(["date"] if question.days else [])}
            gives_all = all(combined_parts(table, aggregate, metric, question) for metric in question.measures)
            if needed <= {*aggregate.by} and gives_all:
                assert rows(question, aggregate) == found, (aggregate.name, question)
                answered_by.add(aggregate.name)
    for frame in frames.values():
        frame.unpersist()
    assert answered_by == {aggregate.name for aggregate in table.aggregates}


def test_all_metrics_of_known_lines_are_those_of_plain_python(asked):
    by, metrics = ["request_path", "customer_id"], QUESTIONS["requests"][1]
    question = ("query", "requests", "--by", ",".join(by), "--metric", ",".join(metrics), "--format", "json")
    done = asked(*question, "--explain")
    assert answer(done) == plain_answer(by, metrics, lambda row: True, DAYS[0])
    assert explained(done)[0].startswith("answered from requests: ")
    assert explained(done)[1:3] == [
        "passed over resource_statistics_by_day: it is not grouped by request_path",
        "passed over resource_statistics_by_day_path_status: its measures do not give p50:duration of these groups",
    ]


def test_the_smallest_table_that_can_answer_does(asked):
    daily = asked("query", "processes", "--by", "host", "--metric", "mean:cpu_percent", "--explain")
    assert source(daily) == "process_statistics_by_day"
    hourly = asked("query", "processes", "--by", "host,hour", "--metric", "count", "--explain")
    assert source(hourly) == "process_statistics_by_hour"
    assert "passed over process_statistics_by_day: it is not grouped by hour" in explained(hourly)
    exact = asked("query", "requests", "--by", "date,customer_id", "--metric", "p99:duration", "--explain")
    assert source(exact) == "resource_statistics_by_day"


def test_of_days_only_their_partitions_are_read(asked):
    one = asked("query", "requests", "--metric", "count_distinct:duration", "--to", "2024-10-01", "--explain")
    assert explained(one)[0].startswith("answered from requests: 1 file, ")  # no aggregate counts what is distinct


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


def test_a_stale_aggregate_is_never_used(asked, job, lake, tmp_path):
    shutil.copytree(asked.lake, lake)
    later = tmp_path / "a" / "2024-09-03T10-00-00Z.txt"
    later.parent.mkdir()
    later.write_text("USER PID %CPU RSS COMMAND\nu 1 0.5 1 new\n")
    job("ingest", "processes", later)
    question = ("query", "processes", "--by", "name", "--metric", "count", "--top", 2, "--format", "json", "--explain")
    stale = job(*question, "--from", "2024-09-03")
    assert json.loads(stale.answer) == [{"name": "new", "count": 1}]
    assert "answered from processes: 1 file, " in stale.stderr
    for name in ("process_statistics_by_hour", "process_statistics_by_day"):
        outdated = f"{name}: it was not built from version 1 of processes: refresh it with aggregate {name}"
        assert f"passed over {outdated}" in stale.stderr


@pytest.mark.parametrize(
    ("question", "message"),
    [
        (Question(("nope",), ("count",)), "--by nope: table requests has no column 'nope': it has record_id"),
        (Question(("date",)), "--by without --metric"),
        (Question(metrics=("p0:duration",)), "--metric 'p0:duration' is not a valid metric: use count"),
        (Question(metrics=("median:duration",)), "--metric 'median:duration'"),
        (Question(metrics=("sum:nope",)), "has no column 'nope'"),
        (Question(metrics=("mean:request_path",)), "request_path has type string, and only numbers can be added up"),
    ],
)
def test_a_question_that_does_not_fit_the_table_is_wrong_usage(question, message):
    with pytest.raises(UsageError) as error:
        check_question(requests.TABLE, question)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("nope = 1", "is not a valid condition for table requests: A column"),
        ("status_code =", "is not a valid SQL condition"),
        ("status_code in (select 1)", "reaches outside the rows of table requests: write a condition on its columns"),
        ("exists (select 1 from text.`/etc/hosts`)", "reaches outside the rows of table requests"),
        ("reflect('java.lang.Math', 'abs', 1) = '1'", "reaches outside the rows of table requests"),
        ("try_reflect('java.lang.Math', 'abs', 1) = '1' or date = '1'", "reaches outside the rows of table requests"),
    ],
)
def test_a_condition_that_does_not_fit_the_table_is_wrong_usage(asked, spark, where, message):
    records = spark.read.format("delta").load(str(asked.lake / "requests"))
    with pytest.raises(UsageError) as error:
        answer_of(records, requests.TABLE, Question(where=where), None)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--by", "date"), "--by without --metric"),
        (("--where", "nope = 1"), "is not a valid condition for table requests: A column"),
        (("--where", "1 / (status_code - status_code) > 0"), "requests gives no answer to this question: Division by"),
        (("--where", "cast(request_path AS int) > 0"), "requests gives no answer to this question: The value '/"),
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


def test_the_first_records_come_from_a_ranking_that_is_not_stale_or_from_all_records_alike(job, scores, spark, lake):
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

    job("ingest", "scores", scores("b.csv", ("max", 10)))
    stale = job("query", "scores", "--top", 1, "--format", "csv", "--explain")
    assert stale.answer == "id,value\nmax,10\n"
    outdated = "top_scores: it was not built from version 1 of scores: refresh it with aggregate top_scores"
    assert f"passed over {outdated}" in stale.stderr


def test_a_ranking_does_not_answer_other_questions(spark):
    values = [(f"k{n:02}", Decimal(n % 7) + Decimal("0.5")) for n in range(40)]
    records = spark.createDataFrame([*values, ("max", Decimal("1" * 29))], "id string, value decimal(38,9)")

    def asked(form, **question):
        question = Question(**question)
        answered = answer_of(records, SCORES, question, None)
        text = render([row.asDict() for row in times_as_text(answered).collect()], answered.columns, form)
        return unfit_ranking(SCORES, SCORES.ranking, question), text

    obstacle, shown = asked("csv", top=1001)
    assert obstacle == "it has only the first 1,000 records"
    assert shown.splitlines()[:2] == ["id,value", "max," + "1" * 29]
    assert len(shown.splitlines()) == 42
    assert unfit_ranking(SCORES, SCORES.ranking, Question(top=1000)) is None
    assert asked("table", top=2, where="value < 3") == (
        "it ranks all records, not only those selected",
        "id   value\nk02  2.5\nk09  2.5",
    )
    obstacle, shown = asked("json", where="id = 'k00'")
    assert (obstacle, json.loads(shown)) == ("it has only the first 1,000 records", [{"id": "k00", "value": "0.5"}])
    assert asked("table", metrics=("count", "sum:value"), where="value < 1") == (
        "it has no measures",
        "count  sum_value\n6      3",
    )


def test_a_table_that_is_not_there(job, lake):
    done = job("query", "products", "--metric", "count")
    assert (done.exit_code, done.report["error"]) == (
        3,
        f"table products is not in lake {lake}: ingest files into it first",
    )


def test_values_as_text(spark):
    columns = ["d", "t", "m", "n", "s"]
    east = timezone(timedelta(hours=2))
    values = (date(2024, 1, 2), datetime(2024, 1, 2, 1, 0, tzinfo=east), Decimal("1.500"), None, "é,")
    answered = spark.createDataFrame([values], "d date, t timestamp, m decimal(9,3), n int, s string")
    (row,) = (row.asDict() for row in times_as_text(answered).collect())
    assert render([row], columns, "csv") == 'd,t,m,n,s\n2024-01-02,2024-01-01T23:00:00Z,1.5,,"é,"'
    shown = {"d": "2024-01-02", "t": "2024-01-01T23:00:00Z", "m": "1.5", "n": None, "s": "é,"}
    assert render([row], columns, "json") == json.dumps([shown], ensure_ascii=False)
    assert render([], columns, "table") == "(none)"
    assert render([{"m": Decimal("1E+3")}, {"m": Decimal("0E-9")}], ["m"], "csv") == "m\n1000\n0"
