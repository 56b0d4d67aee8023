"""The bytes of a request as they come; `guard` limits their number, and how long a request may pause."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from fastapi import Request
from starlette.requests import ClientDisconnect

from sluice.serve.problems import Problem

_MOST_JSON = 16 << 20  # bytes: JSON is held as a whole


@dataclass(frozen=True)
class RawFile:
    """A request's body that is a file; `name`: as its sender calls it."""

    name: str
    body: AsyncIterator[bytes]

    def pieces(self) -> AsyncIterator[bytes]:
        return self.body


def of_bytes(name: str, data: bytes) -> RawFile:
    """A file that is there already."""

    async def body() -> AsyncIterator[bytes]:
        yield data

    return RawFile(name, body())


async def pieces(request: Request) -> AsyncIterator[bytes]:
    """The body as it comes. Raises Problem if it breaks off."""
    try:
        async for piece in request.stream():
            yield piece
    except ClientDisconnect:
        raise Problem(400, "the request broke off: send it again") from None


async def whole(request: Request) -> bytes:
    """The body of a request in JSON. Raises Problem if it is too large."""
    data = bytearray()
    async for piece in pieces(request):
        data += piece
        if len(data) > _MOST_JSON:
            raise Problem(413, f"more than {_MOST_JSON:,} bytes of JSON: send fewer records at a time, or a file")
    return bytes(data)
