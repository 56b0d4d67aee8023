"""Parameters that an endpoint does not have are refused: a misspelt filter would answer with all rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from fastapi import Request

from sluice.errors import closest
from sluice.serve.problems import unfit

OWN_CHECK = {"x-parameters": "columns of the table too"}  # the `openapi_extra` of an endpoint that looks itself


async def refuse_unknown(request: Request) -> None:
    """Raises a Problem that names the parameters which OpenAPI does not have for the endpoint."""
    if request.query_params:
        path = request.scope["route"].path_format
        known = _known(request.app.openapi()["paths"].get(path, {}).get(request.method.lower()))
        unknown = [name for name in request.query_params if known is not None and name not in known]
        if unknown:
            raise unfit([(name, _reason(name, known or ())) for name in unknown])


def _known(operation: Mapping[str, Any] | None) -> Collection[str] | None:
    """The names of an endpoint's parameters; None if it takes any."""
    if operation is None or "x-parameters" in operation:
        return None
    return [entry["name"] for entry in operation.get("parameters", ()) if entry["in"] == "query"]


def _reason(name: str, known: Collection[str]) -> str:
    return f"no such parameter: {closest(name, known)}" if known else "this endpoint has no parameters"
