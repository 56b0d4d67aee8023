"""`export` and `run` against a real PostgreSQL."""

from __future__ import annotations

import shutil
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import Manager, get_context

import psycopg2
import pytest
from sluice.catalog import catalog
from sluice.model.table import Column, Table
from sluice.readers.csv import reader as csv
from sluice.readers.csv.dialect import Dialect

HEADER = "sku,name,description"
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


@pytest.fixture
def prepared(job, csv_file):
    """Products and products_agg of one file."""

    def prepare(*lines, name="a.csv"):
        assert job("ingest", "products", csv_file(name, HEADER, *lines)).exit_code == 0
        assert job("aggregate", "products").exit_code == 0

    return prepare


def test_a_new_table_has_types_key_and_indexes(job, prepared, database):
    prepared("1,x,d", "2,x,", "3,,d")
    done = job("export", "products_agg", "products")
    assert [(step["table"], step["mode"], step["rows_inserted"]) for step in done.report["steps"]] == [
        ("products_agg", "full", 2),
        ("products", "full", 3),
    ]
    assert database("SELECT * FROM products_agg ORDER BY name") == [("x", 2), (None, 1)]
    assert database("SELECT sku, name, description FROM products ORDER BY sku")[1] == ("2", "x", None)
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
    assert database(
        "SELECT count(*) FROM pg_tables WHERE tablename LIKE 'sluice_staging%%' AND schemaname = 'fresh'"
    ) == [(0,)]


def test_the_same_version_again_is_nothing_new_and_later_ones_send_only_changes(job, prepared, database):
    prepared("1,x,", "2,x,", "3,,", "4,y,", *(f"k{i},n{i},u" for i in range(50)))
    job("export", "products_agg")
    again = job("export", "products_agg")
    assert (again.report["status"], again.report["mode"]) == ("nothing_new", "none")
    prepared("1,,", "4,z,", "5,x,", name="b.csv")
    done = job("export", "products_agg")
    assert (done.report["mode"], done.counts) == ("incremental", {"read": 3, "inserted": 1, "updated": 1, "deleted": 1})
    assert database("SELECT * FROM products_agg WHERE name NOT LIKE 'n%%' OR name IS NULL ORDER BY name") == [
        ("x", 2),
        ("z", 1),
        (None, 2),
    ]
    assert database("SELECT count(*) FROM products_agg") == [(53,)]


def test_odd_names_arrive_as_they_are(job, prepared, database):
    prepared(*(f'{i},"{name}",' for i, name in enumerate(ODD)), "null,,")
    assert job("export", "products_agg").exit_code == 0
    expected = {*(name.replace('""', '"') for name in ODD), None}
    assert {name for (name,) in database("SELECT name FROM products_agg")} == expected
    prepared(*(f"{i},gone," for i in range(len(ODD))), name="b.csv")
    assert job("export", "products_agg").report["rows_deleted"] == len(ODD)
    assert set(database("SELECT * FROM products_agg")) == {("gone", len(ODD)), (None, 1)}


def test_another_table_of_the_name_replaces_all_rows_and_says_so(job, lake, prepared, database):
    prepared("1,x,", "2,y,")
    job("export", "products_agg")
    shutil.rmtree(lake)
    prepared("1,x,", "3,z,")
    done = job("export", "products_agg")
    assert "PostgreSQL's table holds another Delta table: all its rows are replaced" in done.stderr
    assert (done.report["mode"], done.counts) == ("full", {"read": 2, "unchanged": 1, "inserted": 1, "removed": 1})
    assert database("SELECT name FROM products_agg ORDER BY name") == [("x",), ("z",)]


@pytest.mark.slow
def test_a_restored_table_is_exported_in_full(job, prepared, database):
    prepared("1,x,", "2,y,")
    job("export", "products")
    prepared("1,z,", name="b.csv")
    job("export", "products")
    job("maintain", "restore", "products", "--version", 0)
    done = job("export", "products")
    assert (done.report["mode"], "table products was restored" in done.stderr) == ("full", True)
    assert database("SELECT sku, name FROM products ORDER BY sku") == [("1", "x"), ("2", "y")]


def test_a_table_that_is_not_sluices_or_has_other_columns_is_left_alone(job, prepared, database):
    prepared("1,x,")
    database("CREATE TABLE products_agg (name text, mine int); INSERT INTO products_agg VALUES ('keep', 1)")
    done = job("export", "products_agg")
    assert (done.exit_code, "fresh.products_agg was not made by Sluice" in done.report["error"]) == (6, True)
    assert database("SELECT * FROM products_agg") == [("keep", 1)]
    database("DROP TABLE products_agg")
    job("export", "products_agg")
    database("ALTER TABLE products_agg ALTER no_of_products TYPE int")
    prepared("2,x,", name="b.csv")
    done = job("export", "products_agg")
    assert done.exit_code == 6
    assert "products_agg: column no_of_products is integer, expected bigint" in done.report["error"]
    assert database("SELECT * FROM products_agg") == [("x", 1)]


def test_postgresql_out_of_reach_or_without_the_schema(job, prepared, database, monkeypatch, postgres_url):
    prepared("1,x,")
    missing = job("export", "products_agg", "--schema", "nowhere")
    assert (missing.exit_code, 'schema "nowhere" does not exist' in missing.stderr) == (6, True)
    monkeypatch.setenv("SLUICE_DATABASE_URL", "postgresql://me:secret@127.0.0.1:1/db")
    done = job("export", "products_agg")
    assert (done.exit_code, done.report["error"].startswith("PostgreSQL: ")) == (6, True)
    assert "secret" not in done.stderr + str(done.report)
    assert job("export", "nothing").exit_code == 2
    monkeypatch.setenv("SLUICE_DATABASE_URL", f"{postgres_url}?sslmode=require")
    assert "server does not support SSL" in job("export", "products_agg").stderr


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://bob:100%sure@h/d",
        "mysql://bob:sure@h/d",
        "postgresql://bob:su@re@h/d",
        "postgresql://bob:sure/x@h/d",
    ],
)
def test_a_url_that_libpq_would_misread_is_not_shown(job, prepared, monkeypatch, url):
    prepared("1,x,")
    monkeypatch.setenv("SLUICE_DATABASE_URL", url)
    done = job("export", "products_agg")
    assert (done.exit_code, "percent-encode the special characters" in done.stderr) == (6, True)
    assert "su" not in done.report["error"].replace("such", "")


def test_where_the_change_feed_is_gone_the_export_is_full(job, lake, prepared, database):
    prepared("1,x,", "2,y,")
    job("export", "products")
    prepared("2,z,", name="b.csv")
    shutil.rmtree(lake / "products" / "_change_data")
    done = job("export", "products")
    assert (done.report["mode"], "its change feed after version 0 is gone" in done.stderr) == ("full", True)
    assert done.counts == {"read": 2, "unchanged": 1, "updated": 1}
    assert database("SELECT sku, name FROM products ORDER BY sku") == [("1", "x"), ("2", "z")]


def test_a_dry_run_counts_and_leaves_nothing(job, prepared, database):
    prepared("1,x,", "2,y,")
    done = job("export", "products", "products_agg", "--dry-run")
    assert [step["rows_inserted"] for step in done.report["steps"]] == [2, 2]
    assert database("SELECT tablename FROM pg_tables WHERE schemaname = 'fresh'") == []


def test_of_a_failed_export_no_part_is_said_to_have_succeeded(job, prepared, database):
    prepared("1,x,")
    database("CREATE TABLE products_agg (name text)")
    done = job("export", "products", "products_agg")
    assert (done.exit_code, done.report["status"]) == (6, "failed")
    assert {step["status"] for step in done.report.get("steps", [])} <= {"failed"}


def test_staging_tables_of_dead_runs_are_removed(job, prepared, database):
    database("CREATE TABLE sluice_staging_products_agg (x int)")
    prepared("1,x,")
    assert job("export", "products_agg").exit_code == 0
    assert database(
        "SELECT count(*) FROM pg_tables WHERE tablename LIKE 'sluice_staging%%' AND schemaname = 'fresh'"
    ) == [(0,)]


def test_a_second_export_waits_then_is_busy(job, prepared, database, postgres_url):
    prepared("1,x,")
    from sluice.export.database import LOCK

    other = psycopg2.connect(postgres_url)
    other.cursor().execute("SELECT pg_advisory_lock(%s)", (LOCK,))
    done = job("export", "products_agg", "--lock-timeout", 0.5)
    assert (done.exit_code, "another export into this database is running" in done.stderr) == (5, True)
    other.close()


def test_encryption_settings_reach_jdbc_too_and_the_password_only_as_an_option(postgres_url):
    from sluice.export import jdbc

    with psycopg2.connect(f"{postgres_url}?sslmode=prefer&sslrootcert=/etc/ca.pem") as connection:
        options = jdbc.options(connection)
    assert "sslmode=prefer&sslrootcert=%2Fetc%2Fca.pem" in options["url"]
    assert options["password"]
    assert options["password"] not in options["url"]


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
    lakes = []
    for number, names in enumerate(["abc", "cdefgh"]):
        lake = tmp_path / f"lake{number}"
        lines = [f"{name}{i},{name}," for name in names for i in range(100)]
        job("ingest", "products", csv_file(f"{number}.csv", HEADER, *lines), "--lake", lake)
        job("aggregate", "products", "--lake", lake)
        lakes.append(lake)
    job("export", "products", "products_agg", "--lake", lakes[0])
    with ProcessPoolExecutor(1, get_context("spawn")) as readers, Manager() as manager:
        stop = manager.Event()
        seen = readers.submit(states_until, stop, postgres_url)
        try:
            for number in range(20):
                assert job("export", "products", "products_agg", "--lake", lakes[(number + 1) % 2]).exit_code == 0
        finally:
            stop.set()
        assert seen.result() == {(300, 300, 3), (600, 600, 6)}


def test_run_does_all_three_and_makes_up_for_what_an_ended_run_left(job, csv_file, database, monkeypatch, postgres_url):
    path = csv_file("a.csv", HEADER, "1,x,", "2,x,", "3,y,")
    monkeypatch.setenv("SLUICE_DATABASE_URL", "postgresql://127.0.0.1:1/db")
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
    assert database("SELECT * FROM products_agg ORDER BY 1") == [("x", 2), ("y", 1)]
    assert database("SELECT count(*) FROM products") == [(3,)]
    assert job("run", "products", path, "--with-records").report["status"] == "nothing_new"


def test_a_task_that_wrote_its_rows_twice_does_not_matter(database, postgres_url):
    from sluice.export.connection import connected
    from sluice.export.target import DeltaVersion, Target
    from sluice.lake.lock import Writer

    version = DeltaVersion("/lake", "id", 3)
    target = Target("t", {"k": "string", "n": "bigint"}, ("k",), True, (), version, full=True)
    for expected in ({"inserted": 2, "unchanged": 0}, {"inserted": 0, "unchanged": 2}):
        with connected(postgres_url, "fresh") as connection:
            connection.prepare(Writer("run", 5, print))
            staging = connection.create_staging(target)
            database(
                f"INSERT INTO {staging} VALUES ('a', 1, false), (NULL, 2, false), ('a', 1, false), (NULL, 2, false)"
            )
            [counts] = connection.apply([target], "run")
        assert counts == {"duplicate": 2, "updated": 0, "deleted": 0, "removed": 0, **expected}
        assert database("SELECT * FROM t ORDER BY k") == [("a", 1), (None, 2)]


def nodes(plan):
    """The kinds of a plan's nodes, from the top."""
    return [plan["Node Type"], *(kind for each in plan.get("Plans", ()) for kind in nodes(each))]


def plan_of(database, statement):
    [([explained],)] = database(f"EXPLAIN (FORMAT JSON) {statement}")
    return explained["Plan"]


def test_the_first_scores_come_by_an_index_without_sorting_in_the_order_that_delta_has(job, scores, database):
    odd = [("é", "7.5"), ("Z", "7.5"), ("a", "7.5"), ("z", "7.50"), ("-a", "7.5"), ("b", "7.500000001")]
    job("ingest", "scores", scores("a.csv", *odd, *((f"k{n:05}", n / 20_000) for n in range(20_000))))
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
    assert [id for id, _ in database(first)][:7] == ["b", "-a", "Z", "a", "z", "é", "k19999"]
    # whatever the order of text in the database is by default
    assert database(
        "SELECT collation_name FROM information_schema.columns WHERE table_schema = 'fresh' AND table_name = 'scores' "
        "AND column_name = 'id'"
    ) == [("C",)]


def test_long_names_that_begin_alike_and_all_simple_types_arrive(job, tmp_path, database, monkeypatch):
    columns = (Column("k"), *(Column(kind, kind) for kind in ("tinyint", "smallint", "float", "boolean")))
    names = ["t" * 55 + end for end in "ab"]
    for number, name in enumerate(names):
        inputs = tuple(column.name for column in columns)
        made = Table(name, columns, ("k",), reader=csv, reading=Dialect(), input_columns=inputs)
        monkeypatch.setitem(catalog.BUILT_IN, name, made)
        path = tmp_path / f"{name}.csv"
        path.write_text(",".join(inputs) + f"\nk{number},-128,32767,0.5,true\n")
        assert job("ingest", name, path).exit_code == 0
    assert job("export", *names).exit_code == 0
    for number, name in enumerate(names):
        found = database(f"SELECT k, tinyint, smallint, float, boolean, pg_typeof(float)::text FROM {name}")
        assert found == [(f"k{number}", -128, 32767, 0.5, True, "real")]
