"""The only module that touches PostgreSQL: staging tables, and one transaction that makes tables equal to Delta's."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import parse_dsn, set_wait_callback
from psycopg2.extras import wait_select

from sluice.errors import Busy, DatabaseError
from sluice.export import embedded
from sluice.model.aggregate import direction

GONE = "sluice_gone"
_LEDGER = "sluice_exports"
_STAGING = "sluice_staging_"
_LONGEST_NAME = 63
_LOCK = 0x51_1CE  # of all exports into a database
_TYPES = {
    "string": "text",
    "bigint": "bigint",
    "int": "integer",
    "smallint": "smallint",
    "tinyint": "smallint",
    "float": "real",
    "double": "double precision",
    "date": "date",
    "timestamp": "timestamp with time zone",
    "boolean": "boolean",
}


@dataclass(frozen=True)
class Exported:
    """What a table of PostgreSQL holds: a version of a Delta table."""

    lake: str
    table_id: str
    version: int


@dataclass(frozen=True)
class Target:
    """A table to be made equal to Delta's; `columns` maps names to Spark's types. `full`: staging holds all rows.

    In `indexes` a name with `-` before it is in descending order. Text in them is in the order of its bytes, as
    Delta's is, whatever the database's own: an order is then the same in both.
    """

    name: str
    columns: dict[str, str]
    key: tuple[str, ...]
    nullable_key: bool
    indexes: tuple[tuple[str, ...], ...]
    holds: Exported
    full: bool


def url(log: Any) -> str:
    """What libpq connects to: `SLUICE_DATABASE_URL`, else its own variables, else the embedded server's URL."""
    if given := os.environ.get("SLUICE_DATABASE_URL"):
        _check(given)
        return given
    if any(os.environ.get(name) for name in ("PGHOST", "PGSERVICE", "PGDATABASE", "PGHOSTADDR")):
        return ""
    address, started = embedded.start(Path(".sluice", "postgres"))
    parts, state = urlsplit(address), "started" if started else "in use"
    shown = f"postgresql://{parts.username}@{parts.hostname}:{parts.port}{parts.path}"
    log(f"embedded PostgreSQL {state}: {shown} (password in .sluice/postgres/password)")
    return address


def _check(given: str) -> None:
    """Refuses a URL that libpq would misread: its message would show a part of the password."""
    try:
        parts = urlsplit(given)
        well_formed = parts.netloc.count("@") <= 1 and (parts.port is None or parts.port > 0)
        valid = well_formed and parts.scheme in ("postgres", "postgresql")
        if valid:
            parse_dsn(given)
    except (ValueError, psycopg2.ProgrammingError):
        valid = False
    if not valid:
        raise DatabaseError(
            "SLUICE_DATABASE_URL is not a URL like postgresql://user:password@host:port/database: "
            "percent-encode the special characters of its password"
        )


@contextmanager
def connected(address: str, schema: str) -> Iterator[Database]:
    """Raises DatabaseError for whatever PostgreSQL refuses."""
    try:
        connection = psycopg2.connect(address, connect_timeout=10, application_name="sluice")
        set_wait_callback(_wait)
        try:
            yield Database(connection, schema)
        finally:
            set_wait_callback(None)
            connection.close()
    except psycopg2.Error as error:
        raise DatabaseError(f"PostgreSQL: {_first_line(error)}") from None


def _wait(connection: Any) -> None:
    """Waits for an answer so that a signal can end it: libpq's own waiting would go on; so would the statement."""
    try:
        wait_select(connection)
    except BaseException:
        connection.cancel()
        raise


def _first_line(error: psycopg2.Error) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


class Database:
    """A connection, and the schema whose tables are exported into."""

    def __init__(self, connection: Any, schema: str) -> None:
        self._connection = connection
        self._schema = schema

    def prepare(self, timeout: float) -> None:
        """Takes the exports' lock until the connection ends and drops what dead runs left.

        Raises Busy if another export holds the lock for longer than `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        while not self._all("SELECT pg_try_advisory_lock(%s)", _LOCK)[0][0]:
            if time.monotonic() >= deadline:
                raise Busy("another export into this database is at work: try again, or set a longer --lock-timeout")
            time.sleep(0.2)
        self._drop_staging()

    def _drop_staging(self) -> None:
        leftovers = self._all(
            "SELECT tablename FROM pg_tables WHERE schemaname = %s AND starts_with(tablename, %s)",
            self._schema,
            _STAGING,
        )
        for (table,) in leftovers:
            self._execute("DROP TABLE {}", self._name(table))
        self._connection.commit()

    def check_schema(self) -> None:
        """Raises DatabaseError if the schema is not there."""
        if not self._all("SELECT FROM pg_namespace WHERE nspname = %s", self._schema):
            raise DatabaseError(f'PostgreSQL: schema "{self._schema}" does not exist: create it, or choose another')

    def exported(self, table: str) -> Exported | None:
        """What a table holds. Raises DatabaseError for one that Sluice did not make."""
        select = sql.SQL("SELECT lake, table_id, version FROM {} WHERE table_name = %s").format(self._name(_LEDGER))
        rows = self._all(select, table) if self.columns(_LEDGER) else []
        if not rows and self.columns(table):
            raise DatabaseError(
                f"PostgreSQL's table {self._schema}.{table} was not made by Sluice: rename it, "
                "or choose another --schema"
            )
        return Exported(*rows[0]) if rows and self.columns(table) else None

    def columns(self, table: str) -> dict[str, str]:
        """A table's columns with their types; none if it is not there."""
        return dict(
            self._all(
                "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = to_regclass(%s) "
                "AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
                self._name(table).as_string(self._connection),
            )
        )

    def check_columns(self, target: Target) -> None:
        """Raises DatabaseError if the table is there with other columns; it may lack some that are no key."""
        found = self.columns(target.name)
        wanted = {name: _type(kind) for name, kind in target.columns.items()}
        for name in [*wanted, *found] if found else ():
            if found.get(name) != wanted.get(name) and (name in found or name in target.key):
                has, needs = found.get(name, "no such column"), wanted.get(name, "none")
                raise DatabaseError(
                    f"PostgreSQL's table {self._schema}.{target.name}: column {name} is {has}, expected {needs}: "
                    "drop the table, or choose another --schema"
                )

    def create_staging(self, target: Target) -> str:
        """An empty staging table for a target; gives its name, quoted for JDBC."""
        definitions = [*self._definitions(target), sql.SQL("{} boolean NOT NULL").format(sql.Identifier(GONE))]
        self._execute("DROP TABLE IF EXISTS {}", self._staging(target))  # of a try that failed half-way
        self._execute("CREATE UNLOGGED TABLE {} ({})", self._staging(target), sql.SQL(", ").join(definitions))
        self._connection.commit()
        return str(self._staging(target).as_string(self._connection))

    def jdbc_options(self) -> dict[str, str]:
        """The same server, user and encryption for Spark's JDBC writer; the password is an option, never in the URL."""
        info = self._connection.info
        if info.host.startswith("/"):
            raise DatabaseError(f"PostgreSQL is reached by the socket {info.host}: name a host in SLUICE_DATABASE_URL")
        given = {key: info.dsn_parameters[key] for key in ("sslmode", "sslrootcert") if key in info.dsn_parameters}
        parameters = urlencode({"reWriteBatchedInserts": "true", "ApplicationName": "sluice", **given})
        host = f"[{info.host}]" if ":" in info.host else info.host
        return {
            "url": f"jdbc:postgresql://{host}:{info.port}/{quote(info.dbname)}?{parameters}",
            "user": info.user,
            "password": info.password or "",
            "driver": "org.postgresql.Driver",
            "batchsize": "10000",
        }

    def apply(self, targets: Sequence[Target], run_id: str, *, dry_run: bool = False) -> list[dict[str, int]]:
        """Makes all targets equal to their staging tables in one transaction; gives the counts of rows for each.

        Readers see the old state of all tables or the new one. A dry run counts all the same, and undoes it.
        """
        with self._connection:
            self._execute(
                "CREATE TABLE IF NOT EXISTS {} (table_name text PRIMARY KEY, lake text NOT NULL, "
                "table_id text NOT NULL, version bigint NOT NULL, run_id text NOT NULL, "
                "exported_at timestamptz NOT NULL)",
                self._name(_LEDGER),
            )
            counts = [self._apply(target, run_id) for target in targets]
            if dry_run:
                self._connection.rollback()
        if dry_run:
            self._drop_staging()
        return counts

    def _apply(self, target: Target, run_id: str) -> dict[str, int]:
        staging, table, holds = self._staging(target), self._name(target.name), target.holds
        is_new = not self.columns(target.name)
        if is_new:
            self._create(target)
        else:
            self._add_columns(target)
        self._execute("ANALYZE {}", staging)
        names = _list(target.columns)
        latest = sql.SQL("SELECT DISTINCT ON ({}) {}, {} FROM {}").format(
            _list(target.key), names, sql.Identifier(GONE), staging
        )
        counts = {
            "duplicate": self._count(
                "SELECT (SELECT count(*) FROM {}) - (SELECT count(*) FROM ({}) s)", staging, latest
            )
        }
        counts["unchanged"] = 0 if is_new else self._unchanged(target, table, latest)
        counts["deleted"], counts["removed"] = (0, 0) if is_new else self._delete(target, table, staging)
        counts |= self._upsert(target, table, latest)
        if target.full:  # until then PostgreSQL takes a table for another size, and may pass over its indexes
            self._execute("ANALYZE {}", table)
        self._execute(
            "INSERT INTO {} VALUES (%s, %s, %s, %s, %s, now()) ON CONFLICT (table_name) DO UPDATE SET "
            "lake = excluded.lake, table_id = excluded.table_id, version = excluded.version, run_id = excluded.run_id, "
            "exported_at = now()",
            self._name(_LEDGER),
            values=(target.name, holds.lake, holds.table_id, holds.version, run_id),
        )
        self._execute("DROP TABLE {}", staging)
        return counts

    def _create(self, target: Target) -> None:
        table, nulls = self._name(target.name), "NULLS NOT DISTINCT" if target.nullable_key else ""
        self._execute(
            "CREATE TABLE {} ({}, UNIQUE " + nulls + " ({}))",
            table,
            sql.SQL(", ").join(self._definitions(target)),
            _list(target.key),
        )
        for entries in target.indexes:
            self._execute("CREATE INDEX ON {} ({})", table, sql.SQL(", ").join(map(_indexed, entries)))

    def _add_columns(self, target: Target) -> None:
        found = self.columns(target.name)
        for name, kind in target.columns.items():
            if name not in found:
                statement = "ALTER TABLE {} ADD COLUMN {} " + _type(kind)
                self._execute(statement, self._name(target.name), sql.Identifier(name))

    def _upsert(self, target: Target, table: sql.Composable, latest: sql.Composable) -> dict[str, int]:
        values = [name for name in target.columns if name not in target.key]
        sets = [sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in values]
        inserted, updated = self._all(
            sql.SQL(
                "WITH done AS (INSERT INTO {} AS t ({}) SELECT {} FROM ({}) s WHERE NOT {} ON CONFLICT ({}) "
                "DO UPDATE SET {} WHERE ({}) IS DISTINCT FROM ({}) RETURNING xmax = 0 AS is_new) "
                "SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new) FROM done"
            ).format(
                table,
                _list(target.columns),
                _list(target.columns),
                latest,
                sql.Identifier(GONE),
                _list(target.key),
                sql.SQL(", ").join(sets),
                _list(values, "t"),
                _list(values, "excluded"),
            )
        )[0]
        return {"inserted": inserted, "updated": updated}

    def _unchanged(self, target: Target, table: sql.Composable, latest: sql.Composable) -> int:
        values = [name for name in target.columns if name not in target.key]
        return self._count(
            "SELECT count(*) FROM ({}) s JOIN {} t ON {} WHERE NOT s.{} AND ({}) IS NOT DISTINCT FROM ({})",
            latest,
            table,
            _same_key(target),
            sql.Identifier(GONE),
            _list(values, "t"),
            _list(values, "s"),
        )

    def _delete(self, target: Target, table: sql.Composable, staging: sql.Composable) -> tuple[int, int]:
        """Deletes the keys said to be gone, or all that the full staging table lacks; gives how many of each."""
        if target.full:
            return 0, self._execute(
                "DELETE FROM {} t WHERE NOT EXISTS (SELECT FROM {} s WHERE {})", table, staging, _same_key(target)
            )
        gone = self._execute(
            "DELETE FROM {} t USING {} s WHERE s.{} AND {}", table, staging, sql.Identifier(GONE), _same_key(target)
        )
        return gone, 0

    def _definitions(self, target: Target) -> list[sql.Composable]:
        in_order = {direction(entry)[0] for entries in target.indexes for entry in entries}
        definitions = []
        for name, kind in target.columns.items():
            collation = ' COLLATE "C"' if kind == "string" and name in in_order else ""
            definitions.append(sql.SQL("{} " + _type(kind) + collation).format(sql.Identifier(name)))
        return definitions

    def _name(self, table: str) -> sql.Identifier:
        return sql.Identifier(self._schema, table)

    def _staging(self, target: Target) -> sql.Identifier:
        return self._name(_staging_name(target.name))

    def _execute(self, statement: str, *parts: sql.Composable, values: Sequence[Any] = ()) -> int:
        with self._connection.cursor() as cursor:
            cursor.execute(sql.SQL(statement).format(*parts), values or None)
            return int(cursor.rowcount)

    def _all(self, statement: str | sql.Composable, *values: Any) -> list[tuple]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return list(cursor.fetchall())

    def _count(self, statement: str, *parts: sql.Composable) -> int:
        return int(self._all(sql.SQL(statement).format(*parts))[0][0])


def _staging_name(table: str) -> str:
    """As long as PostgreSQL's names may be: it would cut two long ones to the same."""
    name = f"{_STAGING}{table}"
    return name if len(name) <= _LONGEST_NAME else f"{name[:54]}_{sha256(name.encode()).hexdigest()[:8]}"


def _indexed(entry: str) -> sql.Composable:
    name, descending = direction(entry)
    return sql.SQL("{} DESC" if descending else "{}").format(sql.Identifier(name))


def _list(names: Any, alias: str | None = None) -> sql.Composable:
    return sql.SQL(", ").join(sql.Identifier(alias, name) if alias else sql.Identifier(name) for name in names)


def _same_key(target: Target) -> sql.Composable:
    """Joins t and s by key; where it may be null, by its text as a row, which PostgreSQL can hash."""
    if target.nullable_key:
        return sql.SQL("ROW({})::text = ROW({})::text").format(_list(target.key, "t"), _list(target.key, "s"))
    pairs = [sql.SQL("t.{0} = s.{0}").format(sql.Identifier(name)) for name in target.key]
    return sql.SQL(" AND ").join(pairs)


def _type(kind: str) -> str:
    """PostgreSQL's name of a Spark type."""
    return f"numeric{kind.removeprefix('decimal')}" if kind.startswith("decimal") else _TYPES[kind]
