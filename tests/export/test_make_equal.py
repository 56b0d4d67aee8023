"""A table of PostgreSQL is made equal to staged rows, and what PostgreSQL gets of each type and length of text."""

from __future__ import annotations

import psycopg2
import pyarrow as pa
import pytest
from plans import nodes, plan_of
from sluice.errors import DatabaseError
from sluice.export.connection import connected
from sluice.export.target import DeltaVersion, Target
from sluice.lake.writer import Writer

TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'fresh' ORDER BY 1"


COLUMNS = {"k": "string", "n": "bigint"}


def a_target(*, name="t", columns=COLUMNS, key=("k",), nullable_key=True, full=False):
    return Target(name, columns, key, nullable_key, (), DeltaVersion("/lake", "id", 3), full)


@pytest.fixture
def make_equal(database, postgres_url):
    """Makes the target's table equal to rows that are staged by hand, with `sluice_gone` and perhaps `sluice_version`.

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
def test_a_table_is_made_equal_to_staged_rows_of_which_the_last_state_of_a_key_counts(make_equal, database, none):
    def target(**options):
        return a_target(nullable_key=none is None, **options)

    def stored():
        return set(database("SELECT * FROM t"))

    first = [("a", 1, False), (none, 2, False), ("c", 3, False), ("d", None, False)]
    for expected in ({"inserted": 4}, {"unchanged": 4}):
        assert make_equal(target(full=True), *first) == expected
        assert stored() == {("a", 1), (none, 2), ("c", 3), ("d", None)}

    same, updated, gone, never, new = (
        ("a", 1, False),
        (none, 5, False),
        ("c", 3, True),
        ("never", 1, True),
        ("e", 6, False),
    )
    earlier = [("a", 0, False, 1), (none, 2, True, 2), ("c", 4, False, 1), ("e", 5, False, 1), ("e", 5, True, 2)]
    states = [*earlier, *((*row, 2) for row in (same, updated, gone, never, new))]
    assert make_equal(target(), *states) == {"unchanged": 1, "updated": 1, "deleted": 1, "inserted": 1}
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


def test_a_refused_row_is_named(database, postgres_url):
    target = a_target(columns={**COLUMNS, "note": "string"}, full=True)
    rows = pa.RecordBatch.from_pydict({"k": ["a", "b"], "n": [1, 2], "note": ["fine", "x\0y"]})
    with connected(postgres_url, "fresh") as connection:
        refused = pytest.raises(DatabaseError, match="rows of t: column note of the row with k 'b' has a NUL character")
        with refused:
            connection.stage(target, [rows])


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
    typed = rows.selectExpr("k", "cast(day AS date) AS day", "cast(at AS timestamp) AS at").toArrow()
    with connected(postgres_url, "fresh") as connection:
        connection.prepare(Writer("run", 5, print))
        connection.stage(target, typed.to_batches())
        assert connection.apply([target], "run") == [
            {"unchanged": 0, "deleted": 0, "removed": 0, "inserted": len(MOMENTS), "updated": 0}
        ]
    stored = database("SELECT day::text, (at AT TIME ZONE 'UTC')::text FROM t ORDER BY k")
    assert stored == MOMENTS


def test_long_names_that_begin_alike_and_all_simple_types_arrive(database, postgres_url):
    types = ["tinyint", "smallint", "float", "boolean"]
    columns = {"k": "string", **{kind: kind for kind in types}}
    names = ["t" * 55 + end for end in "ab"]
    targets = [a_target(name=name, columns=columns, nullable_key=False, full=True) for name in names]
    schema = pa.schema(zip(columns, (pa.string(), pa.int8(), pa.int16(), pa.float32(), pa.bool_()), strict=True))
    with connected(postgres_url, "fresh") as connection:
        connection.prepare(Writer("run", 5, print))
        for number, target in enumerate(targets):
            row = (f"k{number}", -128, 32767, 0.5, True)
            connection.stage(target, [pa.RecordBatch.from_pylist([dict(zip(columns, row, strict=True))], schema)])
        assert [counts["inserted"] for counts in connection.apply(targets, "run")] == [1, 1]
    for number, name in enumerate(names):
        found = database(f"SELECT k, tinyint, smallint, float, boolean, pg_typeof(float)::text FROM {name}")
        assert found == [(f"k{number}", -128, 32767, 0.5, True, "real")]
