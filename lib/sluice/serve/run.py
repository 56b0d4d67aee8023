"""The job `serve`: listens until it is told to end, then lets open requests finish."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from contextlib import suppress

import uvicorn

from sluice.errors import SluiceError, Terminated, UsageError
from sluice.export.connection import database_url
from sluice.runtime.job import Job
from sluice.serve.app import make_app
from sluice.serve.context import Log
from sluice.serve.database import check
from sluice.serve.guard import Guard
from sluice.serve.options import ServeSettings

_GRACE = 20  # seconds for open requests after SIGTERM


def serve(job: Job, settings: ServeSettings) -> None:
    """Serves until SIGTERM or SIGINT. Raises UsageError if the address is taken, DatabaseError without PostgreSQL."""
    log = job.progress.log
    listener = _listener(settings)
    url = database_url(log)
    asyncio.run(check(url, settings))
    logging.basicConfig(handlers=[_Lines(log)], force=True)
    config = uvicorn.Config(
        Guard(make_app(settings, url, log), settings, log),
        loop="uvloop",
        http="httptools",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE,
    )
    with suppress(Terminated):  # uvicorn raises the signal again once all requests have ended
        server = _Server(config, listener, log)
        server.run([listener])
        if not server.started:
            raise SluiceError("the server did not start: the line above says why")
    job.report.status = "succeeded"


class _Lines(logging.Handler):
    """What uvicorn and asyncio log, as lines of the job."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        cause = f": {record.exc_info[1]!r}" if record.exc_info else ""
        self._log(" ".join(f"{record.getMessage()}{cause}".split()), "warning")


class _Server(uvicorn.Server):
    """Says where it listens once it does."""

    def __init__(self, config: uvicorn.Config, listener: socket.socket, log: Log) -> None:
        super().__init__(config)
        host, port = listener.getsockname()[:2]
        self._address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        self._log = log

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._log(f"listening on {self._address}")


def _listener(settings: ServeSettings) -> socket.socket:
    """The socket that waits for connections."""
    try:
        family = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError as error:
        cause = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        address = f"--bind {settings.host} --port {settings.port}"
        raise UsageError(f"{address}: cannot listen there ({cause}): choose another") from None
