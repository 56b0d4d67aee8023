"""Scores: lines of an id and a value like `11111111_10`; one row per id, the value that came last.

All that is particular to this kind of record stands here. Of a line the last `_`, blank or tab separates id and value;
white space around either is not part of it, nor is it around a `_` that separates them. Values are exact, to 9 digits
after the point; there is none without a value. They are ranked by value, then id.
"""

from __future__ import annotations

from sluice.model.aggregate import Ranking
from sluice.model.table import Check, Column, Table, stripped
from sluice.readers.lines import reader as lines
from sluice.readers.lines.formats import LinePattern

TABLE = Table(
    name="scores",
    columns=(stripped("id"), Column("value", "decimal(38,9)")),
    key=("id",),
    reader=lines,
    reading=LinePattern(
        r"\s*(?:_|(?P<id>\S.*?)\s*[_ \t])\s*(?P<value>[^_\s]*)\s*",
        unmatched="no _ or blank between id and value",
    ),
    input_columns=("id", "value"),
    checks=(Check("has_value", "value IS NOT NULL"),),
    aggregates=(Ranking("top_scores", ("id", "value"), ("-value", "id")),),
    indexes=(("-value", "id"),),
)
