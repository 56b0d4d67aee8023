"""Text into typed values, and why it cannot be; checks and keys."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from pyspark.sql import functions as F
from sluice.ingest.conform import conform
from sluice.model.table import Check, Column, Table


def declared(*columns, key=("id",), **more):
    return Table("t", (Column("id"), *columns), key, reader=None, reading=None, **more)


@pytest.fixture
def converted(spark):
    """The value and the reason of each text as a column: `converted(Column("x", "int"), "1", None)`."""

    def run(column, *texts):
        name = column.field or column.name
        rows = [(0, n, str(n), text, None, None) for n, text in enumerate(texts)]
        schema = f"_file int, _position bigint, id string, `{name}` string, _raw string, _reason string"
        found = conform(spark.createDataFrame(rows, schema), declared(column)).orderBy("_position")
        value = F.when(F.col("_reason").isNull(), F.col(column.name))  # Python does not have every one beside a reason
        return [row["_reason"] or row["value"] for row in found.select("_reason", value.alias("value")).collect()]

    return run


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


FINER = "is finer than a microsecond, the finest that a timestamp holds: read it as a string"
CASES = [
    (Column("n", "int"), " 12\t", 12),
    (Column("n", "int"), "-3", -3),
    (Column("n", "int"), None, None),
    (Column("n", "int"), "", None),
    (Column("n", "int"), "12.5", "n '12.5' is not an int"),
    (Column("n", "int"), "1e3", "n '1e3' is not an int"),
    (Column("n", "int"), "x", "n 'x' is not an int"),
    (Column("n", "int"), "2147483648", "n '2147483648' is out of range of int"),
    (Column("n", "tinyint"), "128", "n '128' is out of range of tinyint"),
    (Column("n", "bigint"), "9223372036854775807", 9223372036854775807),
    (Column("n", "decimal(12,2)"), "12.50", Decimal("12.50")),
    (Column("n", "decimal(12,2)"), "+.5", Decimal("0.50")),
    (Column("n", "decimal(12,2)"), "1.10000", Decimal("1.10")),
    (Column("n", "decimal(12,2)"), "1.105", "n '1.105' has more than 2 digits after the point"),
    (Column("n", "decimal(12,2)"), "10000000000", "n '10000000000' is out of range of decimal(12,2)"),
    (Column("n", "decimal(12,2)"), "1e3", "n '1e3' is not a decimal(12,2)"),
    (Column("n", "decimal(12,2)"), "1.", Decimal("1.00")),
    (Column("n", "decimal(12,2)"), ".", "n '.' is not a decimal(12,2)"),
    (Column("n", "decimal(12,2)"), "-.505", "n '-.505' has more than 2 digits after the point"),
    (Column("n", "decimal(12,0)"), "-7.000", Decimal("-7")),
    (Column("n", "decimal(12,0)"), "7.5", "n '7.5' has more than 0 digits after the point"),
    (Column("n", "decimal(12,2)"), "1,5", "n '1,5' is not a decimal(12,2)"),
    (Column("n", "decimal(38,9)"), "9" * 29 + ".123456789", Decimal("9" * 29 + ".123456789")),
    (Column("n", "decimal(38,9)"), "-" + "9" * 30, f"n '-{'9' * 30}' is out of range of decimal(38,9)"),
    (Column("n", "decimal(38,9)"), "NaN", "n 'NaN' is not a decimal(38,9)"),
    (Column("n", "decimal(12,2)"), "\uff11\uff12", "n '\uff11\uff12' is not a decimal(12,2)"),
    (Column("n", "decimal(12,2)"), "\u0661\u0662", "n '\u0661\u0662' is not a decimal(12,2)"),
    (Column("n", "int"), "\uff11\uff12", "n '\uff11\uff12' is not an int"),
    (Column("n", "double"), "\u0661\u0662", "n '\u0661\u0662' is not a double"),
    (Column("n", "double"), "1.5e3", 1500.0),
    (Column("n", "double"), "1e999", "n '1e999' is out of range of double"),
    (Column("n", "double"), "1d", "n '1d' is not a double"),
    (Column("n", "double"), "NaN", "n 'NaN' is not a double"),
    (Column("n", "boolean"), "TRUE", True),
    (Column("n", "boolean"), "maybe", "n 'maybe' is not a boolean"),
    (Column("d", "date"), "2024-10-02", date(2024, 10, 2)),
    (Column("d", "date"), "2024", "d '2024' is not a date"),
    (Column("d", "date"), "2024-02-30", "d '2024-02-30' is not a date"),
    (Column("d", "date", format="dd.MM.yyyy"), "02.10.2024", date(2024, 10, 2)),
    (Column("d", "date", format="dd.MM.yyyy"), "2024-10-02", "d '2024-10-02' is not a date of format dd.MM.yyyy"),
    (Column("t", "timestamp"), "2024-10-02T05:10:46.123456Z", utc(2024, 10, 2, 5, 10, 46, 123456)),
    (Column("t", "timestamp"), "2024-10-02 05:10:46+02:00", utc(2024, 10, 2, 3, 10, 46)),
    (Column("t", "timestamp"), "2024-10-02T05:10:46.123456000Z", utc(2024, 10, 2, 5, 10, 46, 123456)),
    (Column("t", "timestamp"), "2024-10-02T05:10:46.1234567", f"t '2024-10-02T05:10:46.1234567' {FINER}"),
    (Column("t", "timestamp"), "2024-10-02T05:10:46.000000001Z", f"t '2024-10-02T05:10:46.000000001Z' {FINER}"),
    (
        Column("t", "timestamp", format="dd.MM.yyyy HH:mm:ss,SSSSSSSSS"),
        "02.10.2024 05:10:46,123456001",
        f"t '02.10.2024 05:10:46,123456001' {FINER}",
    ),
    (
        Column("t", "timestamp", format="dd.MM.yyyy HH:mm:ss,SSSSSSSSS"),
        "02.10.2024 05:10:46,123456000",
        utc(2024, 10, 2, 5, 10, 46, 123456),
    ),
    (Column("t", "timestamp"), "0001-01-02 00:00:00", utc(1, 1, 2)),
    (Column("t", "timestamp"), "0000-12-31 23:59:59.999999", "t is not in the years 1 to 9999 (UTC)"),
    (Column("t", "timestamp"), "9999-12-30 23:59:59.999999", utc(9999, 12, 30, 23, 59, 59, 999999)),
    (Column("t", "timestamp", timezone="Asia/Tokyo"), "0001-01-01 00:00:00", "t is not in the years 1 to 9999 (UTC)"),
    (Column("t", "timestamp", timezone="Asia/Tokyo"), "9999-12-30 23:59:59", utc(9999, 12, 30, 14, 59, 59)),
    (
        Column("t", "timestamp", timezone="America/New_York"),
        "9999-12-31 23:59:59",
        "t is not in the years 1 to 9999 (UTC)",
    ),
    (Column("d", "date"), "0001-01-01", date(1, 1, 1)),
    (Column("d", "date"), "0000-12-31", "d is not in the years 1 to 9999 (UTC)"),
    (Column("t", "timestamp"), "2024-10-02", "t '2024-10-02' is not a timestamp"),
    (Column("t", "timestamp", timezone="Europe/Berlin"), "2024-10-02 05:10:46", utc(2024, 10, 2, 3, 10, 46)),
    (Column("t", "timestamp", timezone="Europe/Berlin"), "2024-12-02 05:10:46", utc(2024, 12, 2, 4, 10, 46)),
    (Column("t", "timestamp", timezone="Europe/Berlin"), "2024-10-02 05:10:46Z", utc(2024, 10, 2, 5, 10, 46)),
    (
        Column("t", "timestamp", format="yyyy-MM-dd HH:mm:ss", timezone="Europe/Berlin"),
        "2024-10-02 05:10:46",
        utc(2024, 10, 2, 3, 10, 46),
    ),
    (
        Column("t", "timestamp", format="dd/MMM/yyyy:HH:mm:ss Z", timezone="Europe/Berlin"),
        "02/Oct/2024:05:10:46 +0100",
        utc(2024, 10, 2, 4, 10, 46),
    ),
    (
        Column("t", "timestamp", format="yyyy-MM-dd HH:mm:ss"),
        "2024-13-02 05:10:46",
        "t '2024-13-02 05:10:46' is not a timestamp of format yyyy-MM-dd HH:mm:ss",
    ),
    (Column("user", field="user.id"), " as it is ", " as it is "),
    (Column("user", "int", field="user.id"), "x", "user.id 'x' is not an int"),
]


def test_text_becomes_a_value_or_a_reason(converted):
    kinds = {}
    for column, text, expected in CASES:
        kinds.setdefault(column, []).append((text, expected))
    for column, cases in kinds.items():
        found = converted(column, *(text for text, _ in cases))
        expected = [value.replace(tzinfo=None) if isinstance(value, datetime) else value for _, value in cases]
        assert found == expected, column


@pytest.mark.parametrize("kind", ["int", "decimal(12,2)", "date", "timestamp"])
def test_a_text_is_stripped_and_converted_once(spark, kind):
    """Where a plan repeats them, a record takes up to five times as long."""
    records = spark.createDataFrame([], "_file int, _position bigint, id string, v string, _raw string, _reason string")
    plan = conform(records, declared(Column("v", kind)))._jdf.queryExecution().optimizedPlan().toString()
    assert (plan.count("trim(v#"), plan.count("cast(")) == (1, 1)


def test_an_input_may_have_any_name(spark):
    columns = (Column("_text1", "int", field="_Text1"), Column("_TEXT_2", "decimal(9,2)"), Column("n", "int"))
    schema = "_file int, _position bigint, id string, `_Text1` string, `_TEXT_2` string, n string, _raw string"
    records = spark.createDataFrame([(0, 0, "a", "1", " 2.5", "x", "", None)], schema + ", _reason string")
    row = conform(records, declared(*columns)).first()
    assert (row["_text1"], row["_TEXT_2"], row["_reason"]) == (1, Decimal("2.50"), "n 'x' is not an int")


def test_sql_makes_columns_of_columns_and_of_inputs(spark):
    table = declared(
        Column("n", "int"),
        Column("twice", "int", sql="n * 2"),
        Column("name", field="name", sql="upper(trim(name))"),
        Column("both", sql="concat(name, twice)"),
        key=("id", "name"),
    )
    records = spark.createDataFrame(
        [(0, 0, "a", "4", " x ", "r", None), (0, 9, "b", "y", " ", "r", None), (0, 18, "c", None, " ", "r", None)],
        "_file int, _position bigint, id string, n string, name string, _raw string, _reason string",
    )
    found = conform(records, table)
    assert found.columns == ["_file", "_position", "id", "n", "twice", "name", "both", "_raw", "_reason"]
    assert [tuple(row)[2:] for row in found.orderBy("_position").collect()] == [
        ("a", 4, 8, "X", "X8", None, None),
        ("b", None, None, "", None, "r", "n 'y' is not an int"),
        ("c", None, None, "", None, "r", "name is empty"),
    ]


def test_checks_reject_what_is_false_and_a_table_is_ordered_by_something(spark):
    table = declared(
        Column("n", "int"),
        order_by="n",
        checks=(Check("positive", "n > 0"), Check("small", "n < 9", "fail"), Check("odd", "n % 2 = 1", "warn")),
    )
    records = spark.createDataFrame(
        [(0, n, str(n), text, "r", None) for n, text in enumerate(["1", "0", "10", None])],
        "_file int, _position bigint, id string, n string, _raw string, _reason string",
    )
    assert [row["_reason"] for row in conform(records, table).orderBy("_position").collect()] == [
        None,
        "check positive not passed: n > 0",
        "check small not passed: n < 9",
        "n is empty",
    ]


def test_a_key_that_no_index_takes(spark):
    table = declared(*(Column(name) for name in "abc"), key=("a", "b", "c"))
    long = ("é" * 500, "x" * 1000)
    records = spark.createDataFrame(
        [(0, 0, "i", *long, "x" * 500, "r", None), (0, 9, "i", *long, "x" * 501, "r", None)],
        "_file int, _position bigint, id string, a string, b string, c string, _raw string, _reason string",
    )
    reasons = [row["_reason"] for row in conform(records, table).orderBy("_position").collect()]
    assert reasons == [None, "the key is longer than 2500 bytes"]
