"""`export` and `run` against a real PostgreSQL."""

from __future__ import annotations

import shutil
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import Manager, get_context

import psycopg2
import pytest
from conftest import HEADER, Outcome, run_job
from sluice.errors import DatabaseError
from sluice.export import jdbc
from sluice.export.connection import connected, database_url
from sluice.export.database import LOCK
from sluice.export.target import GONE, DeltaVersion, Target
from sluice.lake.lock import Writer

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


def test_postgresql_out_of_reach_or_without_the_schema(job, template, monkeypatch, postgres_url):
    template(make_lake, *XY)
    monkeypatch.setenv("SLUICE_DATABASE_URL", UNREACHABLE)
    done = job("export", "products_agg")
    assert (done.exit_code, done.report["error"].startswith("PostgreSQL: ")) == (6, True)
    assert "secret" not in done.stderr + str(done.report)
    assert job("export", "nothing").exit_code == 2
    monkeypatch.setenv("SLUICE_DATABASE_URL", postgres_url)
    missing = job("export", "products_agg", "--schema", "nowhere")
    assert (missing.exit_code, 'schema "nowhere" does not exist' in missing.stderr) == (6, True)
    refused = pytest.raises(DatabaseError, match="server does not support SSL")
    with refused, connected(f"{postgres_url}&sslmode=require", "fresh"):
        pass


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


def test_a_second_export_waits_then_is_busy(job, template, database, postgres_url):
    template(make_lake, *XY)
    other = psycopg2.connect(postgres_url)
    other.cursor().execute("SELECT pg_advisory_lock(%s)", (LOCK,))
    done = job("export", "products_agg", "--lock-timeout", 0.5)
    assert (done.exit_code, "another export into this database is running" in done.stderr) == (5, True)
    other.close()


def test_encryption_settings_reach_jdbc_too_and_the_password_only_as_an_option(postgres_url):
    with psycopg2.connect(f"{postgres_url}&sslmode=prefer&sslrootcert=/etc/ca.pem") as connection:
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


COLUMNS = {"k": "string", "n": "bigint"}


def a_target(*, name="t", columns=COLUMNS, key=("k",), nullable_key=True, full=False):
    return Target(name, columns, key, nullable_key, (), DeltaVersion("/lake", "id", 3), full)


@pytest.fixture
def make_equal(database, postgres_url):
    """Makes the target's table equal to rows that are staged by hand, the last value of each: whether its key is gone.

    Gives the numbers of rows by outcome, without zeros.
    """

    def make(target, *rows, dry_run=False):
        with connected(postgres_url, "fresh") as connection:
            connection.prepare(Writer("run", 5, print))
            staging = connection.create_staging(target)
            for row in rows:
                database(f"INSERT INTO {staging} VALUES ({', '.join(['%s'] * len(row))})", *row)
            [counts] = connection.apply([target], "run", dry_run=dry_run)
        return {outcome: count for outcome, count in counts.items() if count}

    return make


@pytest.mark.parametrize("none", [None, "k0"])
def test_a_table_is_made_equal_to_staged_rows_though_a_task_wrote_some_twice(make_equal, database, none):
    def target(**options):
        return a_target(nullable_key=none is None, **options)

    def stored():
        return set(database("SELECT * FROM t"))

    first = [("a", 1, False), (none, 2, False), ("c", 3, False), ("d", None, False)]
    for expected in ({"inserted": 4}, {"unchanged": 4}):
        assert make_equal(target(full=True), *first, *first[:2]) == {"duplicate": 2, **expected}
        assert stored() == {("a", 1), (none, 2), ("c", 3), ("d", None)}

    same, updated, gone, never, new = (
        ("a", 1, False),
        (none, 5, False),
        ("c", 3, True),
        ("never", 1, True),
        ("e", 6, False),
    )
    counts = make_equal(target(), same, updated, updated, gone, gone, never, new, new)
    assert counts == {"duplicate": 3, "unchanged": 1, "updated": 1, "deleted": 1, "inserted": 1}
    assert stored() == {("a", 1), (none, 5), ("d", None), ("e", 6)}

    wider = target(columns={**COLUMNS, "added": "int"}, full=True)
    all_rows = [("a", 1, 7, False), (none, 5, None, False), ("f", 1, 1, False)]
    expected = {"unchanged": 1, "updated": 1, "inserted": 1, "removed": 2}
    assert make_equal(target(full=True), ("z", 1, False), dry_run=True) == {"inserted": 1, "removed": 4}
    assert stored() == {("a", 1), (none, 5), ("d", None), ("e", 6)}
    assert database(TABLES) == [("sluice_exports",), ("t",)]
    assert make_equal(wider, *all_rows) == expected
    assert stored() == {("a", 1, 7), (none, 5, None), ("f", 1, 1)}


LONG = ["".join(f"{number * seed:x}" for number in range(3_000)) for seed in (7, 11)]  # does not compress to nothing


@pytest.mark.parametrize("none", [None, "k0"])
@pytest.mark.parametrize("first", [(), ("a", "b")])
def test_keys_of_any_length_stay_unique_and_are_found_by_an_index(make_equal, database, none, first):
    def target(**options):
        return a_target(nullable_key=none is None, key=("k", "n"), columns={**COLUMNS, "v": "int"}, **options)

    if first:  # before a long one comes the key is unique by its columns
        assert make_equal(target(full=True), *((k, 1, 0, False) for k in first)) == {"inserted": 2}
    rows = [(k, n, 1, False) for k in ("a", none, *LONG, LONG[0][:-1]) for n in (1, 2)]
    counts = {"inserted": 10 - bool(first), **({"updated": 1, "removed": 1} if first else {})}
    assert make_equal(target(full=True), *rows) == counts
    assert make_equal(target(full=True), *rows) == {"unchanged": 10}
    assert set(database("SELECT k, n, v FROM t")) == {row[:3] for row in rows}
    later = [(LONG[0], 1, 2, False), (LONG[1], 1, 1, True), ("a", 2, 2, False), (none, 1, 2, False), ("z", 1, 0, False)]
    assert make_equal(target(), *later) == {"updated": 3, "deleted": 1, "inserted": 1}
    expected = {row[:2]: row[2] for row in [*rows, *later]}
    del expected[LONG[1], 1]
    assert {(k, n): v for k, n, v in database("SELECT k, n, v FROM t")} == expected
    for stored in (LONG[0], none):
        with pytest.raises(psycopg2.errors.UniqueViolation):
            database("INSERT INTO t VALUES (%s, 1, 0)", stored)
    database("SET enable_seqscan = off")
    plan = plan_of(database, f"SELECT * FROM t WHERE k = '{LONG[0]}'")
    assert set(nodes(plan)) <= {"Index Scan", "Bitmap Heap Scan", "Bitmap Index Scan"}, plan
    database("RESET enable_seqscan")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("k text, n int", "column n is integer, expected bigint"),
        ("n bigint", "column k is missing, expected text"),
        ("k text, n bigint, mine int", "column mine is integer, expected no such column"),
    ],
)
def test_a_table_with_other_columns_is_refused_before_rows_are_sent(database, postgres_url, columns, message):
    database(f"CREATE TABLE t ({columns})")
    with pytest.raises(DatabaseError) as refused, connected(postgres_url, "fresh") as connection:
        connection.stage(a_target(), None)
    expected = f"PostgreSQL's table fresh.t: {message}: drop the table, or choose another --schema"
    assert (str(refused.value), database(TABLES)) == (expected, [("t",)])


def test_a_refused_row_is_named(spark, database, postgres_url):
    target = a_target(columns={**COLUMNS, "note": "string"}, full=True)
    rows = [("a", 1, "fine", False), ("b", 2, "x\0y", False)]
    with connected(postgres_url, "fresh") as connection:
        refused = pytest.raises(DatabaseError, match="rows of t: column note of the row with k 'b' has a NUL character")
        with refused:
            connection.stage(target, spark.createDataFrame(rows, f"k string, n bigint, note string, {GONE} boolean"))


def nodes(plan):
    """The kinds of a plan's nodes, from the top."""
    return [plan["Node Type"], *(kind for each in plan.get("Plans", ()) for kind in nodes(each))]


def plan_of(database, statement):
    [([explained],)] = database(f"EXPLAIN (FORMAT JSON) {statement}")
    return explained["Plan"]


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


MOMENTS = [
    ("0001-01-01", "0001-01-01 00:00:00"),
    ("1500-02-28", "1500-02-28 12:00:00.000001"),
    ("1582-10-04", "1582-10-04 23:59:59.999999"),
    ("1582-10-05", "1582-10-05 00:00:00"),
    ("1582-10-14", "1582-10-14 23:59:59.999999"),
    ("1582-10-15", "1582-10-15 00:00:00"),
    ("1900-02-28", "1899-12-31 23:59:59.5"),
    ("2024-03-31", "2024-03-31 02:30:00"),
    ("9999-12-31", "9999-12-31 23:59:59.999999"),
    (None, None),
]


def test_every_day_and_moment_arrives_as_it_is(spark, database, postgres_url):
    target = a_target(columns={"k": "string", "day": "date", "at": "timestamp"}, full=True)
    rows = spark.createDataFrame(
        [(str(n), *moment) for n, moment in enumerate(MOMENTS)], "k string, day string, at string"
    )
    typed = rows.selectExpr("k", "cast(day AS date) AS day", "cast(at AS timestamp) AS at", f"false AS {GONE}")
    with connected(postgres_url, "fresh") as connection:
        connection.prepare(Writer("run", 5, print))
        connection.stage(target, typed)
        assert connection.apply([target], "run") == [
            {"duplicate": 0, "unchanged": 0, "deleted": 0, "removed": 0, "inserted": len(MOMENTS), "updated": 0}
        ]
    stored = database("SELECT day::text, (at AT TIME ZONE 'UTC')::text FROM t ORDER BY k")
    assert stored == MOMENTS


def test_long_names_that_begin_alike_and_all_simple_types_arrive(spark, database, postgres_url):
    types = ["tinyint", "smallint", "float", "boolean"]
    columns = {"k": "string", **{kind: kind for kind in types}}
    names = ["t" * 55 + end for end in "ab"]
    targets = [a_target(name=name, columns=columns, nullable_key=False, full=True) for name in names]
    schema = ", ".join(f"{name} {kind}" for name, kind in {**columns, GONE: "boolean"}.items())
    with connected(postgres_url, "fresh") as connection:
        connection.prepare(Writer("run", 5, print))
        for number, target in enumerate(targets):
            row = (f"k{number}", -128, 32767, 0.5, True, False)
            connection.stage(target, spark.createDataFrame([row], schema))
        assert [counts["inserted"] for counts in connection.apply(targets, "run")] == [1, 1]
    for number, name in enumerate(names):
        found = database(f"SELECT k, tinyint, smallint, float, boolean, pg_typeof(float)::text FROM {name}")
        assert found == [(f"k{number}", -128, 32767, 0.5, True, "real")]
