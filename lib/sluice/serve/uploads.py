"""All that uploads need while the server runs: landing, queue, jobs, events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from sluice.serve.context import Log
from sluice.serve.database import Database
from sluice.serve.dispatcher import Dispatcher
from sluice.serve.events import Events
from sluice.serve.job_process import JobProcesses
from sluice.serve.landing import Landing, Source, shown_name
from sluice.serve.options import ServeSettings
from sluice.serve.queue import Queue
from sluice.serve.upload import Upload, new_run_id


@dataclass(frozen=True)
class Uploads:
    """What takes uploads in."""

    landing: Landing
    queue: Queue
    events: Events
    dispatcher: Dispatcher

    async def take(self, table: str, source: Source, options: Sequence[str] = (), *, alone: bool = False) -> Upload:
        """Lands a file and puts it into the queue: once this returns it will be read, whatever happens.

        Raises what the source raises.
        """
        run_id = new_run_id()
        file = await self.landing.receive(table, run_id, source)
        return await self._queued(Upload(run_id, table, shown_name(source.name), file, tuple(options), alone))

    async def clear(self, table: str) -> Upload:
        """Lets a table be emptied, after what was uploaded before."""
        return await self._queued(Upload(new_run_id(), table, "clear", "", alone=True))

    async def _queued(self, upload: Upload) -> Upload:
        await self.events.publish([upload.run_id], "state", {"state": "queued"})  # before a job can take it
        await self.queue.add(upload)
        return upload


@asynccontextmanager
async def opened(settings: ServeSettings, database: Database, log: Log) -> AsyncIterator[Uploads]:
    """Takes uploads and runs their jobs until the end, which jobs that run do not outlive."""
    landing, queue, events = Landing(settings.landing), Queue(database, settings.lake), Events()
    landing.prepare()
    jobs = JobProcesses(settings.lake, settings.tables, settings.schema, settings.landing, settings.idle_minutes)
    dispatcher = Dispatcher(database, queue, jobs, events, settings.lake, log)
    leading = asyncio.create_task(dispatcher.run())
    try:
        yield Uploads(landing, queue, events, dispatcher)
    finally:
        await dispatcher.close()
        leading.cancel()
        with suppress(asyncio.CancelledError):
            await leading
