"""Which partitions all rows of a key share: only there a merge may look for a key in its own partition."""

from __future__ import annotations

import pytest
from sluice.catalog.expressions import key_partitions
from sluice.model.table import Column, Table

ID, AMOUNT = Column("order_id"), Column("amount", "int")
ODD, DOTTED = Column("customer", field="Größe"), Column("country", field="user.country")


def part(sql, kind="string", **more):
    return Column("part", kind, sql=sql, **more)


@pytest.mark.parametrize(
    ("columns", "shared"),
    [
        ([ID, part("substr(order_id, 1, 1)")], True),
        ([ID, part("substr(`ORDER_ID`, 1, 1)")], True),
        ([ID, part("concat(order_id, 'amount')"), AMOUNT], True),  # a word in a text is not a column
        ([ID, part("concat(order_id, amount)"), AMOUNT], False),
        ([ID, part("concat(order_id, '-', `Größe`)"), ODD], False),
        ([ID, part("concat(order_id, `Kunden-Nr`)"), Column("number", field="Kunden-Nr")], False),
        ([ID, part("concat(order_id, `user.country`)"), DOTTED], False),
        ([ID, Column("first", sql="substr(order_id, 1, 1)"), part("upper(first)")], True),
        ([ID, Column("first", sql="substr(`Größe`, 1, 1)"), part("concat(order_id, first)"), ODD], False),
        ([ID, part("'always'")], False),
        ([ID, part("cast(order_id as timestamp)", "timestamp")], False),  # a partition's name has another form
        # the input of that name, as the column follows
        ([part("substr(order_id, 1, 1)"), Column("order_id", sql="trim(order_id)", field="order_id")], False),
        ([Column("order_id", sql="trim(order_id)", field="order_id"), part("substr(order_id, 1, 1)")], True),
    ],
)
def test_the_partitions_that_all_rows_of_a_key_share(spark, columns, shared):
    inputs = tuple(dict.fromkeys(column.input for column in columns if column.input))
    table = Table("orders", tuple(columns), ("order_id",), None, None, ("part",), input_columns=inputs, origin="x")
    assert key_partitions(spark, table) == (("part",) if shared else ())


def test_a_column_of_the_key_is_shared(spark):
    columns = (ID, AMOUNT, Column("at", "timestamp"), Column("date", "date", sql="date(at)"))
    partitions = ("amount", "date", "at")
    inputs = ("order_id", "amount", "at")
    for key, shared in ((("order_id", "amount"), ("amount",)), (("order_id", "at"), ("date",)), (("order_id",), ())):
        table = Table("orders", columns, key, None, None, partitions, input_columns=inputs, origin="x")
        assert key_partitions(spark, table) == shared


def test_a_key_whose_partition_changes_is_updated_and_not_inserted_again(job, rows, tmp_path, monkeypatch):
    monkeypatch.setenv("SLUICE_TABLES", str(tmp_path))
    (tmp_path / "orders2.toml").write_text(
        'key = ["order_id"]\npartition_by = ["part"]\n[source]\nformat = "csv"\n[columns]\norder_id = "string"\n'
        'customer = { type = "string", field = "Größe" }\n'
        'part = { type = "string", sql = "concat(order_id, \'-\', `Größe`)" }\n'
    )
    for name, line in (("a.csv", "1,A"), ("b.csv", "1,C")):
        (tmp_path / name).write_text(f"order_id,Größe\n{line}\n")
    assert job("ingest", "orders2", tmp_path / "a.csv").counts == {"read": 1, "inserted": 1}
    assert job("ingest", "orders2", tmp_path / "b.csv").counts == {"read": 1, "updated": 1}
    assert rows("orders2", "order_id", "customer", "part") == [("1", "C", "1-C")]
