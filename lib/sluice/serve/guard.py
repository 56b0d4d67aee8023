"""What holds for every request: how large and slow it may be, what its answer's headers say, how it is counted."""

from __future__ import annotations

import asyncio
import time
import traceback
from typing import Any

from sluice.metrics.serving import count_request
from sluice.serve import problems
from sluice.serve.context import Log
from sluice.serve.options import ServeSettings
from sluice.serve.problems import Problem

_HEADERS = [  # unless an answer has its own
    (b"cache-control", b"no-cache"),  # tables change with every export
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        b"require-trusted-types-for 'script'; trusted-types 'none'",  # a script that takes a text as HTML fails
    ),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
]


class Guard:
    """An ASGI app around another."""

    def __init__(self, app: Any, settings: ServeSettings, log: Log) -> None:
        self._app, self._settings, self._log = app, settings, log

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await _Request(self._app, self._settings, self._log, scope, receive, send).answer()
        else:
            await self._app(scope, receive, send)


class _Request:
    def __init__(self, app: Any, settings: ServeSettings, log: Log, scope: Any, receive: Any, send: Any) -> None:
        self._app, self._settings, self._log = app, settings, log
        self._scope, self._receive_piece, self._send_piece = scope, receive, send
        self._received = 0
        self._status: int | None = None  # once the answer has begun
        self._limit = asyncio.timeout(settings.request_timeout)

    async def answer(self) -> None:
        """Lets the app answer; in its place, what is wrong if the request is too large or takes too long."""
        began = time.monotonic()
        try:
            async with self._limit:
                self._check_length()
                await self._app(self._scope, self._receive, self._send)
        except Problem as problem:
            await self._answer_problem(problem)
        except TimeoutError:
            detail = f"the request took longer than {self._settings.request_timeout:g} s (--request-timeout): try again"
            await self._answer_problem(Problem(503, detail, headers={"Retry-After": "1"}))
        except Exception as error:  # the app has answered 500, or has begun another answer
            place = traceback.extract_tb(error.__traceback__)[-1]
            cause = f"unexpected {type(error).__name__}: {error} ({place.name}, line {place.lineno})"
            self._log(" ".join(f"{self._scope['method']} {self._scope['path']}: {cause}".split()), "error")
        finally:
            route = getattr(self._scope.get("route"), "path", "none")
            count_request(self._scope["method"], route, self._status or 499, time.monotonic() - began)

    def _check_length(self) -> None:
        for name, value in self._scope["headers"]:
            if name == b"content-length" and value.isdigit() and int(value) > self._settings.max_upload:
                raise self._too_large()

    def _too_large(self) -> Problem:
        return Problem(413, f"the request is larger than {self._settings.max_upload:,} bytes (--max-upload): send less")

    async def _receive(self) -> Any:
        """The next piece of the body; the time limit begins anew with each."""
        message = await self._receive_piece()
        if message["type"] == "http.request":
            self._received += len(message.get("body", b""))
            if self._received > self._settings.max_upload:
                raise self._too_large()
            if self._status is None:
                self._limit.reschedule(asyncio.get_running_loop().time() + self._settings.request_timeout)
        return message

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self._limit.reschedule(None)  # an answer that has begun may last, as events do
        await self._send_with_headers(message)

    async def _send_with_headers(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            own = {name for name, _ in message["headers"]}
            message["headers"] = [*message["headers"], *(header for header in _HEADERS if header[0] not in own)]
        await self._send_piece(message)

    async def _answer_problem(self, problem: Problem) -> None:
        if self._status is None:
            answer = problems.response(problem, self._scope["path"])
            await answer(self._scope, self._receive_piece, self._send_with_headers)
