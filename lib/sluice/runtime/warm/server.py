"""The process that stays: `python -m sluice.runtime.warm.server SOCKET` runs one job after another.

It ends when no job has come for as long as the last one asked for, when asked to, when a job ended as it should not
(by an unexpected error or a signal), and when it holds more memory than a new process would.
"""

from __future__ import annotations

import fcntl
import os
import queue
import runpy
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from sluice.runtime import java, session
from sluice.runtime.warm import messages, state, stay

_FIRST_JOB = 10.0  # seconds that the first one may take to come
_GOES_ON_AFTER = (0, 2, 3, 4, 5, 6)  # exit codes of jobs that ended by their own rules
_STREAMS = (1, 2)


class Server:
    """Takes one job at a time; whoever connects meanwhile is sent away, and starts a process of its own."""

    def __init__(self, path: str, notes: TextIO) -> None:
        """`notes`: the file in which it says what it does."""
        self._path, self._notes = path, notes
        self._socket = socket.socket(socket.AF_UNIX)
        self._jobs: queue.SimpleQueue[socket.socket | None] = queue.SimpleQueue()  # which a signal may put into
        self._is_free = threading.Lock()
        signal.signal(signal.SIGUSR1, lambda *_: self._jobs.put(None))

    def run(self) -> None:
        """Listens until the process is to end."""
        with suppress(FileNotFoundError):
            os.unlink(self._path)  # of a process that was killed
        self._socket.bind(self._path)
        self._socket.listen()
        threading.Thread(target=self._accept, daemon=True).start()
        try:
            while self._take_next():
                pass
        finally:
            os.unlink(self._path)
            self._socket.close()
            while not self._jobs.empty():
                if connection := self._jobs.get():
                    connection.close()  # its job starts as ever

    def _accept(self) -> None:
        with suppress(OSError):  # closed at the end
            while True:
                self._answer(self._socket.accept()[0])

    def _answer(self, connection: socket.socket) -> None:
        if messages.peer(connection)[1] == os.getuid() and self._is_free.acquire(blocking=False):
            self._jobs.put(connection)
        else:
            connection.close()

    def _take_next(self) -> bool:
        """Runs the next job; whether the process goes on after it."""
        seconds = _FIRST_JOB if stay.seconds is None else stay.seconds
        state.note(self._notes, seconds_left=seconds)
        try:
            connection = self._jobs.get(timeout=seconds)
        except queue.Empty:
            return False
        if connection is None or java.died():
            return False
        with connection:
            try:
                request, files = messages.receive(connection, 1)
                connection.sendall(messages.TAKEN)
            except OSError:  # who only looks whether anybody is there
                self._is_free.release()
                return True
            state.note(self._notes, [Path(request["job"]).stem, *request["arguments"]])
            with _ended_with_its_client(connection):
                code = _run(request, files[0])
            with suppress(OSError):
                connection.sendall(bytes([code]))
        if code not in _GOES_ON_AFTER or not stay.seconds:
            return False
        self._is_free.release()  # the next one waits until all is as at the beginning
        return session.reset()


@contextmanager
def _ended_with_its_client(connection: socket.socket) -> Iterator[None]:
    """Ends the job within if the process that waits for it is killed: as one that runs alone would be with it."""
    running = True

    def watch() -> None:
        with suppress(OSError):
            connection.recv(1)
        if running:
            os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
    yield
    running = False


def _run(request: dict[str, Any], errors: int) -> int:
    """Runs a job as a process of its own would, and gives its exit code."""
    os.environ.clear()
    os.environ.update(request["environment"])
    os.umask(request["mask"])
    sys.argv = [request["job"], *request["arguments"]]
    code = 1
    for stream in _STREAMS:
        os.dup2(errors, stream)
    os.close(errors)
    try:
        os.chdir(request["folder"])
        runpy.run_path(request["job"], run_name="__main__")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # of what a job loads: its own are in its report
        traceback.print_exc()
    finally:
        Path(os.environ["SLUICE_WRAPPER"], "pid").unlink(missing_ok=True)  # signals are not for this process any more
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in _STREAMS:
            os.dup2(nowhere, stream)
        os.close(nowhere)
        os.chdir("/")
    return code


def main(path: str) -> None:
    with open(f"{path}{state.SUFFIX}", "a") as lock:  # what another one has noted there stays if that holds the lock
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # another process was started at the same moment
        stay.is_server = True
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):  # which the wrapper's children ignore
            signal.signal(number, signal.SIG_DFL)
        Server(path, lock).run()
        java.end(3)
        os.unlink(lock.name)


if __name__ == "__main__":
    main(sys.argv[1])
