"""The real server in a process of its own, on the embedded PostgreSQL of the tests, and a client for it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from processes import job_environment, read_until

PROJECT = Path(__file__).parent.parent
TOKEN = "a-token-of-the-tests"


@dataclass
class Server:
    """`client` shows the token; `lines` is what the server wrote on standard error until it listened."""

    process: subprocess.Popen
    client: httpx.Client
    lines: str

    def stop(self) -> tuple[int, str]:
        """Ends it by SIGTERM; gives the exit code and the rest of standard error."""
        self.process.send_signal(signal.SIGTERM)
        _, err = self.process.communicate(timeout=40)
        return self.process.returncode, err


def start(folder: Path, *arguments: object, token: str = TOKEN, **variables: str) -> Server:
    """A server at a free port, with variables of its environment; its working folder is `folder`."""
    process = subprocess.Popen(
        [sys.executable, PROJECT / "jobs" / "serve.py", "--port", "0", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={
            **job_environment(),
            "PYTHONPATH": str(PROJECT / "lib"),
            "SLUICE_TOKEN": token,
            "SLUICE_KEEP_WARM": "1",  # minutes: processes of jobs should not outlive the tests for long
            **variables,
        },
    )
    lines = read_until(process, "listening on http")
    address = re.search(r"listening on (http\S+)", lines)[1]
    client = httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=60)
    return Server(process, client, lines)


@contextmanager
def started(folder: Path, *arguments: object, **variables: str) -> Iterator[Server]:
    """The same, ended afterwards."""
    server = start(folder, *arguments, **variables)
    with server.client:
        try:
            yield server
        finally:
            if server.process.poll() is None:
                server.stop()
