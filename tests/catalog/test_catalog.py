"""Tables and aggregates by name, and what is said of unknown names."""

from __future__ import annotations

import re

import pytest
from sluice.catalog.catalog import BUILT_IN, Catalog
from sluice.errors import UsageError

VISITS = """
key = ["id"]
source = { format = "csv" }
columns = { id = "int", day = "date" }

[aggregates.visits_by_day]
by = ["day"]
measures = { visits = "count" }
"""


@pytest.fixture
def catalog(tmp_path):
    """A catalog with a declared table `visits`."""
    (tmp_path / "visits.toml").write_text(VISITS)
    return Catalog(str(tmp_path))


def test_names_are_those_built_in_and_declared(catalog):
    assert catalog.names == sorted([*BUILT_IN, "visits"])
    assert [table.name for table in catalog.tables()] == catalog.names


def test_aggregates_by_their_own_name_or_that_of_their_table_come_once(catalog):
    pairs = catalog.aggregates("/nowhere", ["visits", "visits_by_day", "products_agg"])
    assert [(table.name, aggregate.name) for table, aggregate in pairs] == [
        ("visits", "visits_by_day"),
        ("products", "products_agg"),
    ]
    ((table, aggregate),) = catalog.aggregates("/nowhere", ["visits"], by=["id"])
    assert (table.name, aggregate.name, aggregate.by) == ("visits", "visits_by_id", ("id",))


def test_sources_are_tables_and_aggregates_each_once(catalog):
    sources = catalog.sources("/nowhere", ["visits_by_day", "visits", "visits_by_day"])
    assert [source.name for source in sources] == ["visits_by_day", "visits"]


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda catalog: catalog.table("visit"), "unknown table 'visit': did you mean 'visits'?"),
        (
            lambda catalog: catalog.table("x"),
            "unknown table 'x': choose one of processes, products, requests, scores, visits",
        ),
        (
            lambda catalog: catalog.sources("/nowhere", ["visits_by_dy"]),
            "unknown table or aggregate 'visits_by_dy': did you mean 'visits_by_day'?",
        ),
        (
            lambda catalog: catalog.aggregates("/nowhere", ["product_agg"]),
            "'product_agg' is neither an aggregate nor a table with aggregates: did you mean 'products_agg'?",
        ),
        (
            lambda catalog: catalog.aggregates("/nowhere", ["visits"], by=["dya"]),
            "table visits has no column 'dya': did you mean 'day'? It has id, day",
        ),
        (
            lambda catalog: catalog.aggregates("/nowhere", ["visits"], by=["day"]),
            "--by day: the name 'visits_by_day' is taken by {folder}/visits.toml",
        ),
    ],
)
def test_unknown_names(catalog, tmp_path, ask, message):
    with pytest.raises(UsageError, match=f"^{re.escape(message.format(folder=tmp_path))}$"):
        ask(catalog)


def test_an_unknown_name_may_be_an_aggregate_of_a_wrong_declaration(catalog, tmp_path):
    broken = tmp_path / "broken.toml"
    broken.write_text("key = ")
    assert "broken" not in [table.name for table in catalog.tables()]
    with pytest.raises(UsageError, match=re.escape(f" (or fix {broken}, which may declare it)")):
        catalog.sources("/nowhere", ["broken_by_day"])
    with pytest.raises(UsageError, match=re.escape(f"{broken}: not valid TOML")):
        catalog.sources("/nowhere", ["broken"])


def test_names_that_others_have_are_refused(catalog, tmp_path):
    path = tmp_path / "calls.toml"
    path.write_text(VISITS)
    with pytest.raises(UsageError, match=r"aggregates\.visits_by_day: 'visits_by_day' is taken by .*/visits\.toml"):
        catalog.declared(path)
    runs = tmp_path / "runs.toml"
    runs.write_text(VISITS.split("[aggregates")[0])
    with pytest.raises(UsageError, match="its name: 'runs' is taken by Sluice itself"):
        catalog.declared(runs)
