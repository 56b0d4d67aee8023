"""Tables that users declare, in the jobs; declarations that change; the declarations that are shipped."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal

import pytest
from conftest import PROJECT
from sluice.catalog import drift
from sluice.catalog.catalog import Catalog
from sluice.catalog.expressions import check_in_spark, explain_sql_failures
from sluice.errors import InputError, UsageError
from sluice.ingest.conform import conform
from sluice.ingest.plan import Options, make_plan

SHIPPED = sorted(path.stem for path in (PROJECT / "conf" / "tables").glob("*.toml"))

VISITS = """
key = ["id"]
source = { format = "csv", delimiter = ";" }
partition_by = ["day"]

[columns]
id = "int"
day = { type = "date", format = "dd.MM.yyyy" }
paid = "decimal(8,2)"

[checks]
positive = "paid > 0"
small = { sql = "paid < 1000", action = "warn" }

[aggregates.visits_by_day]
by = ["day"]
measures = { visits = "count", paid = "sum:paid", middle = "p50:paid" }
"""


@pytest.fixture
def declare(tmp_path, monkeypatch):
    """Writes declarations: `declare("visits", text)`."""
    folder = tmp_path / "declared"
    folder.mkdir()
    monkeypatch.setenv("SLUICE_TABLES", str(folder))

    def write(name, text):
        path = folder / f"{name}.toml"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def file(tmp_path):
    def write(name, *lines):
        path = tmp_path / name
        path.write_text("".join(f"{line}\n" for line in lines))
        return path

    return write


@pytest.fixture
def catalog(tmp_path):
    """The tables that are declared now."""
    return lambda: Catalog(str(tmp_path / "declared"))


@pytest.fixture
def converted(spark, catalog):
    """The rows that records of text become, of the table as it is declared now: `converted("1;02.10.2024;2.50")`."""

    def convert(*lines, names="id;day;paid"):
        table = catalog().table("visits")
        check_in_spark(spark, table)
        records = [(0, n, *(text or None for text in line.split(";")), line, None) for n, line in enumerate(lines)]
        inputs = ", ".join(f"`{name}` string" for name in names.split(";"))
        schema = f"_file int, _position bigint, {inputs}, _raw string, _reason string"
        return conform(spark.createDataFrame(records, schema), table)

    return convert


def test_every_job_works_with_a_declared_table(declare, file, job, rows, database):
    declare("visits", VISITS)
    declare("broken", "key = ")  # stops only the jobs that name it
    path = file("a.csv", "id;day;paid", "1;02.10.2024;2.50", "2;02.10.2024;0", "1;03.10.2024;4", "3;x;1", "4;;2000")
    done = job("run", "visits", path, "--with-records", "--max-rejects", "50%")
    assert done.exit_code == 0, done.stderr
    assert "check small not passed by 1 row, which is kept: paid < 1000" in done.stderr
    first = done.report["steps"][0]
    assert {name: first[f"rows_{name}"] for name in ("read", "rejected", "duplicate", "inserted")} == {
        "read": 5,
        "rejected": 2,
        "duplicate": 1,
        "inserted": 2,
    }
    assert rows("visits", "id", "day", "paid") == [
        (1, date(2024, 10, 3), Decimal("4.00")),
        (4, None, Decimal("2000.00")),
    ]
    assert rows("rejects", "raw", "reason") == [
        ("2;02.10.2024;0", "check positive not passed: paid > 0"),
        ("3;x;1", "day 'x' is not a date of format dd.MM.yyyy"),
    ]
    assert database("SELECT day, visits, paid, middle FROM visits_by_day ORDER BY day") == [
        (date(2024, 10, 3), 1, Decimal("4.00"), Decimal("4.00")),
        (None, 1, Decimal("2000.00"), Decimal("2000.00")),
    ]
    assert database("SELECT id, paid FROM visits ORDER BY id") == [(1, Decimal("4.00")), (4, Decimal("2000.00"))]
    assert job("ingest", "visits", path, "--max-rejects", "50%").report["status"] == "nothing_new"
    answer = job("query", "visits", "--by", "day", "--metric", "sum:paid", "--format", "json", "--explain")
    assert json.loads(answer.answer)[1] == {"day": "2024-10-03", "sum_paid": "4"}
    assert "answered from visits_by_day" in answer.stderr
    path.write_text(path.read_text().replace("3;x;1", "3;02.10.2024;1"))
    assert job("rejects", "replay", "visits", "--max-rejects", "50%").counts == {
        "read": 5,
        "rejected": 1,
        "duplicate": 1,
        "inserted": 1,
        "unchanged": 2,
    }
    assert job("maintain", "optimize", "visits").exit_code == 0
    assert job("maintain", "clear", "visits").counts == {"removed": 3}


def test_names_that_differ_from_inputs_only_in_case(declare, file, job, rows, catalog, lake):
    named = VISITS.replace('id = "int"', 'id = { type = "int", field = "ID" }\nnote = { field = "Amount" }').replace(
        'paid = "decimal(8,2)"',
        'paid = { type = "decimal(8,2)", field = "PAID", sql = "cast(PAID as decimal(8,2)) + id" }',
    )
    declare("visits", named)
    path = file("a.csv", "ID;day;PAID;Amount;amount", "1;02.10.2024;2.50;x;y")
    table = catalog().table("visits")
    with pytest.raises(InputError, match="column 'amount' clashes with 'Amount'"):
        make_plan(str(lake), table, [str(path)], Options(table.reading, on_new_column="add"))
    done = job("ingest", "visits", path, "--on-new-column", "ignore")
    assert done.counts == {"read": 1, "inserted": 1}
    assert rows("visits", "id", "paid", "note") == [(1, Decimal("3.50"), "x")]


def test_rows_in_the_partition_of_null_are_found_again_and_a_changed_aggregate_is_built_again(
    declare, file, job, rows, database
):
    day = """n = "string"\nday = { type = "date", sql = "date(try_to_timestamp(n, 'dd.MM.yyyy'))" }"""
    of_text = VISITS.replace('day = { type = "date", format = "dd.MM.yyyy" }', day)
    of_text = of_text.replace('key = ["id"]', 'key = ["id", "n"]')
    declare("visits", of_text)
    first = file("a.csv", "id;n;paid", "1;02.10.2024;2.50", "2;never;1", "3;never;1")
    assert job("ingest", "visits", first).counts == {"read": 3, "inserted": 3}
    built = job("aggregate", "visits")
    assert (built.exit_code, built.report["table"]) == (0, "visits_by_day")  # once
    again = file("b.csv", "id;n;paid", "1;02.10.2024;2.50", "2;never;4", "4;03.10.2024;1")
    assert job("ingest", "visits", again).counts == {"read": 3, "unchanged": 1, "updated": 1, "inserted": 1}
    assert rows("visits", "id", "paid") == [(n, Decimal(paid)) for n, paid in ((1, "2.50"), (2, 4), (3, 1), (4, 1))]
    assert job("aggregate", "visits").report["mode"] == "incremental"
    assert rows("visits_by_day", "day", "visits", "paid") == [
        (None, 2, Decimal("5.00")),
        (date(2024, 10, 2), 1, Decimal("2.50")),
        (date(2024, 10, 3), 1, Decimal("1.00")),
    ]
    # another definition of the aggregate: it is not exported as it was built before
    declare("visits", of_text.replace('\nby = ["day"]', '\nby = ["id"]'))
    early = job("export", "visits_by_day")
    assert (early.exit_code, early.report["error"]) == (
        2,
        "visits_by_day was built by an earlier declaration of it: build it again with aggregate visits_by_day",
    )
    assert job("aggregate", "visits_by_day").exit_code == 0
    assert job("export", "visits_by_day").exit_code == 0
    assert database("SELECT id, visits FROM visits_by_day ORDER BY id") == [(1, 1), (2, 1), (3, 1), (4, 1)]


def test_a_check_that_fails_the_run(declare, file, job, rows, lake):
    declare("visits", VISITS.replace('"paid > 0"', '{ sql = "paid > 0", action = "fail" }'))
    path = file("a.csv", "id;day;paid", "1;02.10.2024;2.50", "2;02.10.2024;0")
    done = job("ingest", "visits", path, "--max-rejects", "100%")
    assert done.exit_code == 4
    assert done.report["error"] == (
        f"{path.as_uri()}: 1 record does not pass a check whose action is fail, so nothing was merged: see them with "
        "`rejects list`, fix the file, or change the check's action"
    )
    assert rows("rejects", "raw") == [("2;02.10.2024;0",)]
    assert not (lake / "visits").exists()


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('"paid > 0"', '"paid >"', "checks.positive: 'paid >' is not a valid SQL expression"),
        ('"paid > 0"', '"paid > (select 1)"', "checks.positive: 'paid > (select 1)' reaches outside the row"),
        ("dd.MM.yyyy", "dd.MM.YYYY", "columns.day.format: Spark cannot read a date by 'dd.MM.YYYY'"),
        ('key = ["id"]', 'key = ["sku"]', "key: the table has no column 'sku': it has id, day, paid"),
        ("visits_by_day", "products_agg", "aggregates.products_agg: 'products_agg' is taken by a built-in table"),
    ],
)
def test_a_wrong_declaration_is_wrong_usage(spark, declare, catalog, before, after, message):
    path = declare("visits", VISITS.replace(before, after))
    with pytest.raises(UsageError) as raised:
        check_in_spark(spark, catalog().table("visits"))
    assert str(raised.value).startswith(f"{path}: {message}")


def test_a_wrong_declaration_stops_ingest_and_check_and_writes_nothing(declare, file, job, lake):
    path = declare("visits", VISITS.replace('"paid > 0"', '"paid >"'))
    done = job("ingest", "visits", file("a.csv", "id;day;paid", "1;02.10.2024;2.50"))
    message = f"{path}: checks.positive: 'paid >' is not a valid SQL expression"
    assert (done.exit_code, done.report["error"].startswith(message)) == (2, True), done.report["error"]
    assert "Traceback" not in done.stderr
    assert not (lake / "visits").exists()
    checked = job("tables", "check", path)
    assert (checked.exit_code, checked.report["error"]) == (2, done.report["error"])


def test_sql_that_fails_for_a_record(declare, file, job, lake, catalog, converted):
    cases = {
        "id % (id - id)": "Remainder by zero. Use `try_mod`",
        "2147483647 + id": "overflow. Use 'try_add'",
        "cast(concat('x', id) as int)": 'The value \'x1\' of the type "STRING" cannot be cast to "INT"',
    }
    for sql, message in cases.items():
        path = declare("visits", VISITS.replace("[checks]", f'n = {{ type = "int", sql = "{sql}" }}\n[checks]'))
        with pytest.raises(UsageError) as raised, explain_sql_failures(catalog().table("visits")):
            converted("1;02.10.2024;2.50").collect()
        expected = f"{path}: SQL of table visits fails for a record, so nothing was merged: {message}"
        assert str(raised.value).startswith(expected)
    done = job("ingest", "visits", file("a.csv", "id;day;paid", "1;02.10.2024;2.50"))
    assert (done.exit_code, done.report["error"][: len(expected)]) == (2, expected)
    assert not (lake / "visits").exists()


def test_a_broken_declaration_stops_the_jobs_that_name_it(declare, job, catalog, lake):
    path = declare("broken", "key = ")
    declare("visits", VISITS)
    done = job("ingest", "broken", path)
    assert (done.exit_code, f"{path}: not valid TOML" in done.report["error"]) == (2, True)
    for ask in (
        lambda name: catalog().aggregates(str(lake), [name]),
        lambda name: catalog().sources(str(lake), [name]),
    ):
        with pytest.raises(UsageError, match=f"^{path}: not valid TOML"):
            ask("broken")
        with pytest.raises(UsageError, match=rf" \(or fix {path}, which may declare it\)$"):
            ask("broken_by_day")  # perhaps an aggregate of it
    taken = job("aggregate", "visits", "--by", "day")
    assert (taken.exit_code, "'visits_by_day' is taken by" in taken.report["error"]) == (2, True)


def test_tables_lists_shows_and_checks(declare, job):
    broken, path = declare("broken", "key = 1"), declare("visits", VISITS)
    listed = {row["table"]: row for row in job("tables").report["rows"]}
    assert {"products", "requests", "processes", "visits", "broken"} <= listed.keys()
    assert listed["visits"] == {
        "table": "visits",
        "declared_in": str(path),
        "key": "id",
        "partition_by": "day",
        "order_by": "",
        "aggregates": "visits_by_day",
        "error": None,
    }
    assert listed["broken"]["error"] == f"{broken}: key: input should be a valid list"
    assert job("tables", "show", "visits").report["rows"] == [
        {"column": "id", "type": "int", "key": 1, "partition": False, "made_of": "input id"},
        {"column": "day", "type": "date", "key": None, "partition": True, "made_of": "input day, dd.MM.yyyy"},
        {"column": "paid", "type": "decimal(8,2)", "key": None, "partition": False, "made_of": "input paid"},
    ]
    assert job("tables", "check", path).report["status"] == "succeeded"
    missing = job("tables", "show", "visit")
    assert (missing.exit_code, missing.report["error"]) == (2, "unknown table 'visit': did you mean 'visits'?")
    assert job("tables", "check", "nowhere.toml").exit_code == 2
    assert job("tables", "--tables", "/nowhere").exit_code == 2


def test_a_changed_declaration(declare, file, job, rows, lake, catalog):
    path = declare("visits", VISITS)
    job("ingest", "visits", file("a.csv", "id;day;paid", "1;02.10.2024;2.50", "2;02.10.2024;2.50"))

    def mistake(text, on_new_column="fail"):
        """Why an ingest of the table, declared so, is refused."""
        declare("visits", text)
        with pytest.raises(UsageError) as raised:
            drift.for_ingest(str(lake), catalog().table("visits"), on_new_column)
        return str(raised.value)

    changes = {
        'key = ["id"]': ('key = ["id", "day"]', "key was id, is id, day"),
        'partition_by = ["day"]': ("", "partition_by was day, is nothing"),
        'paid = "decimal(8,2)"': (
            'paid = { type = "decimal(8,2)", sql = "id + 1" }',
            "column paid was decimal(8,2), is decimal(8,2) id + 1",
        ),
        'id = "int"': ('id = "bigint"', "column id was an int, is a bigint"),
    }
    for before, (after, message) in changes.items():
        error = (
            f"{path}: table visits was written under another declaration: {message}: go back to that one, or "
            "declare a table of another name"
        )
        assert mistake(VISITS.replace(before, after)) == error
    again = file("b.csv", "id;day;paid", "2;02.10.2024;2.50")
    for call in (
        f"ingest visits {again}",
        "aggregate visits --full-refresh",
        "export visits",
        "query visits",
        "maintain clear visits",
    ):
        done = job(*call.split())
        assert (done.exit_code, done.report["error"]) == (2, error)

    # checks may change, and columns may be added; files may lack those that are optional
    more = VISITS.replace('paid = "decimal(8,2)"', 'paid = "decimal(8,2)"\nguests = { type = "int", optional = true }')
    more = more.replace("[checks]", "[checks]\nmore = 'id > 0'")
    lacks = f"{path}: table visits does not have the declared column guests yet: add it with --on-new-column add"
    assert mistake(more) == lacks
    assert job("query", "visits", "--format", "json").exit_code == 0
    declare("visits", more.replace('visits = "count"', 'visits = "count", guests = "sum:guests"'))
    early = job("aggregate", "visits")
    assert (early.exit_code, early.report["error"]) == (
        2,
        "visits_by_day: table visits does not have the column guests yet: ingest a file with --on-new-column add, "
        "which adds it",
    )
    with_guests = file("c.csv", "id;day;paid;guests", "1;02.10.2024;2.50;4", "3;02.10.2024;1;2")
    without = file("d.csv", "id;day;paid", "4;02.10.2024;1")
    added = job("ingest", "visits", with_guests, without, "--on-new-column", "add")
    assert added.counts == {"read": 3, "updated": 1, "inserted": 2}
    assert rows("visits", "id", "guests") == [(1, 4), (2, None), (3, 2), (4, None)]
    assert job("aggregate", "visits").exit_code == 0
    back = job("maintain", "restore", "visits", "--version", 0)
    assert (back.exit_code, "does not have the column guests yet" in back.report["error"]) == (2, True)
    assert len(rows("visits", "id")) == 4
    assert drift.for_ingest(str(lake), catalog().table("visits"), "fail")[1] == ()  # nothing is to be added any more
    assert "column guests was int, is no longer declared" in mistake(VISITS)


LINES = r"""
key = ["host", "n"]
columns = { host = "string", n = "bigint", load = "double" }

[source]
format = "lines"
pattern = '(?P<host>\S+) (?P<n>\d+)(?: load=(?P<load>\S+))?'
"""


@pytest.mark.slow
def test_a_restored_table_keeps_its_declaration(declare, file, job, rows):
    declare("visits", VISITS)
    path = file("a.csv", "id;day;paid", "1;02.10.2024;2.50")
    job("ingest", "visits", path)
    assert job("maintain", "restore", "visits", "--version", 0).exit_code == 0
    declare("visits", VISITS.replace('key = ["id"]', 'key = ["id", "day"]'))
    for call in (f"ingest visits {path}", "maintain restore visits --version 0", "maintain optimize visits"):
        done = job(*call.split())
        assert (done.exit_code, "key was id, is id, day" in done.report["error"]) == (2, True), done.report


def test_lines_by_a_pattern(declare, file, job, rows):
    declare("loads", LINES)
    path = file("a.log", "a 1 load=0.5", "", "b 2", "b 3 load=x", "nonsense", "a 1 load=1.5")
    assert job("ingest", "loads", path, "--max-rejects", 2).counts == {
        "read": 5,
        "rejected": 2,
        "duplicate": 1,
        "inserted": 2,
    }
    assert rows("loads", "host", "n", "load") == [("a", 1, 1.5), ("b", 2, None)]
    assert rows("rejects", "position", "raw", "reason") == [
        (18, "b 3 load=x", "load 'x' is not a double"),
        (29, "nonsense", "the line does not match the pattern"),
    ]


class TestShipped:
    """The declarations in conf/tables."""

    @pytest.fixture(autouse=True)
    def _folder(self, monkeypatch):
        monkeypatch.delenv("SLUICE_TABLES", raising=False)

    @pytest.mark.parametrize("name", SHIPPED)
    def test_all_are_valid_and_a_wrong_check_would_show(self, spark, tmp_path, name):
        path = PROJECT / "conf" / "tables" / f"{name}.toml"
        shipped = Catalog(str(path.parent))
        table = shipped.declared(path)
        check_in_spark(spark, table)
        assert (table.name, table.origin) == (name, str(path))
        broken = tmp_path / path.name
        broken.write_text(path.read_text() + '\n[checks.unique]\nsql = "count(*) = 1"\n')
        with pytest.raises(UsageError) as raised:
            check_in_spark(spark, shipped.declared(broken))
        error = f"{broken}: checks.unique: 'count(*) = 1' reaches outside the row"
        assert str(raised.value).startswith(error)

    def test_a_check_says_what_is_valid(self, job):
        path = PROJECT / "conf" / "tables" / "orders.toml"
        done = job("tables", "check", path)
        assert (done.exit_code, done.report["table"], done.report["status"]) == (0, "orders", "succeeded")
        assert f"{path}: the declaration of table orders is valid: 6 columns, key order_id" in done.stderr

    def test_products_by_sku_and_name_and_events_of_json_lines(self, file, job, rows):
        path = file("p.csv", "name,sku,description", "A,1,x", "B,1,y", " A ,1,z", ",1,no name", "A,2,w")
        done = job("ingest", "products_by_sku_and_name", path, "--max-rejects", 1)
        assert done.counts == {"read": 5, "rejected": 1, "duplicate": 1, "inserted": 3}
        assert rows("products_by_sku_and_name", "sku", "name", "description") == [
            ("1", "A", "z"),
            ("1", "B", "y"),
            ("2", "A", "w"),
        ]
        path = file(
            "e.jsonl",
            '{"id": "a", "time": "2024-10-02T05:10:46Z", "type": "buy", "user": {"id": "u1"}, "amount": 2.50}',
            '{"id": "b", "time": "2024-10-02T05:10:46+02:00", "type": "view", "user": {"id": 7}}',
            '{"id": "c", "time": "yesterday", "type": "view"}',
            '{"id": "a", "time": "2024-10-02T05:10:46Z", "type": "buy", "user": {"id": "u1"}, "amount": 3} x',
        )
        assert job("ingest", "events", path, "--max-rejects", 2).counts == {"read": 4, "rejected": 2, "inserted": 2}
        assert rows("events", "event_id", "happened_at", "kind", "user", "amount") == [
            ("a", datetime(2024, 10, 2, 5, 10, 46), "buy", "u1", Decimal("2.50")),
            ("b", datetime(2024, 10, 2, 3, 10, 46), "view", "7", None),
        ]
        assert rows("rejects", "table", "reason") == [
            ("events", "time 'yesterday' is not a timestamp"),
            ("events", "the line is not a JSON object"),
            ("products_by_sku_and_name", "name is empty"),
        ]
        assert job("aggregate", "skus_by_name", "events").exit_code == 0
        assert rows("skus_by_name", "name", "skus") == [("A", 2), ("B", 1)]
        assert rows("events_by_day_and_kind", "kind", "events", "users", "amount") == [
            ("buy", 1, 1, Decimal("2.50")),
            ("view", 1, 1, None),
        ]

    def test_late_older_rows_of_orders_lose(self, file, job, rows, lake, spark):
        header = "order_id,customer,amount,op,updated_at"
        first = file("1.csv", header, "1,ann,10.00,I,2024-10-02 00:30:00", "2,bob,5,I,2024-10-02 12:00:00")
        second = file("2.csv", header, "1,ann,12.00,U,2024-10-02 18:00:00", "2,,,D,2024-10-03 12:00:00")
        late = file("3.csv", header, "1,ann,11.00,U,2024-10-02 09:00:00", "2,bob,6,U,2024-10-02 13:00:00")
        assert job("ingest", "orders", first).counts == {"read": 2, "inserted": 2}
        assert rows("orders", "order_id", "updated_at", "date") == [
            (1, datetime(2024, 10, 1, 22, 30), date(2024, 10, 1)),
            (2, datetime(2024, 10, 2, 10, 0), date(2024, 10, 2)),
        ]
        assert job("ingest", "orders", second).counts == {"read": 2, "updated": 1, "deleted": 1}
        assert job("ingest", "orders", late).counts == {"read": 2, "duplicate": 2}
        assert rows("orders", "order_id", "amount", "date") == [(1, Decimal("12.00"), date(2024, 10, 2))]
        assert job("maintain", "prune", "orders", "--before", "2024-10-02").exit_code == 0
        assert rows("orders_by_day", "date", "orders", "revenue", "slowest") == [
            (date(2024, 10, 2), 1, Decimal("12.00"), Decimal("12.00"))
        ]
        # a row of a pruned day is a reject from now on
        orders = drift.as_stored(str(lake), Catalog(str(PROJECT / "conf" / "tables")).table("orders"))
        records = spark.createDataFrame(
            [(0, 0, "3", "ann", "1", "I", f"2024-10-0{day} 12:00:00", "r", None) for day in (1, 2)],
            "_file int, _position bigint, order_id string, customer string, amount string, op string, "
            "updated_at string, _raw string, _reason string",
        )
        reasons = [row["_reason"] for row in conform(records, orders).orderBy("date").collect()]
        assert reasons == ["days before 2024-10-02 are pruned", None]
