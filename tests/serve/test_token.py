"""Who may write: those who show the token, as a bearer; nobody where the server has none. Reads are open."""

from __future__ import annotations

import httpx
import pytest
from serving import TOKEN

WRITES = [("DELETE", "/scores"), ("POST", "/scores"), ("POST", "/ingest/products")]


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_writes_need_the_token(client, method, path):
    shown = [
        None,
        "",
        TOKEN,
        f"Basic {TOKEN}",
        "Bearer",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        "Bearer ä".encode(),
    ]
    for value in shown:
        headers = {} if value is None else {"Authorization": value}
        answer = httpx.request(method, f"{client.base_url}{path}", headers=headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), value
        assert answer.json()["detail"] == "show the token: Authorization: Bearer SLUICE_TOKEN"
        assert TOKEN not in answer.text
    for scheme in ("Bearer", "bearer"):
        answer = httpx.request("POST", f"{client.base_url}/ingest/none", headers={"Authorization": f"{scheme} {TOKEN}"})
        assert answer.status_code == 404
    assert httpx.get(f"{client.base_url}/tables").status_code == 200


def test_a_server_without_a_token_takes_no_writes(serve):
    with serve(SLUICE_TOKEN="") as server:
        for method, path in WRITES:
            answer = server.client.request(method, path, headers={"Authorization": "Bearer x"})
            detail = "this server takes no writes: set SLUICE_TOKEN where it runs, and start it again"
            assert (answer.status_code, answer.json()["detail"]) == (403, detail)
        assert server.client.get("/tables").status_code == 200
