"""Rejects that fit into the driver's memory are written there, without a write of Spark's; others by Spark; alike."""

from __future__ import annotations

import pytest
from conftest import HEADER
from sluice.ledger import rejects


@pytest.mark.parametrize(
    ("rows", "size", "by_spark"), [(3, 1000, False), (2, 1000, True), (3, 18, True), (3, 19, False)]
)
def test_few_rejects_and_little_text_go_through_the_driver(job, csv_file, monkeypatch, rows, size, by_spark, lake):
    monkeypatch.setattr(rejects, "_FEW", rows)
    monkeypatch.setattr(rejects, "_FEW_BYTES", size)
    written = []
    many = rejects._many
    monkeypatch.setattr(rejects, "_many", lambda *arguments: written.append(1) or many(*arguments))
    path = csv_file("a.csv", HEADER, ",one,x", ",two,y", "a,b,c,d", "s,n,d")
    assert job("ingest", "products", path, "--max-rejects", "100%").counts == {"read": 4, "rejected": 3, "inserted": 1}
    kept = [(row["raw"], row["reason"]) for row in rejects.newest(str(lake), "products")]
    assert kept == [(",one,x", "sku is empty"), (",two,y", "sku is empty"), ("a,b,c,d", "4 fields, expected 3")]
    assert bool(written) == by_spark
