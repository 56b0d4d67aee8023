"""Scores: records such as `11111111_10` of an id and a value, one a line; the last value of an id counts.

All that is particular to this kind of record stands here. The last `_`, blank or tab of a line stands between the two;
white space around either is no part of it.
"""

from __future__ import annotations

from sluice.readers import lines
from sluice.readers.line_formats import LinePattern
from sluice.table import Column, Ranking, Table, stripped

TABLE = Table(
    name="scores",
    columns=(stripped("id"), Column("value", "decimal(38,9)")),
    key=("id",),
    reader=lines,
    reading=LinePattern(r"(?P<id>.*)[_ \t](?P<value>[^_ \t]+)[ \t]*", unmatched="not an id, _ or a blank, and a value"),
    input_columns=("id", "value"),
    aggregates=(Ranking("top_scores", ("id", "value"), ("-value", "id")),),
    indexes=(("-value", "id"),),
)
