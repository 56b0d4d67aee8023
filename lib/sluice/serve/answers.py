"""Rows as JSON that PostgreSQL writes: numbers with all their digits, times in ISO 8601, UTC."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeAlias

from fastapi.responses import Response

from sluice.serve.relations import column

# of a column of doubles: JSON has no numbers for the last three
Real: TypeAlias = float | Literal["NaN", "Infinity", "-Infinity"] | None


def as_json(columns: Mapping[str, str], alias: str) -> str:
    """The columns, name → PostgreSQL's type, of the table with the alias, each as SQL that JSON can hold."""
    return ", ".join(f"{_value(column(name, alias), kind)} AS {column(name)}" for name, kind in columns.items())


def _value(sql: str, kind: str) -> str:
    if kind == "timestamp with time zone":
        return f"""to_char({sql}, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""  # the session's time zone is UTC
    return sql


def with_rows(rows: Iterable[str], **fields: str) -> Response:
    """An object of `rows`, each JSON, and of fields whose values are JSON too. The fields come first."""
    members = [f'"{name}":{value}' for name, value in fields.items()]
    return as_answer("{" + ",".join([*members, f'"rows":[{",".join(rows)}]']) + "}")


def as_answer(document: str, status: int = 200) -> Response:
    """JSON that is written already, as an answer."""
    return Response(document, status, media_type="application/json")


def example(row: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """What OpenAPI shows of an object with such rows: the `json_schema_extra` of a model."""
    return {"examples": [{**fields, "rows": [row]}]}
