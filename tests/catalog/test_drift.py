"""Files with other columns than their table's: refused, taken or left out, and how exports follow."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sluice.catalog import catalog
from sluice.model.table import Column

HEADER = "sku,name,description"
NEW = "sku,name,description,price,Colour"


@pytest.fixture
def new(csv_file):
    return csv_file("b.csv", NEW, "s1,n,d,9,red", "s2,n,d,,")


def test_new_columns_are_refused_by_name_with_the_way_out(job, lake, new):
    done = job("ingest", "products", new)
    assert done.exit_code == 3
    assert f"{new.as_uri()}: columns 'price', 'Colour' are not in table products: add to the table with " in done.stderr
    assert "--on-new-column add" in done.stderr.splitlines()[-1]
    assert not (lake / "products").exists()


def test_added_columns_are_null_in_earlier_rows_and_optional_in_later_files(job, rows, csv_file, new):
    job("ingest", "products", csv_file("a.csv", HEADER, "s0,n,d", "s1,n,d"))
    done = job("ingest", "products", new, "--on-new-column", "add")
    assert done.counts == {"read": 2, "updated": 1, "inserted": 1}
    columns = ("sku", "price", "Colour")
    assert rows("products", *columns) == [("s0", None, None), ("s1", "9", "red"), ("s2", None, None)]
    # from now on they are the table's, and files may lack them
    assert job("ingest", "products", csv_file("c.csv", NEW, "s3,n,d,1,x")).counts == {"read": 1, "inserted": 1}
    assert job("ingest", "products", csv_file("d.csv", "price,sku,name,description", "7,s0,n,d")).exit_code == 0
    assert job("ingest", "products", csv_file("e.csv", HEADER, "s2,n,d")).counts == {"read": 1, "unchanged": 1}
    assert rows("products", *columns)[0] == ("s0", "7", None)
    # the last record of a key is the row: what its file does not have is null
    assert job("ingest", "products", csv_file("f.csv", HEADER, "s3,n,d")).counts == {"read": 1, "updated": 1}
    assert rows("products", *columns)[3] == ("s3", None, None)


def test_a_new_table_is_made_with_added_columns_and_files_without_them(job, rows, csv_file, new):
    done = job("ingest", "products", csv_file("a.csv", HEADER, "s0,n,d"), new, "--on-new-column", "add")
    assert (done.counts, done.report["table_version"]) == ({"read": 3, "inserted": 3}, 0)
    assert rows("products", "sku", "price") == [("s0", None), ("s1", "9"), ("s2", None)]


def test_a_column_without_a_value_is_added_too_but_not_by_a_dry_run(job, rows, csv_file, lake):
    job("ingest", "products", csv_file("a.csv", HEADER, "s1,n,d"))
    path = csv_file("b.csv", "sku,name,description,price", "s1,n,d,")
    assert job("ingest", "products", path, "--on-new-column", "add", "--dry-run").counts == {"read": 1, "unchanged": 1}
    assert job("ingest", "products", path).exit_code == 3
    assert job("ingest", "products", path, "--on-new-column", "add").counts == {"read": 1, "unchanged": 1}
    assert rows("products", "sku", "price") == [("s1", None)]
    assert job("ingest", "products", path).report["status"] == "nothing_new"


def test_ignored_columns_leave_the_file_to_be_read_with_them_later(job, rows, new):
    assert job("ingest", "products", new, "--on-new-column", "ignore").counts == {"read": 2, "inserted": 2}
    assert job("ingest", "products", new, "--on-new-column", "ignore").report["status"] == "nothing_new"
    assert job("ingest", "products", new).exit_code == 3
    assert job("ingest", "products", new, "--on-new-column", "add").counts == {"read": 2, "updated": 1, "unchanged": 1}
    assert rows("products", "sku", "price") == [("s1", "9"), ("s2", None)]


def test_a_file_without_new_columns_is_not_read_again_for_another_choice(job, csv_file):
    path = csv_file("a.csv", HEADER, "s1,n,d")
    for choice in ("ignore", "add", "fail"):
        job("ingest", "products", path, "--on-new-column", choice)
    assert job("ingest", "products", path, "--on-new-column", "ignore").report["status"] == "nothing_new"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("unit price", "'unit price' cannot be the name of a column"),
        ("", "'' cannot be the name of a column"),
        ("SKU", "column 'SKU' clashes with 'sku'"),
        ("run_id", "'run_id' cannot be the name of a column: Sluice or"),
        ("Xmin", "'Xmin' cannot be the name of a column: Sluice"),
        ("sluice_gone", "'sluice_gone' cannot be the name of a column: Sluice"),
    ],
)
def test_a_name_that_no_column_can_have(job, lake, csv_file, name, message):
    done = job("ingest", "products", csv_file("a.csv", f"{HEADER},{name}", "s,n,d,1"), "--on-new-column", "add")
    assert (done.exit_code, message in done.stderr, (lake / "products").exists()) == (3, True, False)


def test_files_whose_new_names_differ_in_case_only(job, csv_file):
    paths = [csv_file(f"{name}.csv", f"{HEADER},{name}", "s,n,d,1") for name in ("price", "Price")]
    done = job("ingest", "products", *paths, "--on-new-column", "add")
    assert (done.exit_code, "clashes with" in done.stderr) == (3, True)


@pytest.mark.parametrize("name", ["file", "position", "raw", "reason", "outcome", "superseded", "gone", "nth"])
def test_columns_named_like_what_is_worked_with(job, rows, csv_file, name):
    for value in ("1", "2"):
        path = csv_file(f"{value}.csv", f"{HEADER},{name}", f"s,n,d,{value}", ",,,")
        assert job("ingest", "products", path, "--on-new-column", "add", "--max-rejects", 1).exit_code == 0
    assert rows("products", "sku", name) == [("s", "2")]


def test_a_file_may_lack_a_column_only_where_the_declaration_says_so(job, rows, csv_file, monkeypatch):
    path = csv_file("a.csv", "sku,name", "s1,n")
    assert "no column 'description' in the header" in job("ingest", "products", path).stderr
    products = catalog.BUILT_IN["products"]
    columns = (*products.columns[:2], Column("description", optional=True))
    monkeypatch.setitem(catalog.BUILT_IN, "products", replace(products, columns=columns))
    assert job("ingest", "products", path).counts == {"read": 1, "inserted": 1}
    assert rows("products", "sku", "description") == [("s1", None)]


def test_exports_and_aggregates_gain_the_columns(job, csv_file, new, database):
    job("ingest", "products", csv_file("a.csv", HEADER, "s0,n,d"))
    job("export", "products")
    job("ingest", "products", new, "--on-new-column", "add")
    done = job("export", "products")
    assert (done.report["mode"], done.counts) == ("incremental", {"read": 2, "inserted": 2})
    selected = 'SELECT sku, price, "Colour" FROM products ORDER BY sku'
    assert database(selected) == [("s0", None, None), ("s1", "9", "red"), ("s2", None, None)]
    assert job("export", "products").report["mode"] == "none"
    assert job("aggregate", "products", "--by", "Colour").report["groups_recomputed"] == 2
