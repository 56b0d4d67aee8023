"""Which aggregates a table has, and whether they are built as declared: rules without Spark."""

from __future__ import annotations

import pytest
from sluice.catalog import catalog, derived
from sluice.errors import UsageError
from sluice.lake.log import State
from sluice.model.aggregate import Aggregate
from sluice.model.table import Column, Table

PRODUCTS = catalog.BUILT_IN["products"]


def test_a_count_aggregate_has_the_names_of_its_columns():
    aggregate = derived.count_aggregate("/no/lake", PRODUCTS, ["name", "description"])
    assert aggregate == Aggregate("products_by_name_description", ("name", "description"), {"count": "count"})


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["nam"], "table products has no column 'nam': did you mean 'name'?"),
        (["name", "sku", "name"], "--by name,sku,name names a column twice: name each once"),
    ],
)
def test_a_count_aggregate_of_wrong_columns(columns, message):
    with pytest.raises(UsageError) as error:
        derived.count_aggregate("/no/lake", PRODUCTS, columns)
    assert str(error.value).startswith(message)


def test_of_a_lake_that_does_not_exist_only_declared_aggregates_are_known(tmp_path):
    assert derived.aggregates_of(str(tmp_path / "none"), PRODUCTS) == list(PRODUCTS.aggregates)


def test_a_build_record_is_of_one_definition_whatever_the_version():
    built = Aggregate("a", ("g",), {"n": "count"})
    record = derived.build_record(built, "t", State("id", 3, "c3"))
    assert record == {"table": "t", "id": "id", "version": 3, "mark": "c3", "by": ["g"], "measures": {"n": "count"}}
    assert derived.was_built_as_declared({**record, "version": 4}, built)
    assert not derived.was_built_as_declared(record, Aggregate("a", ("h",), {"n": "count"}))
    assert derived.is_current(record, built, State("id", 3, "c3"))
    assert not derived.is_current(record, built, State("id", 3, "another commit"))
    assert not derived.is_current(record, built, State("id", 4, "c3"))
    del record["mark"]  # of an earlier version
    assert derived.is_current(record, built, State("id", 3, "c3"))


def test_a_column_that_the_stored_table_lacks():
    with pytest.raises(UsageError, match="a: table products does not have the column sku yet: ingest a file with"):
        derived.check_columns_exist(["name"], PRODUCTS, Aggregate("a", ("name",), {"n": "count:sku"}))


def test_names_that_columns_give_alike_are_told_apart_by_a_hash(tmp_path, monkeypatch):
    """`a_by_b_c` is the name of table a by `b_c`, of a by `b` and `c`, and of a table `a_by_b` by `c`."""
    columns = tuple(map(Column, ("k", "b", "c", "b_c")))
    a, a_by_b = (Table(name, columns, ("k",), None, None) for name in ("a", "a_by_b"))
    built = {}
    monkeypatch.setattr(derived.log, "built_on", lambda lake, name: built.get(name))
    monkeypatch.setattr(derived.log, "version", lambda lake, name: 0 if name in built else None)
    monkeypatch.setattr(derived.lake_files, "folders", lambda lake: sorted(built))
    names = []
    for table, by in ((a, ["b_c"]), (a, ["b", "c"]), (a_by_b, ["c"])):
        aggregate = derived.count_aggregate(str(tmp_path), table, by)
        built[aggregate.name] = derived.build_record(aggregate, table.name, State("id", 0))
        assert derived.count_aggregate(str(tmp_path), table, by) == aggregate  # found again
        names.append(aggregate.name)
    assert names[0] == "a_by_b_c"
    assert len({*names}) == 3
    assert [found.name for found in derived.aggregates_of(str(tmp_path), a)] == sorted(names[:2])
    assert [found.name for found in derived.aggregates_of(str(tmp_path), a_by_b)] == names[2:]


def test_the_count_beside_a_column_of_that_name(tmp_path):
    table = Table("a", (Column("k"), Column("count")), ("k",), None, None)
    assert derived.count_aggregate(str(tmp_path), table, ["count"]).measures == {"_count": "count"}
