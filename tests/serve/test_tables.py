"""Every exported table: its columns, its rows in JSON, filters by any column; what is not there says what to do."""

from __future__ import annotations

import datetime

from exported import COLUMNS, export

TYPES = {
    "text": "string",
    "whole": "bigint",
    "half": "double",
    "exact": "decimal(38,9)",
    "day": "date",
    "moment": "timestamp",
    "yes": "boolean",
}
MOMENT = datetime.datetime(2026, 1, 31, 23, 59, 59, 7, tzinfo=datetime.timezone(datetime.timedelta(hours=5)))
ROW = ('ä"\n', 2**60 + 1, 0.1, "12345678901234567890123456789.000000001", "0001-01-01", MOMENT, True)
OWN = {"columns": TYPES, "key": ("text",)}


def test_what_is_not_exported_says_how_to_export(client, database, postgres_url):
    for name in ("products", "products_agg", "orders_by_day"):
        answer = client.get(f"/tables/{name}")
        detail = f"table {name} is not exported yet: run ./spark-submit.sh export {name}"
        assert (answer.status_code, answer.json()["detail"]) == (404, detail)
        assert answer.headers["content-type"] == "application/problem+json"
    for name in ("sluice_exports", "pg_class", 'x"; --'):
        answer = client.get(f"/tables/{name}")
        assert answer.status_code == 404
        assert answer.json()["detail"].startswith(f"unknown table or aggregate {name!r}: ")
    assert client.get("/tables/product").json()["detail"].endswith("'product': did you mean 'products'?")
    assert client.get("/tables/%00").status_code == 404
    assert client.get("/tables").json() == {"tables": []}
    export(postgres_url, "products", [])
    database("CREATE TABLE mine (secret text)")
    assert client.get("/tables/%00").status_code == 404
    assert client.get("/tables/mine").status_code == client.get("/tables/products_agg").status_code == 404
    assert client.get("/tables/products").json() == {"after": None, "rows": []}


def test_values_keep_all_their_digits_and_times_are_utc(client, postgres_url):
    export(postgres_url, "own", [ROW, ("none", *[None] * 6), ("nan", 0, float("nan"), 0, None, None, False)], **OWN)
    text = client.get("/tables/own").text
    assert '"whole":1152921504606846977,"half":0.1,"exact":12345678901234567890123456789.000000001' in text
    assert '"day":"0001-01-01","moment":"2026-01-31T18:59:59.000007Z","yes":true' in text
    nan, none, first = client.get("/tables/own").json()["rows"]
    assert (nan["half"], first["text"], set(none.values())) == ("NaN", ROW[0], {"none", None})


def test_the_list_has_columns_types_and_keys(client, postgres_url):
    export(postgres_url, "own", [ROW], **OWN)
    export(postgres_url, "products_agg", [("Lamp", 2)])
    own, groups = client.get("/tables").json()["tables"]
    assert own["columns"] == {
        "text": "text",
        "whole": "bigint",
        "half": "double precision",
        "exact": "numeric(38,9)",
        "day": "date",
        "moment": "timestamp with time zone",
        "yes": "boolean",
    }
    assert (groups["name"], groups["key"], groups["rows"], groups["version"]) == ("products_agg", ["name"], 1, 3)
    assert groups["exported_at"].endswith("Z")


def test_rows_are_filtered_by_any_column_and_bad_filters_are_named(client, postgres_url):
    export(postgres_url, "own", [ROW, ("b", 1, 0.5, 1, "2026-01-31", MOMENT, None), ("c", 1, *[None] * 5)], **OWN)

    def found(**filters):
        return [row["text"] for row in client.get("/tables/own", params=filters).raise_for_status().json()["rows"]]

    assert found(whole="1") == ["b", "c"]
    assert found(whole="1", half="0.5") == ["b"]
    assert found(exact=ROW[3]) == found(moment="2026-01-31T18:59:59.000007Z", text=ROW[0]) == [ROW[0]]
    assert found(day="2026-01-31", yes="true") == []
    answer = client.get("/tables/own", params={"wohle": "1", "day": "x", "text": "y"})
    assert answer.json()["errors"] == [
        {"name": "wohle", "reason": "table own has no such column: did you mean 'whole'?"}
    ]
    answer = client.get("/tables/own", params={"whole": "9" * 30, "text": "y", "day": "2026-02-30"})
    assert answer.status_code == 422
    assert [error["name"] for error in answer.json()["errors"]] == ["whole", "day"]
    assert client.get("/tables/own?text=%00").status_code == client.get("/tables/own?whole=%ff").status_code == 422


def test_a_table_may_have_names_that_sql_or_formatting_would_misread(client, postgres_url):
    columns = {'a"b': "string", "{x}": "bigint", "%s": "bigint", "limit": "int", "Ä$1": "string"}
    export(postgres_url, 'o"{wn} %', [("k", 1, 2, 3, "v")], columns=columns, key=('a"b',))
    row = dict(zip(columns, ["k", 1, 2, 3, "v"], strict=True))
    answer = client.get('/tables/o"{wn} %25', params={"{x}": "1", "Ä$1": "v", "%s": "2"})
    assert answer.json() == {"after": None, "rows": [row]}


def test_built_in_tables_are_as_they_were_exported(client, postgres_url):
    for name, columns in COLUMNS.items():
        export(postgres_url, name, [])
        assert list(client.get(f"/tables/{name}").json()["rows"]) == []
        [listed] = [table for table in client.get("/tables").json()["tables"] if table["name"] == name]
        assert list(listed["columns"]) == list(columns)
