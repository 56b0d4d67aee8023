"""Who may write: those who show the token of `SLUICE_TOKEN`."""

from __future__ import annotations

import hmac

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from sluice.serve.context import of
from sluice.serve.problems import Problem

_BEARER = HTTPBearer(auto_error=False, description="what SLUICE_TOKEN is set to where the server runs")


async def _writers(request: Request) -> None:
    token = of(request).settings.token
    if not token:
        raise Problem(403, "this server takes no writes: set SLUICE_TOKEN where it runs, and start it again")
    scheme, _, shown = request.headers.get("authorization", "").partition(" ")
    known = hmac.compare_digest(shown.strip().encode(), token.encode())
    if scheme.lower() != "bearer" or not known:
        raise Problem(401, "show the token: Authorization: Bearer SLUICE_TOKEN", headers={"WWW-Authenticate": "Bearer"})


# for the `dependencies` of an endpoint that writes: answers 401 or 403 unless the request shows the token
WRITERS = [Depends(_writers), Depends(_BEARER)]
