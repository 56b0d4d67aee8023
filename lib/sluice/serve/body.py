"""The bytes of a request as they come, within limits of time and size."""

from __future__ import annotations

import asyncio
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


async def pieces(request: Request, seconds: float) -> AsyncIterator[bytes]:
    """The body as it comes. Raises Problem if it pauses for so many seconds, or breaks off."""
    stream = request.stream()
    try:
        while True:
            async with asyncio.timeout(seconds):
                piece = await anext(stream, None)
            if piece is None:
                return
            yield piece
    except TimeoutError:
        raise Problem(408, f"the request paused for more than {seconds:g} s: send it again") from None
    except ClientDisconnect:
        raise Problem(400, "the request broke off: send it again") from None


async def whole(request: Request, seconds: float, most: int) -> bytes:
    """The body of a request in JSON. Raises Problem if it is too large."""
    most, data = min(most, _MOST_JSON), bytearray()
    async for piece in pieces(request, seconds):
        data += piece
        if len(data) > most:
            raise Problem(413, f"more than {most:,} bytes of JSON: send fewer records at a time, or a file")
    return bytes(data)


def of_bytes(name: str, data: bytes) -> RawFile:
    """A file that is there already."""

    async def body() -> AsyncIterator[bytes]:
        yield data

    return RawFile(name, body())
