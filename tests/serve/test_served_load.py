"""Many requests at once, from another process: none fails. `python tests/serve/load.py` measures for longer."""

from __future__ import annotations

import pytest
from load import fill, load


@pytest.mark.slow
def test_no_request_fails_at_25_connections(client, postgres_url):
    fill(postgres_url, "fresh")
    figures = load(client.base_url.port, 5)
    print(figures)
    assert figures["failed"] == 0
    assert figures["requests"] > 500
