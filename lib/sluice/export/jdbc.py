"""Spark writes rows into PostgreSQL by JDBC: the driver's options, and how its failures are recognised."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sluice.errors import DatabaseError
from sluice.export.encryption import jdbc_parameters
from sluice.export.target import Target

_CONNECTIONS = 8  # at most: an export should not use up those that a server allows
# PostgreSQL, not the driver, decides the type of a text: `_times_as_text` relies on it.
_PARAMETERS = {"reWriteBatchedInserts": "true", "stringtype": "unspecified", "ApplicationName": "sluice"}
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
    encryption = jdbc_parameters(info)
    parameters = urlencode({**_PARAMETERS, **encryption})
    host = _host(info, encryption["sslmode"])
    return {
        "url": f"jdbc:postgresql://{host}:{info.port}/{quote(info.dbname, safe='')}?{parameters}",
        "user": info.user,
        "password": info.password or "",
        "driver": "org.postgresql.Driver",
        "batchsize": "10000",
    }


def _host(info: Any, sslmode: str) -> str:
    """The server as a URL names it: by its address where libpq was told one, unless its name is to be verified."""
    address = info.dsn_parameters.get("hostaddr", "")
    host = address if address and "," not in address and sslmode != "verify-full" else info.host
    return f"[{host}]" if ":" in host else host


def append(rows: DataFrame, connection: Any, staging: str, target: Target) -> None:
    """Adds rows of a target to a staging table (quoted SQL). Raises DatabaseError if they are refused."""
    try:
        writer = (
            _times_as_text(rows)
            .coalesce(_CONNECTIONS)
            .write.format("jdbc")
            .options(**options(connection), dbtable=staging)
        )
        writer.mode("append").save()
    except Exception as error:
        text = str(error)
        if not any(package in text for package in _PACKAGES):
            raise
        cause = next((line for line in text.splitlines() if "PSQLException" in line), "the connection was lost")
        cause = _row_with_nul(rows, target) or cause.strip()[:300]
        raise DatabaseError(f"PostgreSQL refused rows of {target.name}: {cause}") from None


def _times_as_text(rows: DataFrame) -> DataFrame:
    """The rows with dates and timestamps (UTC) as text, which PostgreSQL reads.

    The classes of Java that JDBC has for them lack the days from 1582-10-05 to 14, when calendars changed.
    """
    suffixes = {"date": "", "timestamp": "Z"}
    texts = {
        name: F.concat(F.col(f"`{name}`").cast("string"), F.lit(suffixes[kind]))
        for name, kind in rows.dtypes
        if kind in suffixes
    }
    return rows.withColumns(texts)


def _row_with_nul(rows: DataFrame, target: Target) -> str | None:
    """Names the first row with text that PostgreSQL cannot hold; new rows have none, those of old tables may."""
    texts = [name for name, kind in target.columns.items() if kind == "string"]
    with_nul = [F.col(name).contains("\0") for name in texts]
    for row in rows.where(F.array_contains(F.array(*with_nul), True)).head(1) if texts else ():
        column = next(name for name in texts if "\0" in (row[name] or ""))
        key = ", ".join(f"{name} {row[name]!r}" for name in target.key)
        return f"column {column} of the row with {key} has a NUL character: ingest this row without it, then export"
    return None
