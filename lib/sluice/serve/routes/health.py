"""Whether the server lives, whether it can answer, and what it has done."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from sluice.serve.context import Serving
from sluice.serve.problems import answers

router = APIRouter(tags=["health"])


class Alive(BaseModel):
    """The server lives."""

    status: str = "alive"


class Ready(BaseModel):
    """The server can answer."""

    status: str = "ready"
    database: str = "reachable"


@router.get("/healthz", summary="Whether the server lives", responses=answers())
async def healthz() -> Alive:
    return Alive()


@router.get("/readyz", summary="Whether the server can answer: PostgreSQL is reached", responses=answers())
async def readyz(serving: Serving) -> Ready:
    await serving.database.fetchval("SELECT 1")
    return Ready()
