"""`export` and `run` against a real PostgreSQL."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from multiprocessing import Manager, get_context
from urllib.parse import quote

import psycopg2
import pytest
from conftest import HEADER, Outcome, run_job
from plans import nodes, plan_of
from sluice.errors import DatabaseError
from sluice.export.connection import connected, database_url
from sluice.export.database import LOCK

ODD = [
    "O'Neil",
    'say ""hi""',
    "naïve 日本 \U0001f600",
    "back\\slash",
    "%s {} $1",
    "x" * 1000,
    "; DROP TABLE t; --",
    "tab\there",
]
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'fresh' ORDER BY 1"


def make_lake(folder, *lines):
    """For `template`: products and products_agg of one file."""
    path = folder / "a.csv"
    path.write_text("".join(f"{line}\n" for line in (HEADER, *lines)))
    assert run_job("ingest", "products", path).exit_code == 0
    assert run_job("aggregate", "products").exit_code == 0


UNREACHABLE = "postgresql://me:secret@127.0.0.1:1/db"
XY = ("1,x,", "2,y,")
MANY = ("1,x,d", "2,x,", "3,,d", "4,y,", *(f'odd{i},"{name}",' for i, name in enumerate(ODD)))


def counts(step):
    """As `Outcome.counts`, of one step."""
    return Outcome(0, step, "").counts


def test_a_new_table_is_exported_whole_later_only_changes_and_what_a_failed_run_left(
    job, template, csv_file, database, monkeypatch, postgres_url
):
    template(make_lake, *MANY)
    dry = job("export", "products", "products_agg", "--dry-run")
    assert [step["rows_inserted"] for step in dry.report["steps"]] == [12, 11]
    assert database(TABLES) == []

    database("CREATE TABLE sluice_staging_products_agg (x int)")  # as a killed run leaves it
    done = job("export", "products_agg", "products")
    assert [(step["table"], step["mode"], step["rows_inserted"]) for step in done.report["steps"]] == [
        ("products_agg", "full", 11),
        ("products", "full", 12),
    ]
    names = {*(name.replace('""', '"') for name in ODD), "x", "y", None}
    assert {name for (name,) in database("SELECT name FROM products_agg")} == names
    assert database("SELECT * FROM products_agg WHERE name IN ('x', 'y') OR name IS NULL ORDER BY name") == [
        ("x", 2),
        ("y", 1),
        (None, 1),
    ]
    assert database("SELECT sku, name, description FROM products WHERE sku IN ('1', '2', '3') ORDER BY sku") == [
        ("1", "x", "d"),
        ("2", "x", None),
        ("3", None, "d"),
    ]
    types = (
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s AND table_schema = 'fresh'"
    )
    assert sorted(database(types, "products_agg")) == [("name", "text"), ("no_of_products", "bigint")]
    indexes = [
        row[0]
        for row in database("SELECT indexdef FROM pg_indexes WHERE tablename = 'products_agg' AND schemaname = 'fresh'")
    ]
    assert any("UNIQUE" in index and "NULLS NOT DISTINCT" in index for index in indexes)
    assert any("(no_of_products)" in index for index in indexes)
    assert database("SELECT table_name, version FROM sluice_exports ORDER BY 1") == [
        ("products", 0),
        ("products_agg", 0),
    ]
    assert database(TABLES) == [("products",), ("products_agg",), ("sluice_exports",)]

    again = job("export", "products_agg")
    assert (again.report["status"], again.report["mode"]) == ("nothing_new", "none")

    renamed = [f"odd{i},gone," for i in range(len(ODD))]
    path = csv_file("b.csv", HEADER, "1,,", "4,z,", "5,x,", *renamed)
    monkeypatch.setenv("SLUICE_DATABASE_URL", UNREACHABLE)
    failed = job("run", "products", path)
    assert (failed.exit_code, failed.report["status"]) == (6, "failed")
    assert [(step["job"], step["status"]) for step in failed.report["steps"]] == [
        ("ingest", "succeeded"),
        ("aggregate", "succeeded"),
        ("export", "failed"),
    ]
    monkeypatch.setenv("SLUICE_DATABASE_URL", postgres_url)
    done = job("run", "products", path, "--with-records")
    assert [(step["job"], step["status"]) for step in done.report["steps"]] == [
        ("ingest", "nothing_new"),
        ("aggregate", "nothing_new"),
        ("export", "succeeded"),
    ]
    changed = {step["table"]: (step["mode"], counts(step)) for step in done.report["steps"][-1]["steps"]}
    assert changed == {
        "products_agg": ("incremental", {"read": 12, "inserted": 2, "updated": 1, "deleted": 9}),
        "products": ("incremental", {"read": 11, "inserted": 1, "updated": 10}),
    }
    assert sorted(database("SELECT * FROM products_agg"), key=repr) == [("gone", 8), ("x", 2), ("z", 1), (None, 2)]
    assert database("SELECT count(*), count(*) FILTER (WHERE name = 'gone') FROM products") == [(13, 8)]
    assert job("run", "products", path, "--with-records").report["status"] == "nothing_new"


def test_a_restored_table_is_exported_in_full_without_the_columns_that_it_lost(job, template, csv_file, database):
    template(make_lake, *XY)
    wider = csv_file("b.csv", f"{HEADER},colour", "1,z,,red")
    assert job("ingest", "products", wider, "--on-new-column", "add").exit_code == 0
    assert job("export", "products").exit_code == 0
    assert database("SELECT colour FROM products ORDER BY sku") == [("red",), (None,)]
    job("maintain", "restore", "products", "--version", 0)
    done = job("export", "products")
    assert (done.exit_code, done.report["mode"], "table products was restored" in done.stderr) == (0, "full", True)
    assert [row[:3] for row in database("SELECT * FROM products ORDER BY sku")] == [("1", "x", None), ("2", "y", None)]
    columns = (
        "SELECT attname FROM pg_attribute WHERE attrelid = 'products'::regclass AND attnum > 0 AND NOT attisdropped"
    )
    assert ("colour",) not in database(columns)
    database("ALTER TABLE products ADD mine int")
    job("ingest", "products", csv_file("c.csv", HEADER, "3,x,"))
    refused = job("export", "products")
    assert (refused.exit_code, "column mine is integer, expected no such column" in refused.stderr) == (6, True)
    assert ("mine",) in database(columns)


def test_what_another_lake_exported_is_replaced_only_when_taken_over(job, lake, template, database):
    template(make_lake, *XY)
    assert job("export", "products").exit_code == 0
    other = lake.with_name("trial")
    shutil.copytree(lake, other)
    for option in ((), ("--full",), ("--dry-run",)):
        refused = job("export", "products", "--lake", other, *option)
        assert (refused.exit_code, f"was exported from the lake {lake}: " in refused.report["error"]) == (6, True)
    assert database("SELECT lake FROM sluice_exports") == [(str(lake),)]
    assert job("export", "products", "--lake", other, "--take-over").exit_code == 0
    assert database("SELECT lake FROM sluice_exports") == [(str(other),)]


def test_tables_that_sluice_did_not_make_or_with_other_columns_are_left_alone_and_all_others_with_them(
    job, lake, template, database
):
    template(make_lake, *XY)
    database("CREATE TABLE products_agg (name text, mine int); INSERT INTO products_agg VALUES ('keep', 1)")
    done = job("export", "products", "products_agg")
    assert (done.exit_code, "fresh.products_agg was not made by Sluice" in done.report["error"]) == (6, True)
    assert (database("SELECT * FROM products_agg"), database(TABLES)) == ([("keep", 1)], [("products_agg",)])

    database("DROP TABLE products_agg")
    assert job("export", "products", "products_agg").exit_code == 0
    database("ALTER TABLE products_agg ALTER no_of_products TYPE int")
    shutil.rmtree(lake)
    template(make_lake, *MANY)
    done = job("export", "products", "products_agg")  # products has been sent when products_agg is refused
    assert (done.exit_code, done.report["status"]) == (6, "failed")
    assert "products_agg: column no_of_products is integer, expected bigint" in done.report["error"]
    assert [step["status"] for step in done.report["steps"]] == ["failed", "failed"]
    assert database("SELECT sku, name FROM products ORDER BY sku") == [("1", "x"), ("2", "y")]
    assert database("SELECT * FROM products_agg ORDER BY name") == [("x", 1), ("y", 1)]


def test_where_changes_do_not_lead_from_what_postgresql_holds_all_rows_are_exported(
    job, lake, template, csv_file, database
):
    template(make_lake, *XY)
    job("export", "products")
    job("ingest", "products", csv_file("b.csv", HEADER, "2,z,"))
    shutil.rmtree(lake / "products" / "_change_data")
    done = job("export", "products")
    assert (done.report["mode"], "its change feed after version 0 is gone" in done.stderr) == ("full", True)
    assert done.counts == {"read": 2, "unchanged": 1, "updated": 1}
    assert database("SELECT sku, name FROM products ORDER BY sku") == [("1", "x"), ("2", "z")]

    database("INSERT INTO products (sku) VALUES ('from the old table')")
    shutil.rmtree(lake)
    template(make_lake, *MANY)
    done = job("export", "products")
    assert "PostgreSQL's table holds another Delta table: all its rows are replaced" in done.stderr
    assert (done.report["mode"], done.counts) == ("full", {"read": 12, "inserted": 10, "updated": 2, "removed": 1})
    assert database("SELECT sku, name FROM products WHERE sku NOT LIKE 'odd%%' ORDER BY sku") == [
        ("1", "x"),
        ("2", "x"),
        ("3", None),
        ("4", "y"),
    ]


def test_postgresql_out_of_reach_or_without_the_schema(job, template, database, monkeypatch, postgres_url):
    template(make_lake, *XY)
    monkeypatch.setenv("SLUICE_DATABASE_URL", UNREACHABLE)
    done = job("export", "products_agg")
    assert (done.exit_code, done.report["error"].startswith("PostgreSQL: ")) == (6, True)
    assert "secret" not in done.stderr + str(done.report)
    assert job("export", "nothing").exit_code == 2
    monkeypatch.setenv("SLUICE_DATABASE_URL", postgres_url)
    missing = job("export", "products_agg", "--schema", "nowhere")
    assert (missing.exit_code, 'schema "nowhere" does not exist' in missing.stderr) == (6, True)
    database(f"CREATE SCHEMA IF NOT EXISTS {'l' * 63}")
    for name in ("l" * 64, "fresh\0", "\udcff", 'fresh"; DROP SCHEMA fresh; --', "Fresh", ""):  # the first would be cut
        refused = pytest.raises(DatabaseError, match="does not exist: create it, or choose another --schema")
        with refused, connected(postgres_url, name) as connection:
            connection.check_schema()
    refused = pytest.raises(DatabaseError, match="server does not support SSL, but SSL was required: set up TLS there")
    with refused, connected(f"{postgres_url}&sslmode=require", "fresh"):
        pass


def test_a_schema_of_any_name(job, template, database):
    template(make_lake, *XY)
    name = """100%s "{x}'; DROP SCHEMA fresh CASCADE; --"""
    quoted = '"' + name.replace('"', '""') + '"'
    database(f"DROP SCHEMA IF EXISTS {quoted} CASCADE; CREATE SCHEMA {quoted}")
    for mode in ("full", "none"):
        assert job("export", "products_agg", "--schema", name).report["mode"] == mode
    tables = database("SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY 1", name)
    assert tables == [("products_agg",), ("sluice_exports",)]
    assert database("SELECT to_regnamespace('fresh') IS NOT NULL") == [(True,)]
    database(f"DROP SCHEMA {quoted} CASCADE")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://bob:100%zebra@h/d",
        "mysql://bob:zebra@h/d",
        "postgresql://bob:ze@bra@h/d",
        "postgresql://bob:zebra/x@h/d",
        "host=h user=bob password=zebra",
    ],
)
def test_a_url_that_libpq_would_misread_is_refused_and_not_shown(monkeypatch, url):
    monkeypatch.setenv("SLUICE_DATABASE_URL", url)
    with pytest.raises(DatabaseError, match="percent-encode the special characters") as refused:
        database_url(print)
    assert not any(part in str(refused.value) for part in ("bob", "ze", "bra"))


@pytest.mark.parametrize("way", ["user of the URL", "query of the URL", "PGPASSWORD", "PGPASSFILE"])
def test_a_password_is_taken_and_in_no_failure_however_it_comes(database, postgres_url, monkeypatch, tmp_path, way):
    password = "d2/can@ry%:1"
    database("DROP ROLE IF EXISTS canary")
    database("CREATE ROLE canary LOGIN PASSWORD %s", password)

    def give(text):
        server, encoded = postgres_url.rpartition("@")[2], quote(text, safe="")
        url = f"postgresql://canary@{server}"
        if way == "user of the URL":
            url = f"postgresql://canary:{encoded}@{server}"
        elif way == "query of the URL":
            url += f"&password={encoded}"
        elif way == "PGPASSWORD":
            monkeypatch.setenv("PGPASSWORD", text)
        else:
            (tmp_path / "pgpass").touch(0o600)
            (tmp_path / "pgpass").write_text(f"*:*:*:canary:{text.replace(':', chr(92) + ':')}\n")
            monkeypatch.setenv("PGPASSFILE", str(tmp_path / "pgpass"))
        monkeypatch.setenv("SLUICE_DATABASE_URL", url)
        return database_url(print)

    with connected(give(password), "fresh") as reached:
        reached.check_schema()
    url = give(f"wrong{password}")
    refused = pytest.raises(DatabaseError, match="password authentication failed")
    with refused as failure, connected(url, "fresh"):
        pass
    for text in (password, quote(password, safe="")):
        assert text not in str(failure.value)
    database("DROP ROLE canary")


def test_a_second_export_waits_then_is_busy(job, template, database, postgres_url):
    template(make_lake, *XY)
    other = psycopg2.connect(postgres_url)
    other.cursor().execute("SELECT pg_advisory_lock(%s)", (LOCK,))
    done = job("export", "products_agg", "--lock-timeout", 0.5)
    assert (done.exit_code, "another export into this database is running" in done.stderr) == (5, True)
    other.close()


WORDS = """
key = ["select", "user"]
order_by = "order"
delete_when = "`values` = 'D'"
partition_by = ["group"]
[source]
format = "csv"
[columns]
select = "string"
user = "bigint"
order = "bigint"
values = "string"
all = { type = "decimal(10,2)", field = "o'dd \\"; --" }
from = { type = "string", field = "$1 %s {x}" }
group = { type = "string", sql = "upper(`from`)" }
[checks]
check = "`all` > 0"
[aggregates.table]
by = ["group", "user"]
measures = { count = "count", sum = "sum:all", limit = "p99:order", end = "count_distinct:values", min = "min:from" }
"""


@pytest.mark.slow
def test_names_that_are_words_of_sql_and_a_file_whose_name_is_sql(job, tmp_path, monkeypatch, database):
    (tmp_path / "order.toml").write_text(WORDS)
    monkeypatch.setenv("SLUICE_TABLES", str(tmp_path))
    path = tmp_path / "a'b \"c; DROP TABLE x; -- %s {y} `z`.csv"
    lines = ['select,user,order,values,"o\'dd ""; --",$1 %s {x}', "1,1,1,v,1.5,it's", '2,2,1,v,2.5,"b\'); --"']
    lines += ["2,2,0,v,2.5,old", "3,3,1,D,1,gone", "4,4,1,v,0,rejected"]
    for added in ("5,5,1,v,1,x", "6,6,1,v,1,y"):
        path.write_text("\n".join(lines := [*lines, added]))
        done = job("run", "order", path, "--with-records", "--max-rejects", 1)
        assert done.exit_code == 0, done.stderr
    assert database('SELECT "select", "all", "group" FROM "order" ORDER BY 1') == [
        ("1", Decimal("1.50"), "IT'S"),
        ("2", Decimal("2.50"), "B'); --"),
        ("5", Decimal("1.00"), "X"),
        ("6", Decimal("1.00"), "Y"),
    ]
    assert database('SELECT "user", count, sum, "limit", "end", min FROM "table" ORDER BY 1')[:2] == [
        (1, 1, Decimal("1.50"), 1, 1, "it's"),
        (2, 1, Decimal("2.50"), 1, 1, "b'); --"),
    ]
    where = ("--where", "`from` = 'it\\'s'", "--format", "json")
    answer = job("query", "order", "--by", "group,select", "--metric", "sum:all", *where).answer
    assert json.loads(answer) == [{"group": "IT'S", "select": "1", "sum_all": "1.5"}]
    (reject,) = job("rejects", "list", "order").report["rows"]
    assert reject["file"] == path.as_uri()


def states_until(stop, postgres_url):
    """What a reader sees of the exported tables, in a process of its own: a wait callback holds for all of one."""
    seen = set()
    with psycopg2.connect(postgres_url) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        while not stop.is_set():
            cursor.execute(
                "SELECT (SELECT count(*) FROM fresh.products), "
                "(SELECT sum(no_of_products) FROM fresh.products_agg), (SELECT count(*) FROM fresh.products_agg)"
            )
            seen.add(tuple(map(int, cursor.fetchone())))
    return seen


@pytest.mark.slow
def test_readers_never_see_a_mixed_state_during_20_exports(job, tmp_path, csv_file, database, postgres_url):
    lakes, exported = [], ("products", "products_agg")
    for number, names in enumerate(["abc", "cdefgh"]):
        lake = tmp_path / f"lake{number}"
        lines = [f"{name}{i},{name}," for name in names for i in range(100)]
        job("ingest", "products", csv_file(f"{number}.csv", HEADER, *lines), "--lake", lake)
        job("aggregate", "products", "--lake", lake)
        lakes.append(lake)
    job("export", *exported, "--lake", lakes[0])
    with ProcessPoolExecutor(1, get_context("spawn")) as readers, Manager() as manager:
        stop = manager.Event()
        seen = readers.submit(states_until, stop, postgres_url)
        try:
            for number in range(20):
                assert job("export", *exported, "--lake", lakes[(number + 1) % 2], "--take-over").exit_code == 0
        finally:
            stop.set()
        assert seen.result() == {(300, 300, 3), (600, 600, 6)}


def test_the_first_scores_come_by_an_index_without_sorting_in_the_order_that_delta_has(job, scores, database):
    odd = [("é", "7.5"), ("Z", "7.5"), ("a", "7.5"), ("z", "7.50"), ("-a", "7.5"), ("b", "7.500000001")]
    job("ingest", "scores", scores("a.csv", *odd, *((f"k{n:04}", n / 2_000) for n in range(2_000))))
    job("aggregate", "scores")
    assert job("export", "scores", "top_scores").report["status"] == "succeeded"
    [(index,)] = database(
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'fresh' AND tablename = 'scores' AND indexdef !~ 'UNIQUE'"
    )
    assert index.endswith("(value DESC, id)")
    first = "SELECT id, value FROM scores ORDER BY value DESC, id LIMIT 10"
    plan = plan_of(database, first)
    assert nodes(plan) in (["Limit", "Index Scan"], ["Limit", "Index Only Scan"]), plan
    ranked = "SELECT id, value FROM top_scores WHERE rank <= 10 ORDER BY rank"
    plan = plan_of(database, ranked)
    assert nodes(plan) == ["Index Scan"], plan
    assert plan["Index Name"] == "top_scores_rank_key"
    assert database(first) == database(ranked)
    assert [id for id, _ in database(first)][:7] == ["b", "-a", "Z", "a", "z", "é", "k1999"]
    # whatever the order of text in the database is by default
    assert database(
        "SELECT collation_name FROM information_schema.columns WHERE table_schema = 'fresh' AND table_name = 'scores' "
        "AND column_name = 'id'"
    ) == [("C",)]
