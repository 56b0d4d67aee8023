"""One writer per table: a file lock held by the process that commits.

Spark's commits are made by the JVM, so the JVM holds the lock (`java.nio`): killing Python alone does not free it in
the middle of a commit, and the operating system frees it when the JVM dies. Commits to the small tables are made by
Python. Both take POSIX record locks on the same file, `<lake>/_locks/<table>`, in which the holder writes its run's id.

Beside them each recorded run holds a file of its own while it lives, so that other runs can see whether it is dead.

A descriptor of a lock file that this process closes frees the process's own locks on it: no function here opens a file
whose lock this process holds.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from py4j.protocol import Py4JJavaError, Py4JNetworkError

from sluice.errors import Busy

_EVERY = 0.2  # seconds between two attempts
_ONE_COMMIT = 30.0  # seconds; a small table is locked for one commit, so `--lock-timeout 0` need not fail for it
_SILENT = 2.0  # seconds that such a lock is waited for without a word


@dataclass(frozen=True)
class Writer:
    """Who commits: the run's id, and how long it waits for a lock (seconds), saying so by `log`."""

    run_id: str
    lock_timeout: float
    log: Callable[[str], None]

    def wait_for(self, attempt: Callable[[], bool], holder: Callable[[], str], *, one_commit: bool = False) -> None:
        """Tries until an attempt succeeds, and logs once who holds the lock (`holder`: a clause).

        `one_commit`: the holder needs it for a moment only. Raises Busy after the timeout.
        """
        timeout = max(self.lock_timeout, _ONE_COMMIT) if one_commit else self.lock_timeout
        began, logged = time.monotonic(), False
        while not attempt():
            waited = time.monotonic() - began
            if waited >= timeout:
                raise Busy(f"{holder()}: try again, or wait longer with --lock-timeout")
            if not logged and waited >= (_SILENT if one_commit else 0):
                self.log(f"{holder()}: waiting up to {timeout:g} s")
                logged = True
            time.sleep(min(_EVERY, timeout - waited))


def _lock_file(lake: str, table: str) -> str:
    folder = os.path.join(lake, "_locks")
    os.makedirs(folder, exist_ok=True)
    return os.path.join(folder, table)


def _held_by(path: str, table: str) -> str:
    with open(path) as file:
        run_id = file.read(200)
    return f"table {table} is held by run {run_id}" if run_id else f"table {table} is held by another run"


@contextmanager
def held_by_jvm(spark: Any, lake: str, table: str, writer: Writer, *, one_commit: bool = False) -> Iterator[None]:
    """Holds a table's lock for commits of Spark. Raises Busy if another run still has it after the timeout."""
    path = _lock_file(lake, table)
    file = spark._jvm.java.io.RandomAccessFile(path, "rw")
    try:
        writer.wait_for(lambda: _try_lock(file), lambda: _held_by(path, table), one_commit=one_commit)
        file.setLength(0)
        file.writeBytes(writer.run_id)
        yield
    finally:
        with suppress(Py4JNetworkError, ConnectionError):  # of a JVM that has died, and so freed the lock
            file.close()  # frees it


def _try_lock(file: Any) -> bool:
    try:
        return file.getChannel().tryLock() is not None
    except Py4JJavaError as error:
        # another run in this JVM has it: java.nio throws where another process's lock gives null
        if "OverlappingFileLockException" in str(error.java_exception.getClass().getName()):
            return False
        raise


@contextmanager
def held_by_python(lake: str, table: str, writer: Writer) -> Iterator[None]:
    """Holds a small table's lock for one commit of delta-rs; raises Busy as `held_by_jvm` does."""
    path = _lock_file(lake, table)
    with open(path, "a") as file:

        def attempt() -> bool:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        writer.wait_for(attempt, lambda: _held_by(path, table), one_commit=True)
        file.truncate(0)
        file.write(writer.run_id)
        file.flush()
        yield


def _life_file(lake: str, run: tuple[str, ...]) -> str:
    name = hashlib.sha256("\0".join(run).encode()).hexdigest()
    return os.path.join(lake, "_locks", "_alive", name)


@contextmanager
def living(lake: str, *run: str) -> Iterator[None]:
    """Shows that the run (its id, job and table) is alive, until it ends or its process dies."""
    path = _life_file(lake, run)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            with suppress(FileNotFoundError):
                os.unlink(path)


def is_alive(lake: str, *run: str) -> bool:
    """Whether a run (its id, job and table) shows that it is alive; the file of a dead one is removed."""
    path = _life_file(lake, run)
    try:
        with open(path) as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    with suppress(FileNotFoundError):
        os.unlink(path)
    return False
