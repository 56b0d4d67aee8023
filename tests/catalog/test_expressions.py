"""SQL of a declaration is one expression over the row; a datetime format reads what it writes."""

from __future__ import annotations

import pytest
from sluice.catalog.expressions import check_in_spark
from sluice.errors import UsageError
from sluice.model.table import Check, Column, Table


def table(sql="", check="n > 0", delete_when="", kind="date"):
    """A table with little SQL but that of the test: Spark takes long over each expression."""
    columns = (Column("n", "int"), Column("op"), Column("t", "timestamp"), Column("d", kind, sql=sql))
    return Table(
        "orders",
        columns,
        ("n",),
        reader=None,
        reading=None,
        input_columns=("n", "op", "t", "other"),
        checks=(Check("positive", check),),
        delete_when=delete_when,
        origin="orders.toml",
    )


def mistake(spark, table):
    """What is wrong with a table; None if nothing is."""
    try:
        check_in_spark(spark, table)
    except UsageError as error:
        return str(error)
    return None


def test_expressions_over_the_row(spark):
    """Each is valid, and is known by its type where that is wrong."""
    assert mistake(spark, table(sql="date(t)", delete_when="op = 'D'")) is None
    assert mistake(spark, table(sql="date(t)", kind="int")).startswith(
        "orders.toml: columns.d.sql: 'date(t)' is a date, which"
    )
    first = "transform(array(n), x -> x + 1)[0]"
    assert mistake(spark, table(check=f"{first} > 1 -- fine", sql="to_date(other)")) is None
    assert (
        mistake(spark, table(check=first)) == f"orders.toml: checks.positive: {first!r} is an int: expected a condition"
    )


@pytest.mark.parametrize(
    "check",
    [
        "n > (select 1)",
        "n in (select 1)",
        "exists(select 1)",
        "sum(n) > 1",
        "row_number() over (order by n) > 1",
        "explode(array(n > 1))",
        "rand() > 0.5",
        "current_timestamp() > t",
        "now() > t",
        "current_date > d",
        "localtimestamp() > t",
        "date 'today' > d",
        "t < TIMESTAMP ' Now '",
        'date "today" > d',
        "timestamp r'now' > t",
        "current_user() = op",
        "input_file_name() = op",
        "java_method('java.lang.Math', 'random') = op",
        "uuid() = op",
        "*",
    ],
)
def test_what_reaches_outside_the_row(spark, check):
    with pytest.raises(UsageError) as raised:
        check_in_spark(spark, table(check=check))
    assert str(raised.value).startswith(f"orders.toml: checks.positive: {check!r} reaches outside the row")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"check": "n >"}, "orders.toml: checks.positive: 'n >' is not a valid SQL expression: "),
        (
            {"check": "n > 0; drop table x"},
            "orders.toml: checks.positive: 'n > 0; drop table x' is not a valid SQL expression",
        ),
        ({"check": "nope > 0"}, "orders.toml: checks.positive: 'nope > 0' cannot be computed from the row: A column"),
        ({"check": "other > 0"}, "orders.toml: checks.positive: 'other > 0' cannot be computed from the row: A column"),
        ({"check": "n + 1"}, "orders.toml: checks.positive: 'n + 1' is an int: expected a condition"),
        ({"delete_when": "op"}, "orders.toml: delete_when: 'op' is a string: expected a condition"),
        ({"sql": "nope(t)"}, "orders.toml: columns.d.sql: 'nope(t)' cannot be computed from the row: Cannot resolve"),
        (
            {"sql": "n > 0"},
            "orders.toml: columns.d.sql: 'n > 0' is a boolean, which Spark does not cast to a date: convert it",
        ),
    ],
)
def test_what_is_not_an_expression_of_its_type(spark, wrong, message):
    with pytest.raises(UsageError) as raised:
        check_in_spark(spark, table(**wrong))
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)


def formatted(pattern):
    columns = (Column("n", "int"), Column("t", "timestamp", format=pattern))
    return Table("orders", columns, ("n",), reader=None, reading=None, origin="orders.toml")


@pytest.mark.parametrize(
    "pattern",
    [
        "yyyy-MM-dd'T'HH:mm[:ss[.SSS]][XXX]",
        "dd/MMM/yyyy:HH:mm:ss Z",
        "d.M.yy 'um' hh:mm a",
        "yyyyDDD",
        "[dd.MM.yyyy][yyyy-MM-dd]",
        "[yyyyMMdd][yyyy-MM-dd]",
        "MM-yyyy",
        "yyyy",
        "HH:mm",
        "MMM d HH:mm:ss",
    ],
)
def test_formats_to_read_by(spark, pattern):
    assert mistake(spark, formatted(pattern)) is None
    wrong = mistake(spark, formatted(f"{pattern}T"))  # a letter that is not a part
    assert wrong.startswith(f"orders.toml: columns.t.format: Spark cannot read a timestamp by {pattern + 'T'!r}")


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("YYYY-MM-dd", "Spark cannot read a timestamp by 'YYYY-MM-dd'"),
        ("yyyy-MM-ddTHH:mm", "Spark cannot read a timestamp by 'yyyy-MM-ddTHH:mm'"),
        ("yyyy-MM-dd'T", "Spark cannot read a timestamp by"),
        ("E, d MMM yyyy", "Spark cannot read a timestamp by"),
        ("yyyy-mm-dd", "'yyyy-mm-dd' has the day but not the month"),
        ("yyyy-MM-dd hh:mm", "'yyyy-MM-dd hh:mm': h is the hour of half a day"),
        ("yyyy-MM-dd hh", "'yyyy-MM-dd hh': h is the hour of half a day"),
        ("yyyy-MM-DD", "'yyyy-MM-DD': D is the day of the year"),
        ("'abc'", "Spark cannot read a timestamp by"),
    ],
)
def test_formats_that_read_nothing_or_something_else(spark, pattern, message):
    with pytest.raises(UsageError) as raised:
        check_in_spark(spark, formatted(pattern))
    assert str(raised.value).startswith(f"orders.toml: columns.t.format: {message}")
