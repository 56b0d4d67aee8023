"""A file that unpacks to a thousand times its size ends a real job soon, with the lake as it was."""

from __future__ import annotations

import gzip
import json
import time

import pytest
from conftest import HEADER
from processes import finished


@pytest.mark.slow
def test_a_bomb_of_10_gb_is_refused_within_seconds(submit, lake, csv_file):
    head = gzip.compress(f"{HEADER}\n1,Lamp,d\n2,Chair,".encode())
    bomb = csv_file("bomb.csv.gz", data=head + gzip.compress(b"x" * (64 << 20)) * 160)
    assert bomb.stat().st_size < 11_000_000
    before = time.monotonic()
    code, out, error = finished(submit("ingest", "products", bomb, shipped=True))
    assert time.monotonic() - before < 60  # on a busy machine Java's start is half of it; to parse 10 GB takes minutes
    assert code == 3
    reason = f"{bomb.as_uri()}: decompresses to more than 500 times its size, and to more than 1G"
    assert json.loads(out)["error"].startswith(reason)
    assert error.splitlines()[-1].startswith(f"ingest: {reason}")
    assert not (lake / "products").exists()
