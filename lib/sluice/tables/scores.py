"""Scores: a value for each id; one row per id."""

from __future__ import annotations

from sluice.readers import csv
from sluice.readers.dialect import Dialect
from sluice.table import Column, Ranking, Table, stripped

TABLE = Table(
    name="scores",
    columns=(stripped("id"), Column("value", "decimal(38,9)")),
    key=("id",),
    reader=csv,
    reading=Dialect(),
    input_columns=("id", "value"),
    aggregates=(Ranking("top_scores", ("id", "value"), ("-value", "id")),),
    indexes=(("-value", "id"),),
)
