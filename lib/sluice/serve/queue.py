"""The queue of uploads: the table `sluice_uploads` of PostgreSQL, one row an upload, kept after it is done.

An upload is `queued`, then `running` as one of a batch, then `done` or `failed`. What is `running` while no job of this
server has it was left by a server that ended: it is taken again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sluice.serve.database import Database
from sluice.serve.upload import Batch, Upload, batch_of, together

NAME = "sluice_uploads"
CHANNEL = "sluice_uploads"  # of NOTIFY: an upload has come
_LOCK = 0x51_1CF  # with a hash of the queue's name: the advisory lock of the server that runs its jobs
MOST = 1000  # uploads in a batch: the command line of its job names their files
_COLUMNS = (
    "run_id, table_name, name, file, options, alone, state, batch, exit_code, error, report, received_at, started_at, "
    "finished_at"
)
_TABLE = """
CREATE TABLE IF NOT EXISTS {table} (
    run_id text PRIMARY KEY,
    lake text NOT NULL,
    table_name text NOT NULL,
    name text NOT NULL,
    file text NOT NULL,
    options json NOT NULL,
    alone boolean NOT NULL,
    state text NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed')),
    batch text,
    exit_code int,
    error text,
    report json,
    received_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz
);
CREATE INDEX IF NOT EXISTS sluice_uploads_open ON {table} (lake, table_name, run_id)
    WHERE state IN ('queued', 'running')"""


class Queue:
    """The uploads of a lake, in the schema of the database that it is exported to."""

    def __init__(self, database: Database, lake: str) -> None:
        self._database, self._lake = database, lake
        self._table = database.name(NAME)

    async def prepare(self, connection: Any) -> None:
        """Makes the table if it is not there."""
        await connection.execute(_TABLE.format(table=self._table))

    async def lock(self, connection: Any) -> bool:
        """Takes the lock of the server that runs this queue's jobs, until the connection ends; False if it is taken."""
        key = f"{self._table} {self._lake}"
        return bool(await connection.fetchval("SELECT pg_try_advisory_lock($1, hashtext($2))", _LOCK, key))

    async def add(self, upload: Upload) -> None:
        """Puts an upload into the queue; once this returns it is not lost."""
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute(
                f"INSERT INTO {self._table} (lake, run_id, table_name, name, file, options, alone, state) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7, 'queued')",
                self._lake,
                *(upload.run_id, upload.table, upload.name, upload.file, json.dumps(upload.options), upload.alone),
            )
            await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, upload.table)

    async def waiting(self, connection: Any) -> dict[str, int]:
        """The tables that have uploads which are not done, and how many wait for a job."""
        rows = await connection.fetch(
            f"SELECT table_name, count(*) FILTER (WHERE state = 'queued') AS waiting FROM {self._table} "
            "WHERE lake = $1 AND state IN ('queued', 'running') GROUP BY table_name ORDER BY table_name",
            self._lake,
        )
        return {row["table_name"]: row["waiting"] for row in rows}

    async def take(self, table: str) -> Batch | None:
        """What the next job of a table has to do; None if there is nothing. No job of the table may be running."""
        async with self._database.connection() as connection, connection.transaction():
            left = await self._open(connection, table, "running")
            if left:
                first = left[0].batch
                return Batch(str(first), tuple(upload for upload in left if upload.batch == first))
            waiting = await self._open(connection, table, "queued")
            if not waiting:
                return None
            batch = batch_of(together(waiting))
            await self._begin(connection, batch)
            return batch

    async def _open(self, connection: Any, table: str, state: str) -> list[Upload]:
        rows = await connection.fetch(
            f"SELECT {_COLUMNS} FROM {self._table} WHERE lake = $1 AND table_name = $2 AND state = $3 "
            "ORDER BY run_id LIMIT $4",
            *(self._lake, table, state, MOST),
        )
        return [_upload(row) for row in rows]

    async def begin(self, batch: Batch) -> None:
        """Makes uploads that are running a batch of their own."""
        async with self._database.connection() as connection:
            await self._begin(connection, batch)

    async def _begin(self, connection: Any, batch: Batch) -> None:
        await connection.execute(
            f"UPDATE {self._table} SET state = 'running', batch = $1, started_at = coalesce(started_at, now()) "
            "WHERE run_id = ANY ($2)",
            *(batch.run_id, batch.run_ids),
        )

    async def end(self, batch: Batch, exit_code: int, error: str | None, report: Mapping[str, Any] | None) -> None:
        """Records how the job of a batch ended."""
        document = None if report is None else json.dumps(report)
        text = error and error.replace("\0", "")  # PostgreSQL has none in a text
        async with self._database.connection() as connection:
            await connection.execute(
                f"UPDATE {self._table} SET state = $1, exit_code = $2, error = $3, report = $4, finished_at = now() "
                "WHERE run_id = ANY ($5)",
                *("failed" if exit_code else "done", exit_code, text, document, batch.run_ids),
            )

    async def find(self, run_id: str) -> Upload | None:
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                f"SELECT {_COLUMNS} FROM {self._table} WHERE lake = $1 AND run_id = $2", self._lake, run_id
            )
        return None if row is None else _upload(row)

    async def newest(self, limit: int, before: str | None = None) -> list[Upload]:
        """Uploads, the one that came last first; those that came before one if it is given."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                f"SELECT {_COLUMNS} FROM {self._table} WHERE lake = $1 AND ($2::text IS NULL OR run_id < $2) "
                "ORDER BY run_id DESC LIMIT $3",
                *(self._lake, before, limit),
            )
        return [_upload(row) for row in rows]

    async def size_of(self, batch: str) -> int:
        """How many uploads a batch has."""
        async with self._database.connection() as connection:
            return int(await connection.fetchval(f"SELECT count(*) FROM {self._table} WHERE batch = $1", batch))


def _upload(row: Any) -> Upload:
    values = dict(row)
    options, report = tuple(json.loads(values.pop("options"))), values.pop("report")
    return Upload(
        table=values.pop("table_name"), options=options, report=None if report is None else json.loads(report), **values
    )
