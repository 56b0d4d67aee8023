"""PostgreSQL as the endpoints see it: a pool of connections whose statements end in time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from sluice.errors import DatabaseError
from sluice.serve.address import for_asyncpg
from sluice.serve.options import ServeSettings
from sluice.serve.problems import Problem

_CONNECTIONS = 10
# what asyncpg says if PostgreSQL cannot be reached, or ends a connection
LOST = (
    OSError,
    asyncpg.InterfaceError,
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

    async def fetch(self, statement: str, *values: Any) -> list[Any]:
        """The rows of a statement."""
        async with self.pool.acquire() as connection:
            return list(await connection.fetch(statement, *values))

    async def fetchval(self, statement: str, *values: Any) -> Any:
        """The first value of the first row; None if there is none."""
        async with self.pool.acquire() as connection:
            return await connection.fetchval(statement, *values)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Any]:
        """A connection whose statements all see one state: that before an export, or that after it."""
        async with (
            self.pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            yield connection


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
        timeout=10,
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
    except (*LOST, asyncpg.PostgresError, TimeoutError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise DatabaseError(f"PostgreSQL: {first}") from None
    if not found:
        raise DatabaseError(
            f'PostgreSQL: schema "{settings.schema}" does not exist: create it, or choose another --schema'
        )


def not_exported(table: str) -> Problem:
    """The answer about a table that PostgreSQL lacks."""
    return Problem(404, f"table {table} is not yet exported: run ./spark-submit.sh export {table}")
