"""Rows as COPY takes them: PostgreSQL's text format, https://www.postgresql.org/docs/current/sql-copy.html."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

# In the order in which they are replaced. Its CSV format would take a line `\.` within quotes for the end (before 18).
_ESCAPES = {"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"}
_NULL, _BETWEEN, _END, _NONE = (pa.scalar(text, pa.large_string()) for text in (r"\N", "\t", "\n", ""))


def copy_text(batch: pa.RecordBatch) -> pa.Buffer:
    """A line for each row, with its values in the order of the columns; times are UTC."""
    fields = [_text(column) for column in batch.columns]
    lines = pc.binary_join_element_wise(pc.binary_join_element_wise(*fields, _BETWEEN), _NONE, _END)
    return pc.binary_join(pa.LargeListArray.from_arrays([0, len(lines)], lines), _NONE)[0].as_buffer()


def _text(column: pa.Array) -> pa.Array:
    text = column.cast(pa.large_string())
    if pa.types.is_string(column.type):
        for plain, escaped in _ESCAPES.items():
            text = pc.replace_substring(text, plain, escaped)
    return text.fill_null(_NULL)


def row_with_nul(batch: pa.RecordBatch, key: Sequence[str]) -> str | None:
    """Names the first row with text that PostgreSQL cannot hold; new rows have none, those of old tables may."""
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if not pa.types.is_string(column.type):
            continue
        found = pc.index(pc.match_substring(column, "\0"), True).as_py()
        if found >= 0:
            row = batch.select(list(key)).slice(found, 1).to_pylist()[0]
            named = ", ".join(f"{part} {value!r}" for part, value in row.items())
            return f"column {name} of the row with {named} has a NUL character: ingest this row without it, then export"
    return None
