"""What holds for every request: errors as problems, sizes, times, headers, counts."""

from __future__ import annotations

import re
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg2
import pytest
from exported import export
from processes import wait_for
from sluice.export import embedded


def test_unknown_paths_and_methods_are_problems(client):
    for method, path, status in (("GET", "/nothing", 404), ("PUT", "/tables", 405), ("GET", "/tables/", 404)):
        answer = client.request(method, path)
        assert answer.headers["content-type"] == "application/problem+json"
        document = answer.json()
        assert (answer.status_code, document["status"], document["instance"]) == (status, status, path)
        assert "/openapi.json" in document["detail"]


def test_every_answer_has_headers_that_let_a_browser_load_nothing_else(client):
    for path in ("/healthz", "/nothing", "/openapi.json"):
        headers = client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-cache"
        assert "server" not in headers


def test_a_request_that_is_too_large_is_refused_as_soon_as_that_is_known(serve):
    with serve("--max-upload", "1K") as server:
        answer = server.client.request("GET", "/healthz", content=b"x" * 1025)
        detail = "the request is larger than 1,024 bytes (--max-upload): send less"
        assert (answer.status_code, answer.json()["detail"]) == (413, detail)
        assert server.client.request("GET", "/healthz", content=b"x" * 1024).status_code == 200


@pytest.fixture
def locked(database, postgres_url):
    """Locks a table of the schema as an export that changes its columns does, until it is called."""
    export(postgres_url, "top_scores", [(1, "a", 1)])
    connection = psycopg2.connect(postgres_url)
    connection.cursor().execute("LOCK fresh.top_scores")
    yield connection.rollback
    connection.close()


def test_a_request_that_takes_too_long_is_ended_and_leaves_nothing_running(serve, locked, database):
    with serve("--request-timeout", "0.5") as server:
        began = time.monotonic()
        answer = server.client.get("/scores")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert "--request-timeout" in answer.json()["detail"]
        assert time.monotonic() - began < 3
        wait_for(lambda: not database("SELECT pid FROM pg_locks WHERE NOT granted"), 5)
        locked()
        assert server.client.get("/scores").status_code == 200


def test_requests_are_counted_by_route(client):
    def count(name):
        return sum(map(float, re.findall(rf"^{re.escape(name)} (\S+)$", client.get("/metrics").text, re.MULTILINE)))

    name = 'sluice_http_requests_total{code="404",method="GET",route="/tables/{name}"}'
    before = count(name)
    for table in ("x", "y", "z%0A"):
        client.get(f"/tables/{table}")
    client.get("/nothing/at/all")
    assert count(name) == before + 3
    text = client.get("/metrics").text
    assert 'route="none"' in text
    assert "nothing" not in text
    assert "# HELP sluice_http_request_seconds How long answers took." in text


def test_connections_that_were_ended_are_replaced(client, database):
    """Also in the middle of an answer, as requests go on meanwhile."""
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sluice serve'"
    with ThreadPoolExecutor(6) as others:
        ends = others.submit(lambda: [database(end) for _ in range(60)])
        found = [others.submit(lambda: client.get("/readyz").status_code) for _ in range(1200)]
        assert any(ends.result())
        assert {answer.result() for answer in found} <= {200, 503}
    assert [client.get("/readyz").status_code for _ in range(20)][-1] == 200


def test_without_a_database_it_is_alive_but_not_ready(serve):
    with tempfile.TemporaryDirectory(prefix="sluice-postgres-") as name:
        url, _ = embedded.start(Path(name))
        try:
            with serve("--schema", "public", SLUICE_DATABASE_URL=url) as server:
                embedded.stop(Path(name))
                for path in ("/readyz", "/tables", "/customers/a/stats"):
                    answer = server.client.get(path)
                    assert (answer.status_code, answer.json()["title"]) == (503, "Service Unavailable")
                    assert answer.json()["detail"].startswith("PostgreSQL cannot be reached: ")
                assert server.client.get("/healthz").status_code == 200
        finally:
            embedded.stop(Path(name))
