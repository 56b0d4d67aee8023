"""The endpoints of the built-in tables: exact answers."""

from __future__ import annotations

from datetime import UTC, datetime

from exported import export

AT = datetime(2026, 1, 31, 8, 15, tzinfo=UTC)


def day(customer, date, requests):
    return (customer, date, requests, 1, 5000, 2, 5000, 0.002, 0.003, 0.0025, 99.5)


def test_days_of_a_customer(client, postgres_url):
    assert client.get("/customers/a/stats").status_code == 404
    assert client.get("/customers/a/stats").json()["detail"].endswith("export resource_statistics_by_day")
    days = [day("a/b ä", f"2026-01-{number:02}", number) for number in (3, 1, 2)]
    export(postgres_url, "resource_statistics_by_day", [*days, day("b", "2026-01-01", 9), day(None, "2026-01-01", 9)])

    def shown(path, **parameters):
        answer = client.get(f"/customers/{path}/stats", params=parameters).raise_for_status().json()
        return answer["customer_id"], [row["success_requests"] for row in answer["rows"]]

    assert shown("a%2Fb%20ä") == ("a/b ä", [1, 2, 3])
    assert shown("a/b ä", **{"from": "2026-01-02"}) == ("a/b ä", [2, 3])
    assert shown("a/b ä", **{"from": "2026-01-02", "to": "2026-01-02"}) == ("a/b ä", [2])
    assert shown("b") == ("b", [9])
    assert shown("B") == ("B", [])
    assert shown("%00") == ("\0", [])
    assert client.get("/customers/b/stats").json()["rows"] == [
        {
            "date": "2026-01-01",
            "success_requests": 9,
            "failed_requests": 1,
            "success_micros": 5000,
            "durations": 2,
            "duration_micros": 5000,
            "duration_p50": 0.002,
            "duration_p99": 0.003,
            "duration_mean": 0.0025,
            "uptime_percentage": 99.5,
        }
    ]


BAD = {
    "/customers/a/stats?from=yesterday": "from",
    "/customers/a/stats?to=2026-02-30": "to",
    "/customers/a/stats?from=2026-02-02&to=2026-02-01": "from",
    "/scores?limit=0": "limit",
    "/products?limit=many": "limit",
    "/products/aggregate?order=size": "order",
    "/processes/statistics?by=minute": "by",
    "/processes/web/one": "pid",
    "/processes/web/99999999999999999999": "pid",
}


def test_bad_parameters_are_named(client):
    for path, name in BAD.items():
        answer = client.get(path)
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        document = answer.json()
        assert [error["name"] for error in document["errors"]] == [name]
        assert document["detail"].startswith(f"{name}: ")
        assert (document["status"], document["type"], document["instance"]) == (422, "about:blank", path.split("?")[0])


def test_parameters_that_are_none_are_named(client):
    answer = client.get("/products?serch=lamp&limit=5&limt=1")
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"name": "serch", "reason": "no such parameter: did you mean 'search'?"},
        {"name": "limt", "reason": "no such parameter: did you mean 'limit'?"},
    ]
    for path in ("/customers/a/stats?form=2026-01-01", "/scores?after=x", "/runs?offset=5", "/ingest/products?dry=1"):
        method = "POST" if "ingest" in path else "GET"
        assert client.request(method, path).status_code == 422
    reason = "this endpoint has no parameters"
    assert client.get("/healthz?x=1").json()["errors"] == [{"name": "x", "reason": reason}]


def test_top_scores(client, postgres_url):
    export(postgres_url, "top_scores", [(rank, f"id{rank}", 100 - rank) for rank in range(1, 30)])
    assert client.get("/scores?limit=2").text == (
        '{"rows":[{"rank":1,"id":"id1","value":99.000000000},{"rank":2,"id":"id2","value":98.000000000}]}'
    )
    assert len(client.get("/scores").json()["rows"]) == 10


def test_products(client, postgres_url):
    names = {"1": "Desk lamp", "2/3": "100% wool", "3": "100 wool_x", "4": None, "5": "LAMP\\"}
    export(postgres_url, "products", [(sku, name, "d", AT, "run") for sku, name in names.items()])
    lamp = {"sku": "1", "name": "Desk lamp", "description": "d", "ingested_at": "2026-01-31T08:15:00.000000Z"}
    assert client.get("/products/1").json() == {**lamp, "run_id": "run"}
    assert client.get("/products/2%2F3").json()["name"] == "100% wool"
    missing = client.get("/products/7")
    assert (missing.status_code, missing.json()["detail"]) == (404, "no product has the sku '7'")

    def found(search):
        return [row["sku"] for row in client.get("/products", params={"search": search}).json()["rows"]]

    assert found("lamp") == ["1", "5"]
    assert found("") == sorted(names)
    assert (found("100%"), found("_"), found("\\"), found("x' OR '1")) == (["2/3"], ["3"], ["5"], [])
    assert client.get("/products/%00").status_code == client.get("/products?search=%00").status_code == 422
    page = client.get("/products", params={"search": "l", "limit": 1}).json()
    assert [row["sku"] for row in page["rows"]] == ["1"]
    page = client.get("/products", params={"search": "l", "limit": 5, "after": page["after"]}).json()
    assert ([row["sku"] for row in page["rows"]], page["after"]) == (["2/3", "3", "5"], None)


def test_groups_of_products_with_the_total(client, postgres_url):
    export(postgres_url, "products_agg", [("a", 1), ("b", 3), (None, 2)])
    assert client.get("/products/aggregate?limit=2").json() == {
        "total": {"groups": 3, "products": 6},
        "rows": [{"name": "b", "no_of_products": 3}, {"name": None, "no_of_products": 2}],
        "after": client.get("/products/aggregate?limit=2").json()["after"],
    }


def process(moment, pid, host="web"):
    return (
        moment,
        "2026-01-31",
        "linux",
        host,
        pid,
        1,
        "n",
        "n -d",
        "u",
        "S",
        1.5,
        None,
        1,
        2,
        3.5,
        *[None] * 3,
        AT,
        "r",
    )


def test_snapshots_of_a_process_newest_first(client, postgres_url):
    moments = [AT.replace(minute=minute) for minute in (1, 3, 2)]
    rows = [process(moment, 7) for moment in moments] + [process(AT, 8), process(AT, 7, "other")]
    export(postgres_url, "processes", rows)
    page = client.get("/processes/web/7?limit=2").json()
    assert [row["snapshot_at"][14:16] for row in page["rows"]] == ["03", "02"]
    rest = client.get("/processes/web/7", params={"after": page["after"]}).json()
    assert [row["snapshot_at"][14:16] for row in rest["rows"]] == ["01"]
    assert client.get("/processes/%00/7").status_code == 422
    assert client.get("/processes/web/9").json() == {"after": None, "rows": []}


def test_statistics_of_processes_name_the_table_that_answered(client, postgres_url):
    values = (24, 96, 144, 96, 9.5, 10, 96, 3, 144.0, 1.5, 8.5)
    days = [(f"2026-01-{number:02}", "linux", host, "nginx", *values) for number in (1, 2, 3) for host in ("a", "b")]
    export(postgres_url, "process_statistics_by_day", days)
    export(postgres_url, "process_statistics_by_hour", [("2026-01-01", 5, "linux", "a", "nginx", *values)])
    answer = client.get("/processes/statistics?from=2026-01-02&to=2026-01-02&host=b").json()
    assert (answer["table"], [row["host"] for row in answer["rows"]]) == ("process_statistics_by_day", ["b"])
    assert len(client.get("/processes/statistics?name=nginx").json()["rows"]) == 6
    answer = client.get("/processes/statistics?by=hour").json()
    assert (answer["table"], [row["hour"] for row in answer["rows"]]) == ("process_statistics_by_hour", [5])
