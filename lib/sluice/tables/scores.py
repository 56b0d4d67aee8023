"""Scores: lines of an id and a value like `11111111_10`; one row per id, the value that came last.

Everything that is particular to this kind of record is in this file. The last `_`, blank or tab of a line separates id
and value; white space at their ends is not part of them. Values are exact, with up to 9 digits after the point; a line
without a value is a reject. Scores are ranked by value, then id.
"""

from __future__ import annotations

from sluice.model.aggregate import Ranking
from sluice.model.table import Check, Column, Table, stripped
from sluice.readers.lines import reader
from sluice.readers.lines.formats import LinePattern

TABLE = Table(
    name="scores",
    columns=(stripped("id"), Column("value", "decimal(38,9)")),
    key=("id",),
    reader=reader,
    reading=LinePattern(
        r"\s*(?:_|(?P<id>\S.*?)\s*[_ \t])\s*(?P<value>[^_\s]*)\s*",
        unmatched="no _ or blank between id and value",
    ),
    input_columns=("id", "value"),
    checks=(Check("has_value", "value IS NOT NULL"),),
    aggregates=(Ranking("top_scores", ("id", "value"), ("-value", "id")),),
    indexes=(("-value", "id"),),
)
