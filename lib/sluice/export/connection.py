"""How PostgreSQL is reached: which server, and a connection that a signal can interrupt."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
from psycopg2.extensions import parse_dsn

from sluice.errors import DatabaseError
from sluice.export import embedded
from sluice.export.database import Database
from sluice.export.waiting import interruptible

_LIBPQ_VARIABLES = ("PGHOST", "PGHOSTADDR", "PGSERVICE", "PGDATABASE")
_ADVICE = {  # what to do about a failure of encryption, by words of libpq's message
    "certificate verify failed": "name the file of the authority that signed it by sslrootcert (PGSSLROOTCERT)",
    "does not match host name": "connect by a name of the certificate",
    "root certificate file": "put it there, or name another by sslrootcert (PGSSLROOTCERT)",
    "server does not support SSL": "set up TLS there, or choose another sslmode (PGSSLMODE)",
}


def database_url(log: Callable[[str], Any]) -> str:
    """What libpq connects to: `SLUICE_DATABASE_URL`; else, with none of libpq's own variables, the embedded server.

    An empty URL leaves it to libpq's variables. The embedded server is started if need be, and logged without its
    password. Raises DatabaseError.
    """
    if url := os.environ.get("SLUICE_DATABASE_URL"):
        check_url(url)
        return url
    if any(os.environ.get(name) for name in _LIBPQ_VARIABLES):
        return ""
    url, started = embedded.start(Path(".sluice", "postgres"))
    parts = urlsplit(url)
    without_password = f"postgresql://{parts.username}@{parts.hostname}:{parts.port}{parts.path}"
    state = "started" if started else "in use"
    log(f"embedded PostgreSQL {state}: {without_password} (password in .sluice/postgres/password)")
    return url


def check_url(url: str) -> None:
    """Raises DatabaseError for a URL that libpq would misread: its own message would show a part of the password."""
    try:
        parts = urlsplit(url)
        well_formed = parts.netloc.count("@") <= 1 and (parts.port is None or parts.port > 0)
        valid = well_formed and parts.scheme in ("postgres", "postgresql")
        if valid:
            parse_dsn(url)
    except (ValueError, psycopg2.ProgrammingError):
        valid = False
    if not valid:
        raise DatabaseError(
            "SLUICE_DATABASE_URL is not a valid URL: write it as postgresql://user:password@host:port/database, and "
            "percent-encode the special characters of its password"
        )


@contextmanager
def connected(url: str, schema: str) -> Iterator[Database]:
    """A connection to the database, whose tables are exported into a schema. Raises DatabaseError for its refusals."""
    try:
        connection = psycopg2.connect(url, connect_timeout=10, application_name="sluice")
        try:
            with interruptible():
                connection.set_client_encoding("UTF8")
                yield Database(connection, schema)
        finally:
            connection.close()
    except psycopg2.Error as error:
        raise DatabaseError(f"PostgreSQL: {_first_line(error)}") from None


def _first_line(error: psycopg2.Error) -> str:
    """The line that says why; libpq writes one for each address of a host that it has tried.

    It is of the failure that led to others: after a lost connection a rollback fails too.
    """
    while isinstance(error.__context__, psycopg2.Error):
        error = error.__context__
    lines = str(error).strip().splitlines() or [type(error).__name__]
    for line in lines:
        for words, advice in _ADVICE.items():
            if words in line:
                return f"{line}: {advice}"
    return lines[0]
