"""A user's declaration is read into a table, or one line says which key is wrong and what was expected."""

from __future__ import annotations

import pytest
from conftest import PROJECT
from sluice.catalog import load
from sluice.catalog.load import read_declaration
from sluice.errors import UsageError
from sluice.model.table import Check

ORDERS = """
key = ["order_id"]
order_by = "updated_at"
partition_by = ["date"]
delete_when = "op = 'D'"

[source]
format = "csv"
delimiter = ";"

[columns]
order_id = "long"
amount = "decimal(12, 2)"
op = "string"
updated_at = { type = "timestamp", format = "yyyy-MM-dd HH:mm:ss", timezone = "Europe/Berlin" }
date = { type = "date", sql = "date(updated_at)" }
customer = { type = "string", field = "user.id" }

[checks]
positive = "amount > 0"
known = { sql = "op is not null", action = "warn" }

[aggregates.orders_by_day]
by = ["date"]
measures = { orders = "count", revenue = "sum:amount", slowest = "p99:amount" }
"""


@pytest.fixture
def declared(tmp_path):
    def read(text, name="orders.toml"):
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return read_declaration(path)

    return read


def test_a_declaration_is_read_into_a_table(declared):
    table = declared(ORDERS)
    assert (table.name, table.key, table.order_by, table.delete_when) == (
        "orders",
        ("order_id",),
        "updated_at",
        "op = 'D'",
    )
    assert [(column.name, column.type) for column in table.columns] == [
        ("order_id", "bigint"),
        ("amount", "decimal(12,2)"),
        ("op", "string"),
        ("updated_at", "timestamp"),
        ("date", "date"),
        ("customer", "string"),
    ]
    assert table.input_columns == ("order_id", "amount", "op", "updated_at", "user.id")
    assert table.reading.delimiter == ";"
    assert table.checks == (Check("positive", "amount > 0"), Check("known", "op is not null", "warn"))
    assert [(aggregate.name, aggregate.by, dict(aggregate.measures)) for aggregate in table.aggregates] == [
        ("orders_by_day", ("date",), {"orders": "count", "revenue": "sum:amount", "slowest": "p99:amount"})
    ]


def documented():
    """The example in the docs, a block of TOML."""
    text = (PROJECT / "docs" / "own_tables.md").read_text()
    return text.split("```toml\n")[1].split("```")[0]


def in_docstring():
    """The example in the module's docstring, the indented lines."""
    lines = load.__doc__.splitlines()
    return "\n".join(line.removeprefix("    ") for line in lines if line.startswith("    ") or not line)


@pytest.mark.parametrize("example", [documented, in_docstring])
def test_examples_are_valid(declared, example):
    table = declared(example())
    assert (table.key, table.order_by, table.partition_by) == ((table.columns[0].name,), "updated_at", ("date",))
    assert [check.name for check in table.checks] == ["positive"]
    assert [aggregate.by for aggregate in table.aggregates] == [("date",)]


LINES = """
key = ["id"]
source = { format = "lines", pattern = '(?P<id>\\d+) (?P<day>\\S+) (?:\\S+)' }
columns = { id = "int", date = { type = "date", sql = "to_date(day)" } }
"""


def test_groups_of_a_pattern_are_inputs(declared):
    assert declared(LINES).input_columns == ("id", "day")


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('key = ["order_id"]', "", "key: is missing"),
        ('key = ["order_id"]', "key = []", "key: list should have at least 1 item"),
        (
            'key = ["order_id"]',
            'key = ["sku"]',
            "key: the table has no column 'sku': it has order_id, amount, op, updated_at, date, customer",
        ),
        ('key = ["order_id"]', 'key = ["op", "op"]', "key: names 'op' twice"),
        ('key = ["order_id"]', 'key = "order_id"', "key: input should be a valid list"),
        (
            'key = ["order_id"]',
            'keys = ["order_id"]\nkey = ["order_id"]',
            "keys: unknown key: did you mean 'key'?",
        ),
        (
            'order_by = "updated_at"',
            'order_by = "changed"',
            "order_by: the table has no column 'changed': it has order_id",
        ),
        (
            'partition_by = ["date"]',
            'partition_by = ["dat"]',
            "partition_by: the table has no column 'dat': did you mean 'date'? It has order_id",
        ),
        ('op = "string"', 'op = "string"\nop = "int"', "not valid TOML: Cannot overwrite a value (at line"),
        ('op = "string"', 'Op = "string"', "columns.Op: 'Op' is not a valid name: use [a-z][a-z0-9_]{0,62}"),
        ('op = "string"', f'{"o" * 64} = "string"', f"columns.{'o' * 64}: "),
        ('op = "string"', 'run_id = "string"', "columns.run_id: the name is taken"),
        ('op = "string"', 'xmin = "string"', "columns.xmin: the name is taken"),
        ('op = "string"', 'op = "varchar"', "columns.op.type: unknown type 'varchar': expected string, boolean"),
        ('op = "string"', "op = 3", "columns.op: "),
        ('"decimal(12, 2)"', '"decimal(39,2)"', "columns.amount.type: 'decimal(39,2)': expected decimal(P,S)"),
        ('op = "string"', 'op = { typ = "string" }', "columns.op.typ: unknown key: did you mean 'type'?"),
        ('"user.id"', '"user`id"', "columns.customer.field: 'user`id' cannot be an input's column"),
        ('"user.id"', '"OP"', "columns: inputs 'op' and 'OP' differ only in case"),
        ('"user.id"', '"_raw"', "columns.customer.field: '_raw' cannot be an input's column"),
        (
            'op = "string"',
            'sluice_gone = "string"',
            "columns.sluice_gone: 'sluice_gone': names that begin with sluice_",
        ),
        (
            '{ type = "date", sql = "date(updated_at)" }',
            '"int"',
            "partition_by: column date is an int: declare it as a date",
        ),
        ("yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd HH:mm:ss[XXX]", "columns.updated_at: format has optional parts"),
        ("Europe/Berlin", "Europe/Nowhere", "columns.updated_at.timezone: unknown time zone 'Europe/Nowhere'"),
        ('op = "string"', 'op = { type = "string", format = "yyyy" }', "columns.op: format is for a date or timestamp"),
        ('format = "csv"', 'format = "xml"', "source: input tag 'xml' found using 'format' does not match"),
        ('format = "csv"', "", "source: unable to extract tag using discriminator 'format'"),
        ('delimiter = ";"', 'pattern = "x"', "source.pattern: unknown key: choose one of delimiter, encoding"),
        ('delimiter = ";"', 'quote = "||"', "source: '||' is not one ASCII character"),
        ('delimiter = ";"', 'delimiter = "é;"', "source: --delimiter 'é;': give one or more ASCII characters"),
        ('delimiter = ";"', 'encoding = "utf-16"', "source: --encoding 'utf-16' is not supported"),
        ('delimiter = ";"', 'header = "yes"', "source.header: input should be a valid boolean"),
        ('action = "warn"', 'action = "skip"', "checks.known.action: input should be 'reject', 'warn' or 'fail'"),
        ('"amount > 0"', '""', "checks.positive.sql: string should have at least 1 character"),
        ('\nby = ["date"]', '\nby = ["day"]', "aggregates.orders_by_day.by: the table has no column 'day': it has"),
        (
            '"sum:amount"',
            '"total:amount"',
            "aggregates.orders_by_day.measures.revenue: 'total:amount' is not a valid measure",
        ),
        (
            '"sum:amount"',
            '"sum:amounts"',
            "aggregates.orders_by_day.measures.revenue: the table has no column 'amounts': did you mean",
        ),
        ('"sum:amount"', '"sum:op"', "aggregates.orders_by_day.measures.revenue: op is a string: only numbers add up"),
        ("aggregates.orders_by_day", "aggregates.orders", "aggregates.orders: the name is taken by a table"),
        ("[source]", "[source", "not valid TOML: "),
    ],
)
def test_a_mistake_is_reported_with_its_key_and_what_was_expected(declared, tmp_path, before, after, message):
    assert before in ORDERS
    with pytest.raises(UsageError) as raised:
        declared(ORDERS.replace(before, after))
    assert str(raised.value).startswith(f"{tmp_path / 'orders.toml'}: {message}")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (r"\d+ \S+", "source: "),
        (r"(\d+) (?P<id>\S+)", "source: "),
        (r"(?P<id>\d+", "source: "),
        (r"(?P<id>\d+)(?=x) (?P<day>\S+)", "source: "),
        (r"(?P<id>\d+) (?P<other>\S+) (?P<day>\S+)", "source.pattern: no column uses group 'other'"),
        (r"(?P<day>\d+)", "source.pattern: has no group (?P<id>…), which column id needs"),
    ],
)
def test_a_pattern_has_a_group_for_each_column(declared, tmp_path, pattern, message):
    with pytest.raises(UsageError) as raised:
        declared(LINES.replace(r"(?P<id>\d+) (?P<day>\S+) (?:\S+)", pattern))
    assert str(raised.value).startswith(f"{tmp_path / 'orders.toml'}: {message}")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("Orders.toml", ORDERS, "'Orders' is not a valid table name"),
        ("orders.toml", b"\xff", "not UTF-8"),
        ("orders.toml", "", "key: is missing"),
    ],
)
def test_a_file_that_declares_nothing(declared, name, text, message):
    with pytest.raises(UsageError, match=message):
        declared(text, name)


def test_a_missing_file(tmp_path):
    with pytest.raises(UsageError, match=r"orders\.toml: cannot be read: No such file or directory"):
        read_declaration(tmp_path / "orders.toml")
