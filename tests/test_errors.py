"""Words that messages share."""

from __future__ import annotations

from sluice.errors import closest, counted, no_column, with_article


def test_an_unknown_name_is_answered_with_the_closest_one_or_with_all():
    assert closest("product", ["scores", "products"]) == "did you mean 'products'?"
    assert closest("x", ["scores", "products"]) == "choose one of products, scores"


def test_an_unknown_column_is_answered_with_the_closest_one_and_all():
    assert no_column("nam", ["sku", "name"]) == "no column 'nam': did you mean 'name'? It has sku, name"
    assert no_column("price", ["sku", "name"]) == "no column 'price': it has sku, name"


def test_plurals():
    assert [counted(number, "file") for number in (0, 1, 1200)] == ["0 files", "1 file", "1,200 files"]


def test_articles():
    assert [with_article(noun) for noun in ("int", "bigint", "array<int>")] == ["an int", "a bigint", "an array<int>"]
