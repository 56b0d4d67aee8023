"""Spark writes rows into PostgreSQL by JDBC: the driver's options, and how its failures are recognised."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from pyspark.sql import DataFrame

from sluice.errors import DatabaseError

_CONNECTIONS = 8  # at most: an export should not use up those that a server allows
_PACKAGES = ("org.postgresql", "java.sql")  # Spark wraps the driver's exceptions; their texts name these


def options(connection: Any) -> dict[str, str]:
    """A psycopg2 connection's server, user and encryption for JDBC. The password is an option, never in the URL.

    Raises DatabaseError if the connection goes through a Unix socket.
    """
    info = connection.info
    if info.host.startswith("/"):
        raise DatabaseError(
            f"PostgreSQL is connected through the socket {info.host}, which JDBC cannot use: name a host in "
            "SLUICE_DATABASE_URL"
        )
    encryption = {name: info.dsn_parameters[name] for name in ("sslmode", "sslrootcert") if name in info.dsn_parameters}
    parameters = urlencode({"reWriteBatchedInserts": "true", "ApplicationName": "sluice", **encryption})
    host = f"[{info.host}]" if ":" in info.host else info.host
    return {
        "url": f"jdbc:postgresql://{host}:{info.port}/{quote(info.dbname)}?{parameters}",
        "user": info.user,
        "password": info.password or "",
        "driver": "org.postgresql.Driver",
        "batchsize": "10000",
    }


def append(rows: DataFrame, connection: Any, staging: str, name: str) -> None:
    """Adds rows of the table `name` to a staging table (quoted SQL). Raises DatabaseError if they are refused."""
    try:
        writer = rows.coalesce(_CONNECTIONS).write.format("jdbc").options(**options(connection), dbtable=staging)
        writer.mode("append").save()
    except Exception as error:
        text = str(error)
        if not any(package in text for package in _PACKAGES):
            raise
        cause = next((line for line in text.splitlines() if "PSQLException" in line), "the connection was lost")
        raise DatabaseError(f"PostgreSQL refused rows of {name}: {cause.strip()[:300]}") from None
