"""Errors as `application/problem+json` (RFC 9457): what is wrong and what to do, for each answer that is none."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

MEDIA_TYPE = "application/problem+json"


class Wrong(BaseModel):
    """A parameter or a field that is wrong."""

    name: str
    reason: str


class ProblemDocument(BaseModel):
    """What an error answers."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    instance: str | None = None
    errors: list[Wrong] | None = None
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "about:blank",
                    "title": "Not Found",
                    "status": 404,
                    "detail": "table products is not exported yet: run ./spark-submit.sh export products",
                    "instance": "/products",
                }
            ]
        }
    )


class Problem(HTTPException):
    """An error of the request or of what it needs. `errors`: names of parameters with what is wrong with them."""

    def __init__(
        self,
        status: int,
        detail: str,
        errors: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, detail, headers)
        self.errors = errors


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors of an endpoint for its `responses`, as OpenAPI describes them; those of every endpoint are added."""
    schema = {"$ref": "#/components/schemas/ProblemDocument"}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in sorted({*statuses, 413, 422, 500, 503})
    }


def response(problem: Problem, instance: str) -> Response:
    """The answer for a problem of a request for the path `instance`."""
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status_code).phrase,
        "status": problem.status_code,
        "detail": problem.detail,
        "instance": instance,
    }
    if problem.errors:
        document["errors"] = [{"name": name, "reason": reason} for name, reason in problem.errors]
    text = json.dumps(document, ensure_ascii=False).encode(errors="backslashreplace")
    return Response(text, problem.status_code, dict(problem.headers or {}), MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Lets the app answer all errors so, and describe them in OpenAPI."""

    @app.exception_handler(Problem)
    async def of_ours(request: Request, error: Problem) -> Response:
        return response(error, request.url.path)

    @app.exception_handler(HTTPException)
    async def of_starlette(request: Request, error: HTTPException) -> Response:
        detail = f"{request.method} {request.url.path}: {error.detail}: /openapi.json has all endpoints"
        return response(Problem(error.status_code, detail, headers=error.headers), request.url.path)

    @app.exception_handler(RequestValidationError)
    async def of_parameters(request: Request, error: RequestValidationError) -> Response:
        errors = [(_name(entry["loc"]), str(entry["msg"])) for entry in error.errors()]
        return response(unfit(errors), request.url.path)

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        return response(Problem(500, "unexpected: the lines of the server tell more"), request.url.path)

    _describe(app)


def _describe(app: FastAPI) -> None:
    """Lets OpenAPI have the document of an error, which no endpoint returns as a model."""
    described = app.openapi

    def openapi() -> dict[str, Any]:
        document = described()  # the same one each time
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        if ProblemDocument.__name__ not in schemas:
            schema = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas |= {**schema.pop("$defs"), ProblemDocument.__name__: schema}
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def unfit(errors: Sequence[tuple[str, str]]) -> Problem:
    """The Problem of parameters that are wrong: names with reasons."""
    return Problem(422, "; ".join(f"{name}: {reason}" for name, reason in errors), errors)


def _name(location: Sequence[Any]) -> str:
    """`limit` of the query, `items.3.sku` of the body."""
    return ".".join(str(part) for part in location[1:]) or str(location[0])
