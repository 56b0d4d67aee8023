"""PostgreSQL as the endpoints see it: a pool of connections whose statements end in time."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
from fastapi import FastAPI, Request
from fastapi.responses import Response

from sluice.errors import DatabaseError
from sluice.serve.address import for_asyncpg
from sluice.serve.options import ServeSettings
from sluice.serve.problems import Problem, response

_CONNECTIONS = 10
_WAIT = 10  # seconds for a connection
# what asyncpg raises if PostgreSQL cannot be reached, or ends a connection
LOST = (
    ConnectionError,
    socket.gaierror,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # of a connection that ends in the middle of an answer
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.TooManyConnectionsError,
)


class Database:
    """A pool of connections; `schema` is the one that tables are exported to."""

    def __init__(self, pool: Any, schema: str) -> None:
        self.pool = pool
        self.schema = schema

    def name(self, table: str) -> str:
        """A table of the schema as quoted SQL."""
        return f"{quoted(self.schema)}.{quoted(table)}"

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """A connection of the pool. Raises a Problem if PostgreSQL cannot be reached."""
        try:
            lent = await self.pool.acquire(timeout=_WAIT)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:  # OSError: a timeout too
            raise unreachable(error) from None
        try:
            yield lent
        finally:
            await self.pool.release(lent)

    async def fetch(self, statement: str, *values: Any) -> list[Any]:
        """The rows of a statement."""
        async with self.connection() as connection:
            return list(await connection.fetch(statement, *values))

    async def fetchval(self, statement: str, *values: Any) -> Any:
        """The first value of the first row; None if there is none."""
        async with self.connection() as connection:
            return await connection.fetchval(statement, *values)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        """Statements that all see one state: that before an export, or that after it."""
        async with self.connection() as lent, lent.transaction(isolation="repeatable_read", readonly=True):
            yield Snapshot(lent, self)


@dataclass(frozen=True)
class Snapshot:
    """A connection that sees one state of the database."""

    connection: Any
    database: Database

    async def fetch(self, statement: str, *values: Any) -> list[Any]:
        """The rows of a statement."""
        return list(await self.connection.fetch(statement, *values))


def quoted(name: str) -> str:
    """A name as SQL takes any: PostgreSQL has none with a NUL, which is left out."""
    return '"' + name.replace("\0", "").replace('"', '""') + '"'


@asynccontextmanager
async def opened(url: str, settings: ServeSettings) -> AsyncIterator[Database]:
    """The database at a URL of libpq's; an empty one leaves it to libpq's variables. It need not be reachable yet."""
    async with asyncpg.create_pool(
        for_asyncpg(url) or None,
        min_size=0,
        max_size=_CONNECTIONS,
        timeout=_WAIT,
        command_timeout=settings.request_timeout,
        server_settings={
            "application_name": "sluice serve",
            "TimeZone": "UTC",
            "statement_timeout": str(round(1000 * settings.request_timeout)),
        },
    ) as pool:
        yield Database(pool, settings.schema)


async def check(url: str, settings: ServeSettings) -> None:
    """Raises DatabaseError if PostgreSQL cannot be reached, or lacks the schema."""
    try:
        async with opened(url, settings) as database:
            found = await database.fetchval("SELECT 1 FROM pg_namespace WHERE nspname::text = $1", settings.schema)
    except Problem as problem:
        raise DatabaseError(str(problem.detail)) from None
    if not found:
        raise DatabaseError(
            f'PostgreSQL: schema "{settings.schema}" does not exist: create it, or choose another --schema'
        )


def unreachable(error: Exception) -> Problem:
    """The answer where PostgreSQL cannot be asked."""
    return _for_now(f"PostgreSQL cannot be reached: {_first_line(error)}")


def _late(error: Exception) -> Problem:
    return _for_now("PostgreSQL took too long (--request-timeout): ask for less, or again once an export has ended")


def _changed(error: Exception) -> Problem:
    return _for_now(f"an export changed the table meanwhile ({_first_line(error)}): try again")


def _for_now(detail: str) -> Problem:
    return Problem(503, detail, headers={"Retry-After": "1"})


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


_ANSWERS: dict[type[Exception], Callable[[Exception], Problem]] = {
    **dict.fromkeys(LOST, unreachable),
    **dict.fromkeys((TimeoutError, asyncpg.QueryCanceledError), _late),
    **dict.fromkeys((asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError), _changed),
}


def install(app: FastAPI) -> None:
    """Lets the app answer 503 for what PostgreSQL cannot do now."""

    async def answer(request: Request, error: Exception) -> Response:
        tell = next(tell for kind, tell in _ANSWERS.items() if isinstance(error, kind))
        return response(tell(error), request.url.path)

    for kind in _ANSWERS:
        app.add_exception_handler(kind, answer)
