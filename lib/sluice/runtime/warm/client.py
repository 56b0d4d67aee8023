"""Hands a job to a process that stays: `python -m sluice.runtime.warm.client find|start JOB.py ARGUMENTS`.

To one that is there (find), or else to a new one (start). It exits as the job does, or with `NONE` if no process has
taken the job: then it starts as ever. Run by ./spark-submit.sh; loads next to nothing, so that it costs no time. `stop`
ends all such processes of the user.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sequence

from sluice.runtime.warm import identity, messages

NONE = 75  # EX_TEMPFAIL of sysexits.h; no job exits with it
_LOST = 1  # the process died before its job ended
_START = 10.0  # seconds that a new process has to listen


def run(command: str, job: str, arguments: Sequence[str]) -> int:
    """The exit code of a job. `command`: `find` or `start`."""
    with open(os.path.join(os.environ["SLUICE_WRAPPER"], "options"), "rb") as file:
        path = identity.socket_path(file.read(), arguments)
    connection = path and (_connected(path) or (command == "start" and _started(path)))
    if not connection:
        return NONE
    mask = os.umask(0)
    os.umask(mask)
    request = {"job": job, "arguments": arguments, "mask": mask, "environment": {**os.environ}}
    with connection:
        try:
            request["folder"] = os.getcwd()
            messages.send(connection, request, sys.stderr.fileno())
            messages.read(connection, len(messages.TAKEN))
        except OSError:
            return NONE  # it has another job, or has just ended; or this folder is gone
        try:
            return messages.read(connection, 1)[0]
        except OSError:
            return _LOST


def _connected(path: str) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(path)
    except OSError:
        connection.close()
        return None
    if messages.peer(connection)[1] == os.getuid():
        return connection
    connection.close()
    return None


def _started(path: str) -> socket.socket | None:
    """A connection to a process that is started now; None if it does not listen in time."""
    import subprocess

    subprocess.Popen(
        [sys.executable, "-m", "sluice.runtime.warm.server", path],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + _START
    while time.monotonic() < deadline:
        if connection := _connected(path):
            return connection
        time.sleep(0.01)
    return None


def stop() -> None:
    """Ends all processes of the user that wait for a job; one that has a job ends after it."""
    for process in _processes():
        os.kill(process, signal.SIGUSR1)


def _processes() -> Iterator[int]:
    within = identity.folder()
    for name in os.listdir(within) if within else ():
        if connection := _connected(os.path.join(str(within), name)):
            with connection:
                yield messages.peer(connection)[0]


if __name__ == "__main__":
    if sys.argv[1] == "stop":
        stop()
    else:
        sys.exit(run(sys.argv[1], sys.argv[2], sys.argv[3:]))
