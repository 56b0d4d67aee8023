"""`aggregate products`."""

from __future__ import annotations


def test_products_agg_counts_products_by_name_null_among_them(job, rows, csv_file):
    job("ingest", "products", csv_file("a.csv", "sku,name,description", "1,x,", "2,x,", "3,,", "3,y,", "4,,"))
    done = job("aggregate", "products")
    assert (done.exit_code, done.report["mode"], done.report["groups_recomputed"]) == (0, "full", 3)
    assert rows("products_agg", "name", "no_of_products") == [("x", 2), ("y", 1), (None, 1)]
    assert job("aggregate", "products_agg").report["table_version"] == 1


def test_without_its_table_or_by_an_unknown_name(job):
    missing = job("aggregate", "products")
    assert (missing.exit_code, "ingest files into it first" in missing.stderr) == (3, True)
    unknown = job("aggregate", "products_ag")
    assert (unknown.exit_code, "did you mean 'products_agg'?" in unknown.stderr) == (2, True)
