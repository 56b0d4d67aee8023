"""Pages by key: all rows once and in order, whatever values the key has, also while rows come and go."""

from __future__ import annotations

import itertools
import json
from base64 import urlsafe_b64encode

from exported import export

OWN = {"columns": {"a": "string", "b": "bigint", "c": "double"}, "key": ("a", "b"), "nullable_key": True}


def pages(client, path, **parameters):
    """The pages of a list, to the end; fails where it has none."""
    after = None
    for _ in range(100):
        page = client.get(path, params={**parameters, **({"after": after} if after else {})}).raise_for_status().json()
        yield page["rows"]
        after = page["after"]
        if after is None:
            return
    raise AssertionError("pages without an end")


def after(*values):
    return urlsafe_b64encode(json.dumps(values).encode()).decode()


def test_pages_of_a_key_with_nulls_have_each_row_once_in_the_order_of_the_key(client, postgres_url):
    keys = list(itertools.product(["", "a", "b\"'", "ä%", None], [-1, 0, 2**60, None]))
    export(postgres_url, "own", [(a, b, 0.1) for a, b in reversed(keys)], **OWN)
    for limit in (1, 3, 7, 20, 1000):
        found = list(pages(client, "/tables/own", limit=limit))
        assert [(row["a"], row["b"]) for page in found for row in page] == keys
        assert [len(page) for page in found] == [limit] * (20 // limit) + [20 % limit] * (20 % limit > 0)


def test_descending_pages_go_on_behind_groups_of_one_size(client, postgres_url):
    groups = [(f"name {i:02}", count) for i, count in enumerate([1, 3, 1, 2, 3, 1])] + [(None, 1)]
    export(postgres_url, "products_agg", groups)
    found = list(pages(client, "/products/aggregate", limit=2))
    names = [[row["name"] for row in page] for page in found]
    assert names == [["name 01", "name 04"], ["name 03", "name 00"], ["name 02", "name 05"], [None]]
    by_name = [row["name"] for page in pages(client, "/products/aggregate", order="name", limit=4) for row in page]
    assert by_name == [*sorted(name for name, _ in groups if name), None]


def test_rows_that_come_and_go_change_no_other_place(client, postgres_url, database):
    export(postgres_url, "own", [("a", i, None) for i in range(0, 60, 10)], **OWN)
    found = pages(client, "/tables/own", limit=2)
    assert [row["b"] for row in next(found)] == [0, 10]
    database("DELETE FROM own WHERE b IN (0, 10)")
    database("INSERT INTO own VALUES ('a', 5, NULL), ('a', 25, NULL)")
    assert [row["b"] for page in found for row in page] == [20, 25, 30, 40, 50]


def test_a_key_of_long_text_has_pages_too(client, postgres_url):
    keys = [("x" * 3000 + str(i), i) for i in range(5)]
    export(postgres_url, "own", [(a, b, None) for a, b in keys], **OWN)
    assert client.get("/tables").json()["tables"][0]["key"] == ["a", "b"]
    found = [(row["a"], row["b"]) for page in pages(client, "/tables/own", limit=2) for row in page]
    assert found == keys


def test_what_is_no_position_is_refused_by_its_name(client, postgres_url):
    export(postgres_url, "own", [("a", 1, None)], **OWN)
    for position in ("x", "é", "W10", after("a"), after("a", 1), after("a", "b"), after("\ud800", "1"), "W" * 9000):
        answer = client.get("/tables/own", params={"after": position})
        assert (answer.status_code, answer.json()["errors"][0]["name"]) == (422, "after"), position
    assert client.get("/tables/own", params={"after": after("a\0", "1")}).status_code == 422


def test_what_is_no_limit_is_refused_by_its_name(client):
    for limit in ("0", "1001", "x", "-1", "", "1e3"):
        answer = client.get("/tables/own", params={"limit": limit})
        assert answer.status_code == 422
        assert [error["name"] for error in answer.json()["errors"]] == ["limit"]
