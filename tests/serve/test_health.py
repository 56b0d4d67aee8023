"""Whether the server lives and can answer."""

from __future__ import annotations


def test_it_lives_and_is_ready(client):
    assert client.get("/healthz").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready", "database": "reachable"}
