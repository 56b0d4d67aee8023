"""`sluice.lake`: what analysts read of a lake, without Spark."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sluice
from conftest import PROJECT, run_job
from deltalake import DeltaTable, convert_to_deltalake, write_deltalake
from sluice.errors import InputError, UsageError
from sluice.lake import log
from sluice.lake.writer import Writer
from sluice.ledger import runs
from sluice.ledger.runs import Run
from sluice.runtime.report import Report

EDGES = {
    "at": pa.array([datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, UTC)]),
    "day": [date(1, 1, 1), date(9999, 12, 31)],
    "amount": pa.array([Decimal("-0.01"), None], pa.decimal128(12, 2)),
    'Preis "€"': [1, 2],
    "select": ["it's (", None],
}


@pytest.fixture
def edges(tmp_path):
    """A lake whose folder and columns have odd names, with values at both ends of the calendar, and nothing else."""
    folder = tmp_path / "lä ke"
    write_deltalake(folder / "edges", pa.table(EDGES))
    write_deltalake(folder / "empty", pa.table({"a": pa.array([], pa.int64())}))
    (folder / "no table").mkdir()
    return sluice.lake(str(folder))


def test_values_and_names_come_as_they_are_stored(edges):
    everything = edges.read("edges")
    assert everything.to_pydict() == {name: pa.array(v).to_pylist() for name, v in EDGES.items()}
    assert [str(kind) for kind in everything.schema.types] == [
        "timestamp[us, tz=UTC]", "date32[day]", "decimal128(12, 2)", "int64", "string"
    ]  # fmt: skip
    few = edges.read("edges", columns=['Preis "€"', "select"], where='"Preis ""€""" = 1 AND "select" = \'it\'\'s (\'')
    assert few.to_pylist() == [{'Preis "€"': 1, "select": "it's ("}]
    assert edges.read("edges", where="day > '9999-01-01' -- the last (", columns="day").to_pylist() == [
        {"day": date(9999, 12, 31)}
    ]
    assert edges.read("empty").to_pydict() == {"a": []}


def test_times_of_the_old_type_are_right_at_both_ends_of_the_calendar(tmp_path):
    times = pa.table({"at": EDGES["at"]})
    (tmp_path / "t").mkdir()
    pq.write_table(times, tmp_path / "t" / "a.parquet", use_deprecated_int96_timestamps=True)
    convert_to_deltalake(tmp_path / "t")
    assert sluice.lake(str(tmp_path)).read("t").to_pydict() == times.to_pydict()


@pytest.mark.slow
def test_a_package_without_its_extras_reads_a_lake(edges, tmp_path):
    for name in ("setup.py", "pyproject.toml", "constraints.txt"):
        shutil.copy(PROJECT / name, tmp_path)
    shutil.copytree(PROJECT / "lib" / "sluice", tmp_path / "lib" / "sluice")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    quiet = ("--quiet", "--disable-pip-version-check", "--constraint", "constraints.txt")
    subprocess.run([python, "-m", "pip", "install", *quiet, "."], cwd=tmp_path, check=True)
    installed = subprocess.run([python, "-m", "pip", "freeze"], capture_output=True, text=True, check=True).stdout
    assert not {"pyspark", "delta_spark", "click", "psycopg2-binary"} & {n.split("==")[0] for n in installed.split()}
    program = f"import sluice\nprint(sluice.lake({edges.root!r}).read('edges').to_pandas().shape, sluice.__file__)\n"
    program += "try: sluice.run('tables')\nexcept sluice.errors.UsageError as error: print(error)"
    alone = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "SLUICE_HOME")}
    done = subprocess.run([python, "-c", program], cwd=tmp_path / "venv", env=alone, capture_output=True, text=True)
    assert done.stderr == ""
    assert re.fullmatch(rf"\(2, 5\) {tmp_path}/venv/\S+\njobs cannot be run from here: .*SLUICE_HOME.*\n", done.stdout)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"columns": ["dai"]}, "table edges has no column 'dai': did you mean 'day'? It has at, day,"),
        ({"columns": []}, "no column of table edges is named: leave `columns` out to read all"),
        ({"where": "dai = 3"}, "table edges: where 'dai = 3': Schema error: No field named dai."),
        ({"where": "true) OR (true"}, "table edges: where 'true) OR (true': its parentheses do not match"),
        ({"where": "true; DROP TABLE edges"}, "table edges: where 'true; DROP TABLE edges': SQL error: "),
        ({"where": '1 / ("Preis ""€""" - 1) = 1'}, "table edges: where '1 / ("),
        ({"where": "true) UNION ALL (SELECT * FROM edges"}, "table edges: where 'true) UNION ALL"),
        ({"version": 1}, "table edges has no version 1: choose one from 0 to 0"),
        ({"version": "1"}, "'1' is not a time: "),
        ({"at": "yesterday"}, "'yesterday' is not a time: give a datetime, or text such as '2024-10-15 08:30'"),
        ({"at": date(2020, 1, 1)}, "table edges was made since "),
        ({"at": "2020-01-01", "version": 0}, "give either a version or a time (at), not both"),
    ],
)
def test_what_cannot_be_read_is_one_line_that_says_what_to_do(edges, arguments, message):
    with pytest.raises(UsageError) as caught:
        edges.read("edges", **arguments)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_table_that_is_not_there_is_named_with_the_closest(edges, tmp_path):
    for read in (edges.read, edges.files, lambda name: edges.changes(name, 0)):
        with pytest.raises(InputError, match=r"^table edge is not in lake .*lä ke: did you mean 'edges'"):
            read("edge")
    with pytest.raises(InputError, match=r"^table no table is not in lake"):
        edges.read("no table")
    nowhere = sluice.lake(str(tmp_path / "nowhere"))
    for ask in (nowhere.tables, nowhere.runs, nowhere.rejects, lambda: nowhere.read("t"), lambda: nowhere.files("t")):
        with pytest.raises(InputError, match=r"nowhere: there is no table: name the folder of a lake"):
            ask()
    with pytest.raises(UsageError, match=r"gs://x: give a folder on disk or s3://BUCKET/FOLDER"):
        sluice.lake("gs://x")
    assert edges.runs().num_rows == edges.rejects().num_rows == edges.files("edges").num_rows == 0


def test_a_version_is_chosen_by_number_or_moment(tmp_path):
    for number in range(3):
        write_deltalake(tmp_path / "t", pa.table({"n": [number]}), mode="append")
    lake, path = sluice.lake(str(tmp_path)), str(tmp_path)
    times = [datetime.fromtimestamp(c["timestamp"] / 1000, UTC) for c in reversed(log.history(path, "t"))]
    assert [lake.read("t", version=number).num_rows for number in range(3)] == [1, 2, 3]
    zone = timezone(timedelta(hours=5))
    for at in (times[1], times[1].replace(tzinfo=None), times[1].isoformat(), times[1].astimezone(zone).isoformat()):
        assert lake.read("t", at=at).num_rows == sum(time <= times[1] for time in times)
    assert lake.read("t", at=datetime.max).num_rows == 3
    DeltaTable(tmp_path / "t").delete("n = 0")
    (first,) = DeltaTable(tmp_path / "t", 0).file_uris()
    os.unlink(first)
    assert lake.read("t").num_rows == 2
    with pytest.raises(UsageError, match=r"^table t: files of version 1 were vacuumed: choose a later one$"):
        lake.read("t", version=1)


def test_a_damaged_file_of_the_table_as_it_is_now_is_named(edges):
    (file,) = Path(edges.root, "edges").glob("*.parquet")
    os.truncate(file, 10)
    with pytest.raises(InputError, match=r"^table edges: .*see 'Damaged files' in docs/running.md$"):
        edges.read("edges", where="day > '2024-01-01'")


def test_runs_have_their_counts_as_columns(tmp_path):
    lake, writer = str(tmp_path), Writer("r", 1, print)
    for number, (table, job) in enumerate([("products", "ingest"), ("products,scores", "export")]):
        report = Report(job, f"r{number}", "succeeded", table=table, rows_read=5, rows_inserted=5, table_version=number)
        run = Run(report, table, {"files": ["a.csv"]}, datetime(2024, 10, 15 + number, tzinfo=UTC))
        attempt = runs.start(lake, run, writer)
        if number == 0:
            runs.finish(lake, run, attempt, writer)
    found = sluice.lake(lake).runs()
    assert found.select(["run_id", "status", "rows_read", "table_version", "attempt"]).to_pylist() == [
        {"run_id": "r1", "status": "running", "rows_read": None, "table_version": None, "attempt": 1},
        {"run_id": "r0", "status": "succeeded", "rows_read": 5, "table_version": 0, "attempt": 1},
    ]
    assert found.column("seconds").null_count == 1

    def ids(**chosen):
        return sluice.lake(lake).runs(**chosen).column("run_id").to_pylist()

    assert ids(table="scores") == ["r1"]
    assert ids(table="products") == ["r1", "r0"]
    assert ids(table="product") == []
    assert ids(status="succeeded") == ["r0"]
    assert ids(since="2024-10-15T12:00") == ["r1"]
    assert ids(since=datetime(2024, 10, 15, tzinfo=UTC)) == ["r1", "r0"]
    with pytest.raises(UsageError, match="unknown status 'success': did you mean 'succeeded'"):
        ids(status="success")


def test_the_default_lake_is_that_of_the_jobs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SLUICE_LAKE", raising=False)
    monkeypatch.setenv("SLUICE_CONF_DIR", str(tmp_path))
    assert sluice.lake().root == str(tmp_path / "lake")
    (tmp_path / "sluice.toml").write_text('lake = "s3://warehouse/lake"\nmax_rejects = "2%"\n')
    assert sluice.lake().root == "s3a://warehouse/lake"
    monkeypatch.setenv("SLUICE_LAKE", "other")
    assert sluice.lake().root == str(tmp_path / "other")
    assert sluice.lake("mine").root == str(tmp_path / "mine")


WITHOUT_SPARK = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("pyspark", "delta", "py4j", "psycopg2", "faker", "click", "rich", "boto3"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Blocker())
import sluice
light = {"deltalake", "pyarrow", "pydantic", "pandas"} & {name.split(".")[0] for name in sys.modules}
lake = sluice.lake(sys.argv[1])
tables = lake.tables().column("table").to_pylist()
print(light, tables, lake.read("edges").num_rows, lake.runs().num_rows, lake.rejects().num_rows)
try:
    lake.spark("edges")
except sluice.errors.UsageError as error:
    print(error)
"""


def test_it_needs_neither_spark_nor_what_the_jobs_need_and_importing_it_is_cheap(edges):
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "lib")}
    command = [sys.executable, "-c", WITHOUT_SPARK, edges.root]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "set() ['edges', 'empty'] 2 0 0",
        "Spark is not installed: install sluice[jobs], or use read instead",
    ]


@pytest.mark.parametrize("part", ["plain", "a b/ä%", None])
def test_changes_in_any_partition_are_the_net_effect(tmp_path, part):
    properties = {"delta.enableChangeDataFeed": "true"}

    def write(**columns):
        rows = pa.table({"part": pa.array([part] * 2, pa.string()), **columns})
        write_deltalake(tmp_path / "scores", rows, mode="append", partition_by=["part"], configuration=properties)

    nan = float("nan")
    write(id=[1, 2], value=[nan, 1.5], run_id=["r0", "r0"])
    delta = DeltaTable(tmp_path / "scores")
    delta.delete("id = 2")
    write(id=[2, 3], value=[1.5, 3.5], run_id=["r2", "r2"])
    DeltaTable(tmp_path / "scores").update({"value": "4.5"}, predicate="id = 3")
    DeltaTable(tmp_path / "scores").update({"run_id": "'r4'"}, predicate="id = 1")
    lake = sluice.lake(str(tmp_path))

    def changes(since, until=None):
        rows = (
            lake.changes("scores", since, until).select(["change", "id", "value", "old_value", "old_part"]).to_pylist()
        )
        return [tuple(row.values()) for row in rows]

    assert changes(0) == [("inserted", 3, 4.5, None, None)]  # 2 came back as it was, 1 has but another run
    assert changes(1, 2) == [("inserted", 2, 1.5, None, None), ("inserted", 3, 3.5, None, None)]
    assert changes(2, 3) == [("updated", 3, 4.5, 3.5, part)]
    assert changes(0, 1) == [("removed", 2, None, 1.5, part)]
    with pytest.raises(UsageError, match=r"^table scores: version 2 \(since\) is later than 1 \(until\)"):
        changes(2, 1)
    for path in (tmp_path / "scores").rglob("*.parquet"):
        path.unlink()
    with pytest.raises(UsageError, match=r"^table scores: files of version 0 were vacuumed: choose a later one$"):
        changes(0)


THINGS = """
key = ["id"]
partition_by = ["part"]
delete_when = "op = 'D'"
[source]
format = "csv"
[columns]
id = "bigint"
part = "int"
name = "string"
value = "double"
op = "string"
[storage]
deletion_vectors = true
[aggregates.things_by_part]
by = ["part"]
measures = { things = "count" }
"""


def make_things(folder):
    """In version 1 five things; then one is updated, one gone, one new; then all are cleared."""
    (folder / "tables").mkdir()
    (folder / "tables" / "things.toml").write_text(THINGS)

    def ingest(name, *lines):
        path = folder / name
        path.write_text("".join(f"{line}\n" for line in ("id,part,name,value,op", *lines)))
        done = run_job("ingest", "things", path, "--tables", folder / "tables", "--max-rejects", "50%")
        assert done.exit_code == 0, done.stderr

    ingest("a.csv", "1,1,one,1.5,", "2,1,two,,", "3,2,three,3,", "4,,four,4,", "6,1,six,6,")
    ingest("b.csv", "1,1,ONE,1.5,", "2,1,two,,D", "5,2,five,,", "x,2,bad,,")
    assert run_job("aggregate", "things", "--tables", folder / "tables").exit_code == 0
    assert run_job("maintain", "clear", "things", "--tables", folder / "tables").exit_code == 0


def test_marked_rows_changes_rejects_and_files(template, lake, spark):
    template(make_things)
    found = sluice.lake(str(lake))
    merged = found.runs(table="things").column("table_version")[1].as_py()  # the newest is the clearing
    assert '"deletionVector":{' in "".join(path.read_text() for path in (lake / "things" / "_delta_log").glob("*.json"))

    def changes(since, until=None):
        rows = found.changes("things", since, until).select(["change", "id", "name", "old_name"]).to_pylist()
        return [tuple(row.values()) for row in rows]

    first = [("inserted", 1, "one", None), ("inserted", 2, "two", None), ("inserted", 3, "three", None)]
    assert changes("2020-01-01", 1) == [*first, ("inserted", 4, "four", None), ("inserted", 6, "six", None)]
    update = ("updated", 1, "ONE", "one")
    assert changes(1, merged) == [update, ("removed", 2, None, "two"), ("inserted", 5, "five", None)]
    assert changes(merged, merged) == []
    gone = [("removed", 1, None, "ONE"), *(("removed", n, None, name) for n, name in ((3, "three"), (4, "four")))]
    gone = [*gone, ("removed", 5, None, "five"), ("removed", 6, None, "six")]
    assert changes(merged) == gone
    assert changes(1) == [("removed", 1, None, "one"), ("removed", 2, None, "two"), *gone[1:3], gone[4]]
    whole = found.read("things", version=merged).sort_by("id")
    assert whole.select(["id", "part", "name", "value"]).to_pylist()[0] == {
        "id": 1, "part": 1, "name": "ONE", "value": 1.5
    }  # fmt: skip
    assert found.read("things", version=merged, where="id < 3", columns="id").to_pydict() == {"id": [1]}
    assert {r["table"]: (r["of"], r["key"], r["rows"]) for r in found.tables().to_pylist()} == {
        "things": (None, "id", 0),
        "things_by_part": ("things", "part", 0),
    }
    groups = found.changes("things_by_part", 0).select(["change", "part", "old_things"]).to_pylist()
    assert [tuple(row.values()) for row in groups] == [("removed", 1, 2), ("removed", 2, 2), ("removed", None, 1)]
    rejected = found.rejects(table="things").to_pylist()
    assert [(row["raw"], row["table"]) for row in rejected] == [("x,2,bad,,", "things")]
    assert found.rejects(run_id=rejected[0]["run_id"]).num_rows == 1
    assert found.rejects(run_id="another").num_rows == 0
    assert found.spark("runs").count() == found.runs().num_rows > 0
