"""A schema of PostgreSQL whose tables are made equal to Delta tables: staging tables, then one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg2
import pyarrow as pa
from psycopg2 import sql
from psycopg2.errors import LockNotAvailable

from sluice.errors import Busy, DatabaseError
from sluice.export import exported_versions
from sluice.export.copy_text import copy_text, row_with_nul
from sluice.export.make_equal import make_equal
from sluice.export.statements import Statements
from sluice.export.target import GONE, STAGING_PREFIX, VERSION, DeltaVersion, Target, column_definitions, column_list
from sluice.export.waiting import as_copy_needs_it
from sluice.lake.writer import Writer

# tables that other clients lock now, each with such a client
_LOCKED = """
SELECT l.relation::regclass::text, format('pid %%s, user %%s, application %%L', a.pid, a.usename, a.application_name)
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.granted AND l.pid <> pg_backend_pid() AND a.datname = current_database()
AND l.relation::regclass = ANY (%s::regclass[])
ORDER BY a.xact_start"""
LOCK = 0x51_1CE  # the advisory lock that each export into a database holds


class Database:
    """A connection, and the schema that tables are exported into."""

    def __init__(self, connection: Any, schema: str) -> None:
        self._connection = connection
        self._statements = Statements(connection, schema)

    @property
    def schema(self) -> str:
        return self._statements.schema

    @property
    def address(self) -> str:
        """The server and the database, as a URL without credentials."""
        info = self._connection.info
        host = "localhost" if info.host.startswith("/") else info.host  # the folder of its socket
        return f"postgres://{f'[{host}]' if ':' in host else host}:{info.port}/{info.dbname}"

    def prepare(self, writer: Writer) -> None:
        """Takes the lock of exports until the connection ends, and drops the staging tables of killed runs.

        Raises Busy if another export still has the lock after the writer's timeout, which from then on also limits how
        long a statement waits for another client's lock.
        """
        writer.wait_for(self._try_lock, lambda: "another export into this database is running")
        self._statements.execute("SET lock_timeout = %s", max(1, round(1000 * writer.lock_timeout)))  # 0: no limit
        self._drop_staging()

    def _try_lock(self) -> bool:
        return bool(self._statements.rows("SELECT pg_try_advisory_lock(%s)", LOCK)[0][0])

    def _drop_staging(self) -> None:
        leftovers = self._statements.rows(
            "SELECT tablename FROM pg_tables WHERE schemaname = %s AND starts_with(tablename, %s)",
            self._statements.schema,
            STAGING_PREFIX,
        )
        for (table,) in leftovers:
            self._statements.execute("DROP TABLE {table}", table=self._statements.name(table))
        self._connection.commit()

    def check_schema(self) -> None:
        """Raises DatabaseError if the schema does not exist."""
        schema = self._statements.schema
        try:  # as text: PostgreSQL would cut a name that is too long, and find another
            exists = self._statements.rows("SELECT FROM pg_namespace WHERE nspname::text = %s", schema)
        except ValueError:  # a NUL, or bytes that are not UTF-8
            exists = []
        if not exists:
            raise DatabaseError(f'PostgreSQL: schema "{schema}" does not exist: create it, or choose another --schema')

    def exported_version(self, table: str) -> DeltaVersion | None:
        """What a table holds; None if it does not exist. Raises DatabaseError for one that Sluice did not make."""
        return exported_versions.find(self._statements, table)

    def stage(self, target: Target, rows: Iterable[pa.RecordBatch]) -> None:
        """Copies rows into a target's new staging table; they may have the columns that it has beside the target's.

        Raises DatabaseError if PostgreSQL's table has other columns, or if it refuses the rows.
        """
        self._check_columns(target)
        staging = self.create_staging(target)
        with self._connection:
            for batch in rows:
                self._copy(target, staging, batch)

    def _copy(self, target: Target, staging: str, batch: pa.RecordBatch) -> None:
        columns = self._statements.quoted(column_list(batch.schema.names))
        try:
            with self._connection.cursor() as cursor, as_copy_needs_it():
                cursor.copy_expert(f"COPY {staging} ({columns}) FROM STDIN", pa.BufferReader(copy_text(batch)))
        except psycopg2.Error as error:
            if error.pgcode is None:  # the server did not answer
                raise
            cause = row_with_nul(batch, target.key) or str(error).splitlines()[0][:300]
            raise DatabaseError(f"PostgreSQL refused rows of {target.name}: {cause}") from None

    def _check_columns(self, target: Target) -> None:
        """Raises DatabaseError if the table exists with other columns.

        It may lack some that are not in its key, and have some of an earlier export: see `make_equal`.
        """
        existing, needed = self._statements.columns(target.name), target.types
        exported = exported_versions.columns(self._statements, target.name)
        for name in [*needed, *(name for name in existing if name not in exported)] if existing else ():
            if existing.get(name) != needed.get(name) and (name in existing or name in target.key):
                raise DatabaseError(
                    f"PostgreSQL's table {self._statements.schema}.{target.name}: column {name} is "
                    f"{existing.get(name, 'missing')}, expected {needed.get(name, 'no such column')}: "
                    "drop the table, or choose another --schema"
                )

    def create_staging(self, target: Target) -> str:
        """An empty staging table for a target; gives its name as quoted SQL."""
        staging = self._statements.name(target.staging_name)
        parts = {"staging": staging, "definitions": column_definitions(target)}
        parts |= {"gone": sql.Identifier(GONE), "version": sql.Identifier(VERSION)}
        self._statements.execute("DROP TABLE IF EXISTS {staging}", **parts)  # of a try that failed half-way
        self._statements.execute(
            "CREATE UNLOGGED TABLE {staging} ({definitions}, {gone} boolean NOT NULL DEFAULT false, "
            "{version} bigint NOT NULL DEFAULT 0)",
            **parts,
        )
        self._connection.commit()
        return self._statements.quoted(staging)

    def apply(self, targets: Sequence[Target], run_id: str, *, dry_run: bool = False) -> list[dict[str, int]]:
        """Makes all targets equal to their staging tables in one transaction; gives each one's rows by outcome.

        Readers see the old state of all tables, or the new one. A dry run counts in the same way, then rolls back.
        Raises Busy if another client's lock on a table lasts longer than the writer's timeout.
        """
        try:
            with self._connection:
                exported_versions.create(self._statements)
                counts = [make_equal(self._statements, target, run_id) for target in targets]
                if dry_run:
                    self._connection.rollback()
        except LockNotAvailable:
            raise Busy(
                f"PostgreSQL's {self._who_locks(targets)}: try again, or wait longer with --lock-timeout"
            ) from None
        if dry_run:
            self._drop_staging()
        return counts

    def _who_locks(self, targets: Sequence[Target]) -> str:
        names = [self._statements.quoted(self._statements.name(target.name)) for target in targets]
        rows = self._statements.rows(_LOCKED, names)
        return (
            f"table {rows[0][0]} is locked by another client ({rows[0][1]})" if rows else "tables were locked too long"
        )
