"""Load on the server from another process: `python tests/serve/load.py [SECONDS]` prints what it took.

It starts PostgreSQL and the server, with the days of 100,000 customers, and asks for those of one after another, by 25
connections at a time.
"""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CONNECTIONS = 25
CUSTOMERS = 100_000
_DAYS = f"""
INSERT INTO {{staging}} SELECT 'customer-' || c, date '2026-01-01' + d, c % 997, d, c % 997 * 81234, c % 997 + d,
  c % 997 * 91234, 0.05 + d / 1000.0, 0.5 + c % 10 / 7.0, 0.0912345678, 99.5 - d, false
FROM generate_series(1, {CUSTOMERS}) c, generate_series(1, 10) d"""


class _Connection(asyncio.Protocol):
    """Sends a request, and the next one once its answer is complete; `took` has the seconds of each that was 200."""

    def __init__(self, until: float, took: list[float], failed: list[str]) -> None:
        self._until, self._took, self._failed = until, took, failed
        self._held = b""
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._send()

    def _send(self) -> None:
        self._began = time.perf_counter()
        if self._began > self._until:
            self._transport.close()
            return
        customer = random.randint(1, CUSTOMERS)
        self._transport.write(f"GET /customers/customer-{customer}/stats HTTP/1.1\r\nHost: load\r\n\r\n".encode())

    def data_received(self, data: bytes) -> None:
        self._held += data
        head, end, body = self._held.partition(b"\r\n\r\n")
        if not end or len(body) < int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]):
            return
        self._held = b""
        if head.startswith(b"HTTP/1.1 200 ") and body.count(b'"date"') == 10:
            self._took.append(time.perf_counter() - self._began)
        else:
            self._failed.append(head.decode().splitlines()[0])
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._held or time.perf_counter() <= self._until:
            self._failed.append(f"connection lost: {exc}")
        self.ended.set_result(None)


async def _load(port: int, seconds: float) -> dict[str, float]:
    took: list[float] = []
    failed: list[str] = []
    began = time.perf_counter()
    loop = asyncio.get_running_loop()
    opened = [
        await loop.create_connection(lambda: _Connection(began + seconds, took, failed), "127.0.0.1", port)
        for _ in range(CONNECTIONS)
    ]
    await asyncio.gather(*(protocol.ended for _, protocol in opened))
    seconds = time.perf_counter() - began
    took.sort()
    return {
        "requests": len(took),
        "failed": len(failed),
        "per_second": round(len(took) / seconds, 1),
        "p50_ms": round(1000 * took[len(took) // 2], 2),
        "p99_ms": round(1000 * took[len(took) * 99 // 100], 2),
    }


def load(port: int, seconds: float) -> dict[str, float]:
    """What a client in a process of its own counts in so many seconds."""
    command = [sys.executable, __file__, "client", str(port), str(seconds)]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def fill(url: str, schema: str) -> None:
    """Makes the table of the customers' days as `export` makes it."""
    import psycopg2
    from exported import target_of
    from sluice.export.connection import connected
    from sluice.lake.writer import Writer

    target = target_of("resource_statistics_by_day")
    with connected(url, schema) as database, psycopg2.connect(url) as connection:
        database.prepare(Writer("run", 5, print))
        staging = database.create_staging(target)
        connection.cursor().execute(_DAYS.format(staging=staging))
        connection.commit()
        database.apply([target], "run")


def main(seconds: float) -> None:
    from serving import started
    from sluice.export import embedded

    with tempfile.TemporaryDirectory(prefix="sluice-load-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        url, _ = embedded.start(folder / "postgres")
        try:
            fill(url, "public")
            with started(folder, SLUICE_DATABASE_URL=url, SLUICE_LAKE=str(folder / "lake")) as server:
                port = server.client.base_url.port
                load(port, 2)
                print(json.dumps(load(port, seconds)))
        finally:
            embedded.stop(folder / "postgres")


if __name__ == "__main__":
    if sys.argv[1:2] == ["client"]:
        import uvloop

        print(json.dumps(uvloop.run(_load(int(sys.argv[2]), float(sys.argv[3])))))
    else:
        sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "lib")]
        main(float(sys.argv[1]) if sys.argv[1:] else 60)
