"""Whether the server lives, whether it can answer, and what it has done."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, Response
from pydantic import BaseModel, ConfigDict

from sluice.metrics.serving import CONTENT_TYPE, exposition
from sluice.serve.context import Serving
from sluice.serve.problems import answers

router = APIRouter(tags=["health"])
_METRIC = 'sluice_http_requests_total{code="200",method="GET",route="/tables"} 12.0'


class Alive(BaseModel):
    """The server lives."""

    status: Literal["alive"] = "alive"
    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "alive"}]})


class Ready(BaseModel):
    """The server can answer."""

    status: Literal["ready"] = "ready"
    database: Literal["reachable"] = "reachable"
    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "ready", "database": "reachable"}]})


@router.get("/healthz", summary="Whether the server lives", responses=answers())
async def healthz() -> Alive:
    return Alive()


@router.get("/readyz", summary="Whether the server can answer: PostgreSQL is reached", responses=answers())
async def readyz(serving: Serving) -> Ready:
    await serving.database.fetchval("SELECT 1")
    return Ready()


@router.get(
    "/metrics",
    summary="What the server has done, for Prometheus",
    response_class=PlainTextResponse,
    responses={**answers(), 200: {"content": {"text/plain": {"example": _METRIC}}}},
)
async def metrics() -> Response:
    return Response(exposition(), media_type=CONTENT_TYPE)
