"""Files with other columns than their table's: refused, taken or left out, and how exports follow."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sluice.catalog import catalog
from sluice.errors import InputError
from sluice.ingest.plan import Options, make_plan
from sluice.model.table import Column
from sluice.readers.shared.new_columns import find_new_columns

HEADER = "sku,name,description"
NEW = "sku,name,description,price,Colour"
PRODUCTS = catalog.BUILT_IN["products"]


@pytest.fixture
def new(csv_file):
    return csv_file("b.csv", NEW, "s1,n,d,9,red", "s2,n,d,,")


@pytest.fixture
def planned(lake):
    """What an ingest of products would do."""

    def plan(*paths, on_new_column="fail", table=PRODUCTS):
        return make_plan(
            str(lake), table, [str(path) for path in paths], Options(table.reading, on_new_column=on_new_column)
        )

    return plan


def test_new_columns_are_refused_by_name_with_the_way_out(job, lake, new):
    done = job("ingest", "products", new)
    assert done.exit_code == 3
    assert done.stderr.splitlines()[-1] == (
        f"ingest: {new.as_uri()}: columns 'price', 'Colour' are not in table products: add to the table with "
        "--on-new-column add, leave out with --on-new-column ignore, or remove from the file"
    )
    assert not (lake / "products").exists()


def test_added_columns_are_null_in_earlier_rows_and_optional_in_later_files_and_exports_follow(
    job, rows, csv_file, new, database
):
    job("ingest", "products", csv_file("a.csv", HEADER, "s0,n,d", "s1,n,d"))
    job("export", "products")
    done = job("ingest", "products", new, "--on-new-column", "add")
    assert done.counts == {"read": 2, "updated": 1, "inserted": 1}
    stored = [("s0", None, None), ("s1", "9", "red"), ("s2", None, None)]
    assert rows("products", "sku", "price", "Colour") == stored

    done = job("export", "products")
    assert (done.report["mode"], done.counts) == ("incremental", {"read": 2, "updated": 1, "inserted": 1})
    assert database('SELECT sku, price, "Colour" FROM products ORDER BY sku') == stored
    assert job("export", "products").report["mode"] == "none"
    assert job("aggregate", "products", "--by", "Colour").report["groups_recomputed"] == 2

    # from now on they are the table's, and files may lack them; what the last record of a key does not have is null
    later = [
        csv_file("c.csv", NEW, "s3,n,d,1,x"),
        csv_file("d.csv", "price,sku,name,description", "7,s0,n,d"),
        csv_file("e.csv", HEADER, "s1,n,d", "s2,n,d"),
    ]
    assert job("ingest", "products", *later).counts == {"read": 4, "inserted": 1, "updated": 2, "unchanged": 1}
    stored = [("s0", "7", None), ("s1", None, None), ("s2", None, None), ("s3", "1", "x")]
    assert rows("products", "sku", "price", "Colour") == stored


# each is also a name for something that jobs work with
NAMES = ("file", "position", "raw", "reason", "outcome", "superseded", "gone", "nth")


def test_a_new_table_is_made_with_added_columns_of_any_name_and_files_without_them(job, rows, csv_file):
    without = csv_file("0.csv", HEADER, "s0,n,d")
    for value, counts in (("1", {"inserted": 2}), ("2", {"updated": 1})):
        lines = f"s,n,d{f',{value}' * len(NAMES)}", f",,{',' * len(NAMES)}"
        path = csv_file(f"{value}.csv", f"{HEADER},{','.join(NAMES)}", *lines)
        done = job("ingest", "products", without, path, "--on-new-column", "add", "--max-rejects", 1)
        read = 3 if value == "1" else 2
        assert (done.exit_code, done.counts) == (0, {"read": read, "rejected": 1, **counts})
        assert done.report["table_version"] == int(value) - 1
        assert rows("products", "sku", *NAMES) == [("s", *value * len(NAMES)), ("s0", *[None] * len(NAMES))]


def test_ignored_columns_leave_the_file_to_be_read_with_them_later(job, rows, csv_file, new, planned):
    known = csv_file("a.csv", HEADER, "s0,n,d")
    ignoring = ["--on-new-column", "ignore"]
    assert job("ingest", "products", known, new, *ignoring).counts == {"read": 3, "inserted": 3}
    assert job("ingest", "products", known, new, *ignoring).report["status"] == "nothing_new"
    # a file without new columns is not read again for another choice
    assert [planned(known, on_new_column=choice).sources for choice in ("ignore", "add", "fail")] == [()] * 3
    with pytest.raises(InputError, match="columns 'price', 'Colour' are not in table products"):
        planned(new)
    added = job("ingest", "products", new, "--on-new-column", "add")
    assert added.counts == {"read": 2, "updated": 1, "unchanged": 1}
    assert rows("products", "sku", "price") == [("s0", None), ("s1", "9"), ("s2", None)]
    assert [planned(new, on_new_column=choice).sources for choice in ("ignore", "add", "fail")] == [()] * 3


def test_a_column_without_a_value_is_added_too_but_not_by_a_dry_run(job, rows, csv_file, planned):
    job("ingest", "products", csv_file("a.csv", HEADER, "s1,n,d"))
    path = csv_file("b.csv", f"{HEADER},price", "s1,n,d,")
    assert job("ingest", "products", path, "--on-new-column", "add", "--dry-run").counts == {"read": 1, "unchanged": 1}
    with pytest.raises(InputError, match="column 'price' is not in table products"):
        planned(path)
    assert job("ingest", "products", path, "--on-new-column", "add").counts == {"read": 1, "unchanged": 1}
    assert rows("products", "sku", "price") == [("s1", None)]
    assert planned(path).sources == ()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("unit price", "'unit price' cannot be the name of a column (letters, digits and _, at most 63)"),
        ("", "'' cannot be the name of a column (letters"),
        ("p" * 64, f"'{'p' * 64}' cannot be the name of a column (letters"),
        ("SKU", "column 'SKU' clashes with 'sku'"),
        ("run_id", "'run_id' cannot be the name of a column: Sluice or PostgreSQL has one of that name"),
        ("Xmin", "'Xmin' cannot be the name of a column: Sluice"),
        ("sluice_gone", "'sluice_gone' cannot be the name of a column: Sluice"),
    ],
)
def test_a_name_that_no_column_can_have(name, message):
    names = [*PRODUCTS.input_columns, "price", name]
    with pytest.raises(InputError) as raised:
        find_new_columns("file:///a.csv", names, PRODUCTS, "add")
    assert str(raised.value).startswith(f"file:///a.csv: {message}")
    assert str(raised.value).endswith(": rename it in the file, or use --on-new-column ignore")
    assert find_new_columns("file:///a.csv", names, PRODUCTS, "ignore") == ["price", name]


def test_files_whose_new_names_differ_in_case_only(job, lake, csv_file):
    paths = [csv_file(f"{name}.csv", f"{HEADER},{name}", "s,n,d,1") for name in ("price", "Price")]
    done = job("ingest", "products", *paths, "--on-new-column", "add")
    assert (done.exit_code, (lake / "products").exists()) == (3, False)
    assert "files that are read together: column 'price' clashes with 'Price'" in done.stderr


def test_a_file_may_lack_a_column_only_where_the_declaration_says_so(job, rows, csv_file, planned, monkeypatch):
    path = csv_file("a.csv", "sku,name", "s1,n")
    with pytest.raises(InputError, match="no column 'description' in the header"):
        planned(path)
    columns = (*PRODUCTS.columns[:2], Column("description", optional=True))
    monkeypatch.setitem(catalog.BUILT_IN, "products", replace(PRODUCTS, columns=columns))
    assert job("ingest", "products", path).counts == {"read": 1, "inserted": 1}
    assert rows("products", "sku", "description") == [("s1", None)]
