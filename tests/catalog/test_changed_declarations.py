"""How a stored table differs from its declaration, by what its log stores."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from sluice.catalog import drift
from sluice.errors import UsageError
from sluice.lake import log
from sluice.lake.log import Stored
from sluice.model.table import Column, Table

TABLE = Table(
    "orders",
    (Column("id", "int"), Column("at", "timestamp", timezone="Europe/Berlin"), Column("day", "date", sql="date(at)")),
    ("id",),
    reader=None,
    reading=None,
    partition_by=("day",),
    order_by="at",
    origin="orders.toml",
)
COLUMNS = {"id": "int", "at": "timestamp", "day": "date", "ingested_at": "timestamp", "run_id": "string"}


@pytest.fixture
def stored(monkeypatch):
    """Lets a lake store these columns and this declaration."""

    def store(columns=COLUMNS, declaration=TABLE.declaration, pruned_before=None):
        monkeypatch.setattr(log, "stored", lambda lake, table: Stored(columns, declaration, pruned_before))

    return store


def test_what_is_stored_of_a_declaration():
    """Lakes hold it: written in another way, every table would count as changed."""
    assert TABLE.declaration == {
        "key": ["id"],
        "partition_by": ["day"],
        "order_by": "at",
        "delete_when": "",
        "columns": {"id": "int", "at": "timestamp Europe/Berlin", "day": "date date(at)"},
    }


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        (replace(TABLE, key=("id", "at")), "key was id, is id, at"),
        (replace(TABLE, partition_by=()), "partition_by was day, is nothing"),
        (replace(TABLE, order_by=""), "order_by was at, is nothing"),
        (replace(TABLE, columns=(Column("id", "bigint"), *TABLE.columns[1:])), "column id was an int, is a bigint"),
        (
            replace(TABLE, columns=(TABLE.columns[0], Column("at", "timestamp"), TABLE.columns[2])),
            "column at was timestamp Europe/Berlin, is timestamp",
        ),
        (replace(TABLE, columns=TABLE.columns[:2]), "column day was date date(at), is no longer declared"),
    ],
)
def test_a_changed_declaration_is_refused_with_the_difference(stored, changed, difference):
    stored()
    with pytest.raises(UsageError) as raised:
        drift.refuse_changed("lake", changed)
    assert str(raised.value) == (
        f"orders.toml: table orders was written under another declaration: {difference}: go back to that one, or "
        "declare a table of another name"
    )


def test_without_a_stored_declaration_only_types_are_compared(stored):
    stored(declaration=None)
    assert drift.refuse_changed("lake", replace(TABLE, key=("at",))).columns == COLUMNS
    stored({**COLUMNS, "id": "string"}, None)
    with pytest.raises(UsageError, match="column id was a string, is an int: go back"):
        drift.refuse_changed("lake", TABLE)


def test_columns_that_files_added_and_columns_still_to_be_added(stored):
    more = replace(TABLE, columns=(*TABLE.columns, Column("note")))
    stored({**COLUMNS, "price": "string"}, pruned_before=date(2024, 10, 1))
    as_stored = drift.as_stored("lake", more)
    assert (as_stored.column_names, as_stored.gained) == (("id", "at", "day", "price"), ("price",))
    assert as_stored.pruned_before == date(2024, 10, 1)
    table, to_add = drift.for_ingest("lake", more, "add")
    assert (table.column_names, to_add) == (("id", "at", "day", "note", "price"), (Column("note"),))
    with pytest.raises(UsageError, match=r"table orders does not have the declared column note yet: add it with --on-"):
        drift.for_ingest("lake", more, "ignore")


def test_a_table_that_is_not_in_the_lake_is_as_declared(stored):
    stored({}, None)
    assert drift.as_stored("lake", TABLE) == TABLE
    assert drift.for_ingest("lake", TABLE, "fail") == (TABLE, ())
