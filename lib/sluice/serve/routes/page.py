"""The web page: the files of `serve/page`. What a browser may load and run is in the headers that `guard` adds."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

_FILES = StaticFiles(directory=Path(__file__).parents[1] / "page")

router = APIRouter(include_in_schema=False)


@router.get("/")
async def page(request: Request) -> Response:
    """The page itself."""
    return await _FILES.get_response("index.html", request.scope)


@router.get("/page/{name}")
async def page_file(name: str, request: Request) -> Response:
    """What the page loads."""
    return await _FILES.get_response(name, request.scope)
