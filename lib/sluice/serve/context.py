"""What the endpoints share: the settings, the database, and where lines are logged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends
from fastapi.requests import HTTPConnection

from sluice.serve.database import Database
from sluice.serve.options import ServeSettings

if TYPE_CHECKING:
    from sluice.serve.uploads import Uploads

Log = Callable[..., Any]  # writes a line on standard error: log(message, level="info")


@dataclass(frozen=True)
class Context:
    """What the endpoints share while the server runs."""

    settings: ServeSettings
    database: Database
    uploads: Uploads
    log: Log


def of(connection: HTTPConnection) -> Context:
    """The context of the app that has the request."""
    context: Context = connection.app.state.context
    return context


async def _serving(connection: HTTPConnection) -> Context:
    return of(connection)  # not `of` itself: FastAPI would hand what is not async to a thread, at each request


Serving = Annotated[Context, Depends(_serving)]  # of an endpoint's parameter
