"""One writer per table: a file lock held by the process that commits.

Spark's commits are made by the JVM, so the JVM holds the lock (`java.nio`): killing Python alone does not free it in
the middle of a commit, and the operating system frees it when the JVM dies. Bookkeeping commits are made by Python.
Both are POSIX record locks on the same kind of file, `<lake>/_locks/<table>`. Beside them each recorded run holds a
file of its own while it lives, by which others tell whether it is dead.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sluice.errors import Busy

_EVERY = 0.2


def _lock_file(lake: str, table: str) -> str:
    folder = os.path.join(lake, "_locks")
    os.makedirs(folder, exist_ok=True)
    return os.path.join(folder, table)


@contextmanager
def held_by_jvm(spark: Any, lake: str, table: str, run_id: str, timeout: float, log: Callable[[str], None]) -> Iterator:
    """Holds a table's lock; raises Busy if another run still has it after `timeout` seconds."""
    from py4j.protocol import Py4JNetworkError

    path = _lock_file(lake, table)
    file = spark._jvm.java.io.RandomAccessFile(path, "rw")
    try:
        _wait(lambda: _try_lock(file), path, table, timeout, log)
        file.setLength(0)
        file.writeBytes(run_id)
        yield
    finally:
        with suppress(Py4JNetworkError, ConnectionError):  # of a JVM that has died, and so freed the lock
            file.close()  # frees it


def _try_lock(file: Any) -> bool:
    from py4j.protocol import Py4JJavaError

    try:
        return file.getChannel().tryLock() is not None
    except Py4JJavaError as error:
        # another run in this JVM has it: java.nio throws where another process's lock gives null
        if "OverlappingFileLockException" in str(error.java_exception.getClass().getName()):
            return False
        raise


def _wait(attempt: Callable[[], bool], path: str, table: str, timeout: float, log: Callable[[str], None]) -> None:
    deadline, told = time.monotonic() + timeout, False
    while not attempt():
        with open(path) as file:
            holder = file.read(200) or "another run"
        if time.monotonic() >= deadline:
            raise Busy(f"table {table} is held by run {holder}: try again, or wait longer with --lock-timeout")
        if not told:
            log(f"table {table} is held by run {holder}: waiting up to {timeout:g} s")
            told = True
        time.sleep(min(_EVERY, max(deadline - time.monotonic(), 0)))


@contextmanager
def held_by_python(lake: str, table: str) -> Iterator[None]:
    """Holds a bookkeeping table's lock for the moment of one commit."""
    with open(_lock_file(lake, table), "a") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        yield


def _life_file(lake: str, run: tuple[str, ...]) -> str:
    name = hashlib.sha256("\0".join(run).encode()).hexdigest()
    return os.path.join(lake, "_locks", "_alive", name)


@contextmanager
def living(lake: str, *run: str) -> Iterator[None]:
    """Shows the run (its id, job and table) to be alive until it ends or its process dies."""
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
    """Whether a run shows itself to be alive."""
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
