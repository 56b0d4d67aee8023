"""What becomes of each row, case by case: one frame of many keys, of which each is a case."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import NamedTuple

import pyarrow as pa
import pytest
from chispa import assert_df_equality
from deltalake import write_deltalake
from pyspark.sql import functions as F
from sluice.files.input_file import InputFile
from sluice.ingest.classify import classify, with_outcomes
from sluice.ingest.plan import Plan
from sluice.ingest.read import Read
from sluice.lake.lake import Lake
from sluice.lake.writer import Writer
from sluice.ledger import deletes
from sluice.ledger.rejects import FileWithRejects
from sluice.model.table import Column, Table

BEFORE, FIRST_READ, SINCE = (datetime(2025, 1, day, tzinfo=UTC) for day in (1, 2, 3))
READ_BY = ("reader", "replay")  # the runs that read the rows' file, first at FIRST_READ


def table(*columns, **more):
    return Table("t", tuple(map(Column, columns)), ("key",), reader=None, reading=None, **more)


@pytest.mark.parametrize("few", [True, False])
def test_each_row_has_one_outcome(spark, few):
    schema = "key string, value string, _superseded boolean"
    rows = spark.createDataFrame(
        [
            ("a", "1", False),
            ("b", "2", False),
            ("b", "0", True),
            ("c", None, False),
            ("d", None, False),
            ("e", "x", False),
        ],
        schema,
    )
    stored = spark.createDataFrame(
        [("a", "1"), ("b", "1"), ("c", None), ("d", "4"), ("z", "9")], "key string, value string"
    )
    classified = with_outcomes(rows, stored, table("key", "value"), few=few).select("key", "value", "_outcome")
    wanted = spark.createDataFrame(
        [
            ("a", "1", "unchanged"),
            ("b", "2", "updated"),
            ("b", "0", "duplicate"),
            ("c", None, "unchanged"),
            ("d", None, "updated"),
            ("e", "x", "inserted"),
        ],
        "key string, value string, _outcome string",
    )
    assert_df_equality(classified, wanted, ignore_row_order=True, ignore_nullable=True)


def test_rows_of_very_many_columns_and_odd_doubles_are_compared(spark):
    wide = [f"c{number}" for number in range(600)]  # a condition of so many parts is too deep for Spark

    def frame(values, *more):
        columns = [F.lit(None).cast("double").alias(name) for name in wide]
        return spark.createDataFrame(values, f"key string, value double{''.join(more)}").select("*", *columns)

    odd = {"zeros": (0.0, -0.0), "nan": (math.nan, math.nan), "null": (None, None), "more": (1.0, 1.0000000000000002)}
    rows = frame([(key, new, False) for key, (new, _) in odd.items()], ", _superseded boolean")
    stored = frame([(key, old) for key, (_, old) in odd.items()])
    outcomes = with_outcomes(rows, stored, table("key", "value", *wide)).select("key", "_outcome").collect()
    same = dict.fromkeys(("zeros", "nan", "null"), "unchanged")
    assert {row["key"]: row["_outcome"] for row in outcomes} == {**same, "more": "updated"}


class Stored(NamedTuple):
    """A stored row: order 5 and the new row's value unless a case says otherwise."""

    n: int = 5
    value: str | None = "new"
    at: datetime = BEFORE
    run: str = "other"


class Delete(NamedTuple):
    """The last delete of a key, at order 5."""

    n: int | None = 5
    at: datetime = BEFORE
    run: str = "other"


class Case(NamedTuple):
    """A row of order 5; `outcomes`: without an order, with one, and in a replay without and with one."""

    name: str
    outcomes: str
    stored: Stored | None = None
    delete: Delete | None = None
    value: str | None = "new"
    deletes: bool = False
    superseded: bool = False


def four(outcome):
    return " ".join([outcome] * 4)


OLD, OLD_SINCE = Stored(value="old"), Stored(value="old", at=SINCE)
CASES = [
    Case("the table has no row of the key", four("inserted")),
    Case("another row of the key wins", four("duplicate"), superseded=True),
    Case("another wins, and the values are stored", four("duplicate"), Stored(), superseded=True),
    Case("another wins, and it deletes", four("duplicate"), Stored(), superseded=True, deletes=True),
    Case("the same values", four("unchanged"), Stored()),
    Case("null is the same as null", four("unchanged"), Stored(value=None), value=None),
    Case("a value instead of null", four("updated"), Stored(value=None)),
    Case("null instead of a value", four("updated"), Stored(), value=None),
    Case("an equal order", four("updated"), OLD),
    Case("a greater order is stored", "updated duplicate updated duplicate", OLD._replace(n=6)),
    Case("a lesser order is stored", four("updated"), OLD._replace(n=4)),
    Case("it deletes no row", four("absent"), deletes=True),
    Case("it deletes a row", four("deleted"), OLD, deletes=True),
    Case("it deletes a row of the same values", four("deleted"), Stored(), deletes=True),
    Case("it deletes, and a greater order is stored", "deleted duplicate deleted duplicate", Stored(6), deletes=True),
    # what a later run brought, in a replay
    Case("stored since", "updated updated duplicate duplicate", OLD_SINCE),
    Case("the same values, stored since", four("unchanged"), Stored(at=SINCE)),
    Case("stored since by a run that read the file", four("updated"), OLD_SINCE._replace(run="replay")),
    Case("stored as the file was read", four("updated"), OLD._replace(at=FIRST_READ)),
    Case("a lesser order is stored since", "updated updated duplicate updated", OLD_SINCE._replace(n=4)),
    Case("a greater order is stored since", "updated duplicate duplicate duplicate", OLD_SINCE._replace(n=6)),
    Case("it deletes what is stored since", "deleted deleted duplicate duplicate", Stored(at=SINCE), deletes=True),
    # what was deleted before
    Case("deleted at an equal order", four("inserted"), delete=Delete()),
    Case("deleted at a lesser order", four("inserted"), delete=Delete(4)),
    Case("deleted at a greater order", "inserted duplicate inserted duplicate", delete=Delete(6)),
    Case("deleted at an unknown order", four("inserted"), delete=Delete(None, SINCE, "reader")),
    Case("deleted again at an equal order", four("absent"), delete=Delete(), deletes=True),
    Case("deleted at a greater order already", "absent duplicate absent duplicate", delete=Delete(6), deletes=True),
    Case(
        "deleted at an equal order, then stored",
        "deleted duplicate deleted duplicate",
        Stored(6),
        Delete(),
        deletes=True,
    ),
    Case("deleted at a greater order, same values", "unchanged duplicate unchanged duplicate", Stored(), Delete(6)),
    # what a later run deleted, in a replay
    Case("deleted since", "inserted inserted duplicate duplicate", delete=Delete(at=SINCE)),
    Case("deleted since, the same values", "unchanged unchanged duplicate duplicate", Stored(), Delete(at=SINCE)),
    Case("deleted since by a run that read the file", four("inserted"), delete=Delete(5, SINCE, "reader")),
    Case("deleted as the file was read", four("inserted"), delete=Delete(at=FIRST_READ)),
    Case("deleted since at a lesser order", "inserted inserted duplicate inserted", delete=Delete(4, SINCE)),
    Case("deleted since at a greater order", "inserted duplicate duplicate duplicate", delete=Delete(6, SINCE)),
    Case("deleted since, and it deletes", "absent absent duplicate duplicate", delete=Delete(at=SINCE), deletes=True),
]
NEW = "key string, n int, value string, _superseded boolean, _deletes boolean, "
NEW += "_buried struct<order:int,at:timestamp,run_id:string>"


def outcomes_of(rows):
    return {row["key"]: row["_outcome"] for row in rows.select("key", "_outcome").collect()}


@pytest.mark.parametrize(
    ("index", "order_by", "replay"), [(0, "", False), (1, "n", False), (2, "", True), (3, "n", True)]
)
def test_order_deletes_and_replays_decide_in_this_way(spark, index, order_by, replay):
    rows = [(case.name, 5, case.value, case.superseded, case.deletes, case.delete) for case in CASES]
    rows = spark.createDataFrame(rows, NEW)
    if replay:
        rows = rows.selectExpr("*", f"timestamp '{FIRST_READ}' _read_at", f"array{READ_BY} _read_by")
    elif not order_by:
        rows = rows.drop("_buried")  # as `classify` gives it: without an order deletes decide only replays
    stored = [(case.name, *case.stored) for case in CASES if case.stored]
    stored = spark.createDataFrame(stored, "key string, n int, value string, ingested_at timestamp, run_id string")
    declared = table("key", "n", "value", order_by=order_by, delete_when="…")
    found = outcomes_of(with_outcomes(rows, stored, declared, replay=replay))
    assert found == {case.name: case.outcomes.split()[index] for case in CASES}


def test_without_a_table_rows_are_new_and_deletes_find_none(spark):
    cases = [
        ("new", False, False, None, "inserted"),
        ("superseded", True, False, None, "duplicate"),
        ("deletes", False, True, None, "absent"),
        ("superseded, deletes", True, True, None, "duplicate"),
    ]
    rows = spark.createDataFrame([(name, 5, "x", *marks) for name, *marks, _ in cases], NEW)
    declared = table("key", "n", "value", order_by="n", delete_when="…")
    assert outcomes_of(with_outcomes(rows, None, declared)) == {case[0]: case[-1] for case in cases}
    unmarked = rows.select("key", "_superseded")
    assert outcomes_of(with_outcomes(unmarked, None, table("key"))) == {
        "new": "inserted",
        "superseded": "duplicate",
        "deletes": "inserted",
        "superseded, deletes": "duplicate",
    }


ORDERS = table("key", "n", "value", delete_when="value = 'D'")
ORDERS = replace(ORDERS, columns=(Column("key"), Column("n", "int"), Column("value")))
RECORDS = "_file int, _position bigint, key string, n int, value string, _raw string, _reason string"


@pytest.fixture
def classified(spark, lake):
    """The rows (key, n, value, outcome and more) that `classify` gives for records (file, key, n, value)."""
    write_deltalake(lake / "t", pa.table({"key": ["a"]}))  # only to be there: the stored rows are given

    def run(table, records, stored=None, replayed=()):
        files = [InputFile(f"file:///{number}", 1, BEFORE) for number in range(1 + max(row[0] for row in records))]
        plan = Plan(
            table,
            None,
            tuple(files),
            table,
            sources=tuple(SimpleNamespace(file=file) for file in files),
            replayed={file.uri: reading for file, reading in zip(files, replayed, strict=False)},
        )
        rows = [(row[0], position, *row[1:], None, None) for position, row in enumerate(records)]
        rows.append((0, 99, "rejected", 1, "x", "raw", "a reason"))
        read = Read(spark.createDataFrame(rows, RECORDS), [], 1, SINCE)
        if stored is not None:
            kinds = "key string, n int, value string, ingested_at timestamp, run_id string"
            stored = spark.createDataFrame(stored, kinds)
        return classify(made_by("now"), plan, read, stored)

    def made_by(run_id):
        return Lake(spark, str(lake), "ingest", Writer(run_id, 60, print))

    run.lake = made_by
    return run


def sorted_rows(frame, *columns):
    return sorted((tuple(row) for row in frame.select(*columns).collect()), key=repr)


def test_of_a_key_the_row_of_the_greatest_order_counts_then_the_last(classified):
    records = [
        (0, "order", 9, "first file"),
        (1, "order", 8, "last file"),
        (0, "equal", 1, "first file"),
        (1, "equal", 1, "D"),
        (0, "deletes", 2, "D"),
        (0, "deletes", 1, "x"),
        (0, "deletes null", 1, None),
    ]
    found = classified(replace(ORDERS, order_by="n"), records, stored=[])
    assert sorted_rows(found, "key", "n", "value", "_outcome") == [
        ("deletes null", 1, None, "inserted"),
        ("deletes", 2, "D", "absent"),
        ("equal", 1, "D", "absent"),
        ("order", 9, "first file", "inserted"),
        *[(None, None, None, "duplicate")] * 3,  # rows without effect have no values
    ]
    assert "_read_at" not in found.columns
    last = classified(ORDERS, records)
    assert sorted_rows(last, "key", "n", "value", "_outcome") == [
        ("deletes null", 1, None, "inserted"),
        ("deletes", 1, "x", "inserted"),
        ("equal", 1, "D", "absent"),
        ("order", 8, "last file", "inserted"),
        *[(None, None, None, "duplicate")] * 3,
    ]
    assert not {"_buried", "_read_at"} & {*last.columns}


def test_each_row_of_a_replay_is_of_when_its_own_file_was_read_first(spark, classified):
    """The first file was read before what is stored and deleted now, the second after it."""
    readings = [
        FileWithRejects("t", "file:///0", None, BEFORE, ("reader",)),
        FileWithRejects("t", "file:///1", None, SINCE, READ_BY),
    ]
    deleting = spark.createDataFrame([("a", 1, "D"), ("b", 1, "D")], "key string, n int, value string")
    deleting = deleting.selectExpr("*", f"timestamp '{FIRST_READ}' _read_at")
    deletes.remember(classified.lake("a delete"), ORDERS, deleting, BEFORE, 1)
    stored = [("c", 1, "y", FIRST_READ, "other"), ("d", 1, "y", FIRST_READ, "other"), ("e", 1, "y", SINCE, "replay")]
    records = [
        (0, "a", 1, "x"),
        (1, "b", 1, "x"),
        (0, "c", 1, "x"),
        (1, "d", 1, "x"),
        (1, "e", 1, "x"),
        (0, "f", 1, "D"),
    ]
    found = classified(ORDERS, records, stored, readings)
    assert sorted_rows(found, "key", "_outcome", "_read_at") == [
        ("b", "inserted", SINCE.replace(tzinfo=None)),
        ("d", "updated", SINCE.replace(tzinfo=None)),
        ("e", "updated", SINCE.replace(tzinfo=None)),
        ("f", "absent", BEFORE.replace(tzinfo=None)),
        *[(None, "duplicate", BEFORE.replace(tzinfo=None))] * 2,
    ]


SNAPSHOTS = replace(ORDERS, delete_when="", key=("n", "key"), replaces=("n",))


def test_a_snapshot_removes_the_stored_rows_that_it_lacks_unless_it_is_replayed(classified):
    stored = [(key, n, "x", FIRST_READ, "other") for key, n in (("a", 1), ("gone", 1), ("a", 2))]
    records = [(0, "old file", 1, "x"), (1, "a", 1, "x"), (1, "b", 1, "x"), (1, "a", 3, "x")]
    assert sorted_rows(classified(SNAPSHOTS, records, stored), "key", "n", "_outcome") == [
        ("a", 3, "inserted"),
        ("b", 1, "inserted"),
        ("gone", 1, "removed"),
        (None, None, "duplicate"),  # a later file has the snapshot too
        (None, None, "unchanged"),
    ]
    early, late = (FileWithRejects("t", "", None, at, ()) for at in (BEFORE, SINCE))
    outdated = classified(SNAPSHOTS, records, stored, [early, early])
    assert sorted_rows(outdated, "key", "n", "_outcome") == [("a", 3, "inserted"), *[(None, None, "duplicate")] * 3]
    newest = classified(SNAPSHOTS, records, stored, [early, late])
    assert sorted_rows(newest, "key", "n", "_outcome") == [
        ("a", 3, "inserted"),
        ("b", 1, "inserted"),
        (None, None, "duplicate"),
        (None, None, "unchanged"),
    ]
