"""Takes uploads from the queue and has jobs read them: one job at a time a table, each of all that waits.

Whatever ends a job, its uploads stay `running` until how they ended is written down, and the next job takes them again
under the same run id: files that are in the table already are skipped, so nothing is lost and nothing is there twice.
Of several servers on one database only one takes uploads, the one with the advisory lock; another waits for its end.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

import asyncpg

from sluice.metrics.serving import QUEUE, RUNS
from sluice.serve.context import Log
from sluice.serve.database import LOST, Database
from sluice.serve.events import Events
from sluice.serve.job_process import JobEnd, Tell
from sluice.serve.problems import Problem
from sluice.serve.queue import CHANNEL, Queue
from sluice.serve.reports import with_recorded
from sluice.serve.upload import Batch

# what may be raised where the database is away, or goes
_AWAY = (*LOST, Problem, OSError, asyncpg.PostgresError)
_LOOKS = 5.0  # seconds between looks at the queue, beside those that an upload asks for
_AWAY_SECONDS = 2.0  # between attempts to reach the database
_PAUSES = (1, 2, 4, 8, 16, 32, 60)  # seconds before each further attempt
_NOT_TRIED_AGAIN = (0, 2, 3, 4)  # exit codes that another attempt would not change
_NOT_OF_A_FILE = (2, 5, 6)  # failures that are not one file's: the other half of a batch would have them too
_CLOSING = 20.0  # seconds that jobs have to end


class Runner(Protocol):
    """Runs the job of a batch, and ends those that run."""

    async def run(self, batch: Batch, tell: Tell) -> JobEnd: ...

    def stop(self) -> None: ...


class Dispatcher:
    """Has a worker for each table with work, which runs its jobs one after another."""

    def __init__(self, database: Database, queue: Queue, jobs: Runner, events: Events, lake: str, log: Log) -> None:
        self._database, self._queue, self._jobs, self._events = database, queue, jobs, events
        self._lake, self._log = lake, log
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._at_once = asyncio.Semaphore(os.cpu_count() or 1)  # a job keeps a core busy, if not more
        self._wake, self._leads, self._closing, self._waits = asyncio.Event(), False, False, False

    async def run(self) -> None:
        """Goes on until it is cancelled, also while the database is away."""
        told = False
        while True:
            try:
                await self._lead()
            except _AWAY as error:
                if self._leads or not told:
                    self._log(f"uploads wait for the database: {_first_line(error)}", "warning")
                self._leads, told = False, True
            await asyncio.sleep(_AWAY_SECONDS)

    async def close(self) -> None:
        """Ends all jobs; what they had not done is taken up by the next server."""
        self._closing = True
        self._jobs.stop()
        if self._workers:
            await asyncio.wait(self._workers.values(), timeout=_CLOSING)
        for worker in self._workers.values():
            worker.cancel()

    async def _lead(self) -> None:
        """Looks for work for as long as this connection, and with it the lock, lasts."""
        async with self._database.connection() as connection:
            await self._queue.prepare(connection)
            await self._lock(connection)
            await connection.add_listener(CHANNEL, self._hear)
            self._leads = True
            try:
                while True:
                    await self._look(connection)
            finally:
                with suppress(*_AWAY):
                    await connection.remove_listener(CHANNEL, self._hear)

    async def _look(self, connection: Any) -> None:
        """Starts workers for what waits, then waits for news."""
        self._wake.clear()
        for table, uploads in (await self._queue.waiting(connection)).items():
            QUEUE.labels(table).set(uploads)
            self._start_worker(table)
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOKS):
                await self._wake.wait()

    def _hear(self, *_: Any) -> None:
        self._wake.set()

    async def _lock(self, connection: Any) -> None:
        while not await self._queue.lock(connection):
            if not self._waits:
                self._log(
                    "another server runs the jobs of this database's uploads: this one does once it ends", "warning"
                )
                self._waits = True
            await asyncio.sleep(_LOOKS)
        self._waits = False

    def _start_worker(self, table: str) -> None:
        if table in self._workers or self._closing:
            return
        worker = self._workers[table] = asyncio.create_task(self._work(table))
        worker.add_done_callback(partial(self._end_worker, table))

    def _end_worker(self, table: str, worker: asyncio.Task[None]) -> None:
        del self._workers[table]
        QUEUE.labels(table).set(0)  # until the next look
        failure = None if worker.cancelled() else worker.exception()
        if failure is None:
            self._wake.set()  # an upload may have come as it ended
        elif not isinstance(failure, _AWAY):
            self._log(f"table {table}: its uploads wait: unexpected {failure!r}", "warning")

    async def _work(self, table: str) -> None:
        """Runs jobs of a table until no upload waits."""
        while self._leads and not self._closing and (batch := await self._queue.take(table)):
            await self._do(batch)

    async def _do(self, batch: Batch) -> None:
        """Has a batch read; if that fails and may be one file's fault, its halves, so that no other file suffers."""
        end = await self._attempts(batch)
        if self._closing and end.exit_code:
            return
        if end.exit_code and end.exit_code not in _NOT_OF_A_FILE and len(batch.uploads) > 1:
            for half in batch.halves():
                await self._queue.begin(half)
            for half in batch.halves():
                await self._do(half)
            return
        await self._record(batch, end)

    async def _attempts(self, batch: Batch) -> JobEnd:
        """Runs the job of a batch, again if that may help."""
        tell = partial(self._events.publish, batch.run_ids)
        await tell("state", {"state": "running"})
        for attempt, pause in enumerate((*_PAUSES, None)):
            async with self._at_once:
                end = await self._jobs.run(batch, tell)
            RUNS.labels(batch.table, end.exit_code).inc()
            lasts = end.exit_code in _NOT_TRIED_AGAIN or (end.is_unexpected and attempt > 0)
            if lasts or pause is None or self._closing:
                break
            await tell("line", {"level": "warning", "message": f"{end.error}; tried again in {pause} s"})
            await asyncio.sleep(pause)
            await self._database_is_there()
        return end

    async def _database_is_there(self) -> None:
        """Waits for the database: attempts without it would be none."""
        while True:
            with suppress(*_AWAY):
                async with self._database.connection():
                    return
            await asyncio.sleep(_AWAY_SECONDS)

    async def _record(self, batch: Batch, end: JobEnd) -> None:
        report: Mapping[str, Any] | None = end.report
        if report and end.exit_code == 0:
            with suppress(Exception):  # that a lost report cannot be found is no failure
                report = await asyncio.to_thread(with_recorded, self._lake, report)
        while True:
            try:
                await self._queue.end(batch, end.exit_code, end.error, report)
                break
            except _AWAY:
                await asyncio.sleep(_AWAY_SECONDS)
        await self._events.publish(batch.run_ids, "end", {})


def _first_line(error: BaseException) -> str:
    text = error.detail if isinstance(error, Problem) else str(error)
    return text.split("\n")[0] or type(error).__name__
