"""A user's declaration becomes a table, or one line says what is wrong with which key."""

from __future__ import annotations

import pytest
from sluice.catalog import load as declaration
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
        return declaration.read(path)

    return read


def test_a_declaration_is_a_table(declared):
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
    assert [(made.name, made.by, dict(made.measures)) for made in table.aggregates] == [
        ("orders_by_day", ("date",), {"orders": "count", "revenue": "sum:amount", "slowest": "p99:amount"})
    ]


@pytest.mark.parametrize(
    ("key", "partition_by", "known"),
    [
        ('["order_id"]', '["date"]', ()),  # an order may move to another day
        ('["order_id", "updated_at"]', '["date"]', ("date",)),
        ('["order_id", "op"]', '["op", "date"]', ("op",)),
    ],
)
def test_rows_of_a_key_lie_in_the_partitions_that_it_tells(declared, key, partition_by, known):
    text = ORDERS.replace('key = ["order_id"]', f"key = {key}").replace('partition_by = ["date"]', "")
    assert declared(f"partition_by = {partition_by}\n{text}").key_partitions == known


def test_sql_over_an_input_that_is_no_column_is_not_told_by_the_key(declared):
    made = 'part = { type = "string", sql = "concat(op, substr(ts, 1, 10))" }\n'
    text = ORDERS.replace("[checks]", f'seen = {{ type = "string", field = "ts" }}\n{made}[checks]')
    text = text.replace('key = ["order_id"]', 'key = ["order_id", "op"]')
    assert declared(text.replace('partition_by = ["date"]', 'partition_by = ["part"]')).key_partitions == ()


LINES = """
key = ["id"]
source = { format = "lines", pattern = '(?P<id>\\d+) (?P<day>\\S+) (?:\\S+)' }
columns = { id = "int", date = { type = "date", sql = "to_date(day)" } }
"""


def test_groups_of_a_pattern_are_inputs(declared):
    assert declared(LINES).input_columns == ("id", "day")


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('key = ["order_id"]', "", "key: is missing"),
        ('key = ["order_id"]', "key = []", "key: list should have at least 1 item"),
        ('key = ["order_id"]', 'key = ["sku"]', "key: 'sku' is not a column: expected some of order_id, amount"),
        ('key = ["order_id"]', 'key = ["op", "op"]', "key: names 'op' twice"),
        ('key = ["order_id"]', 'key = "order_id"', "key: input should be a valid list"),
        (
            'key = ["order_id"]',
            'keys = ["order_id"]\nkey = ["order_id"]',
            "keys: is not known here: expected some of key",
        ),
        ('order_by = "updated_at"', 'order_by = "changed"', "order_by: 'changed' is not a column"),
        ('partition_by = ["date"]', 'partition_by = ["day"]', "partition_by: 'day' is not a column"),
        ('op = "string"', 'op = "string"\nop = "int"', "not valid TOML: Cannot overwrite a value (at line"),
        ('op = "string"', 'Op = "string"', "columns.Op: 'Op' is not a name: use [a-z][a-z0-9_]{0,62}"),
        ('op = "string"', f'{"o" * 64} = "string"', f"columns.{'o' * 64}: "),
        ('op = "string"', 'run_id = "string"', "columns.run_id: the name is taken"),
        ('op = "string"', 'xmin = "string"', "columns.xmin: the name is taken"),
        ('op = "string"', 'op = "varchar"', "columns.op.type: 'varchar' is not a type here: expected string, boolean"),
        ('op = "string"', "op = 3", "columns.op: "),
        ('"decimal(12, 2)"', '"decimal(39,2)"', "columns.amount.type: 'decimal(39,2)': expected decimal(P,S)"),
        ('op = "string"', 'op = { typ = "string" }', "columns.op.typ: is not known here: expected some of type, sql"),
        ('"user.id"', '"user`id"', "columns.customer.field: 'user`id' cannot be an input's column"),
        ('"user.id"', '"OP"', "columns: inputs 'op' and 'OP' differ in case alone"),
        ('"user.id"', '"_raw"', "columns.customer.field: '_raw' cannot be an input's column"),
        (
            'op = "string"',
            'sluice_gone = "string"',
            "columns.sluice_gone: 'sluice_gone': names that begin with sluice_",
        ),
        (
            '{ type = "date", sql = "date(updated_at)" }',
            '"int"',
            "partition_by: date is a int: of a column of this name",
        ),
        ("yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd HH:mm:ss[XXX]", "columns.updated_at: format has optional parts"),
        ("Europe/Berlin", "Europe/Nowhere", "columns.updated_at.timezone: 'Europe/Nowhere' is no time zone"),
        ('op = "string"', 'op = { type = "string", format = "yyyy" }', "columns.op: format is for a date or timestamp"),
        ('format = "csv"', 'format = "xml"', "source: input tag 'xml' found using 'format' does not match"),
        ('format = "csv"', "", "source: unable to extract tag using discriminator 'format'"),
        ('delimiter = ";"', 'pattern = "x"', "source.pattern: is not known here: expected some of format, delimiter"),
        ('delimiter = ";"', 'delimiter = ";;"', "source: ';;' is not one ASCII character"),
        ('delimiter = ";"', 'encoding = "utf-16"', "source: --encoding 'utf-16' is not read here"),
        ('delimiter = ";"', 'header = "yes"', "source.header: input should be a valid boolean"),
        ('action = "warn"', 'action = "skip"', "checks.known.action: input should be 'reject', 'warn' or 'fail'"),
        ('"amount > 0"', '""', "checks.positive.sql: string should have at least 1 character"),
        ('\nby = ["date"]', '\nby = ["day"]', "aggregates.orders_by_day.by: 'day' is not a column"),
        ('"sum:amount"', '"total:amount"', "aggregates.orders_by_day.measures.revenue: 'total:amount' is no measure"),
        ('"sum:amount"', '"sum:amounts"', "aggregates.orders_by_day.measures.revenue: 'amounts' is not a column"),
        ('"sum:amount"', '"sum:op"', "aggregates.orders_by_day.measures.revenue: op is a string: only numbers add up"),
        ("aggregates.orders_by_day", "aggregates.orders", "aggregates.orders: the name is taken by a table"),
        ("[source]", "[source", "not valid TOML: "),
    ],
)
def test_a_mistake_is_told_with_its_key_and_what_was_expected(declared, tmp_path, before, after, told):
    assert before in ORDERS
    with pytest.raises(UsageError) as raised:
        declared(ORDERS.replace(before, after))
    assert str(raised.value).startswith(f"{tmp_path / 'orders.toml'}: {told}")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        (r"\d+ \S+", "source: "),
        (r"(\d+) (?P<id>\S+)", "source: "),
        (r"(?P<id>\d+", "source: "),
        (r"(?P<id>\d+)(?=x) (?P<day>\S+)", "source: "),
        (r"(?P<id>\d+) (?P<other>\S+) (?P<day>\S+)", "source.pattern: group 'other' is no column"),
        (r"(?P<day>\d+)", "source.pattern: has no group (?P<id>…), which column id needs"),
    ],
)
def test_a_pattern_has_a_group_for_each_column(declared, tmp_path, pattern, told):
    with pytest.raises(UsageError) as raised:
        declared(LINES.replace(r"(?P<id>\d+) (?P<day>\S+) (?:\S+)", pattern))
    assert str(raised.value).startswith(f"{tmp_path / 'orders.toml'}: {told}")


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("Orders.toml", ORDERS, "'Orders' is not a table's name"),
        ("orders.toml", b"\xff", "not UTF-8"),
        ("orders.toml", "", "key: is missing"),
    ],
)
def test_a_file_that_declares_nothing(declared, name, text, told):
    with pytest.raises(UsageError, match=told):
        declared(text, name)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match=r"orders\.toml: cannot be read: No such file or directory"):
        declaration.read(tmp_path / "orders.toml")
