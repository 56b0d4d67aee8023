"""The app: all endpoints, and what they share while it runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pkgutil import iter_modules

from fastapi import Depends, FastAPI

import sluice
from sluice.serve import database, problems, routes, uploads
from sluice.serve.context import Context, Log
from sluice.serve.options import ServeSettings
from sluice.serve.parameters import refuse_unknown


def make_app(settings: ServeSettings, database_url: str, log: Log) -> FastAPI:
    """The app for these settings; `log` writes a line."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with (
            database.opened(database_url, settings) as opened,
            uploads.opened(settings, opened, log) as taking,
        ):
            app.state.context = Context(settings, opened, taking, log)
            yield

    app = FastAPI(
        title="Sluice",
        version=sluice.__version__,
        description="Tables and aggregates as `export` wrote them; uploads that become jobs.",
        lifespan=lifespan,
        docs_url=None,  # these pages would load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    problems.install(app)
    database.install(app)
    for module in iter_modules(routes.__path__, f"{routes.__name__}."):
        app.include_router(import_module(module.name).router, dependencies=[Depends(refuse_unknown)])
    return app
