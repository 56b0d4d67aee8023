"""One writer per table of a lake on disk: a file lock held by the process that commits.

Spark's commits are made by the JVM, so the JVM holds the lock (`java.nio`): killing Python alone does not free it in
the middle of a commit, and the operating system frees it when the JVM dies. Commits to the small tables are made by
Python. Both take POSIX record locks on the same file, `<lake>/_locks/<table>`, in which the holder writes its run's id.

Beside them each recorded run holds a file of its own while it lives, so that other runs can see whether it is dead; so
does a run while it waits for a table.

A descriptor of a lock file that a process closes frees all of the process's locks on it, those of its other runs too.
So no function here opens a file whose lock this process or its JVM holds: a list of those is kept.
"""

from __future__ import annotations

import fcntl
import os
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from typing import Any

from sluice.lake.writer import Writer, held_by

_FLOCK = "hhqqi0q"  # struct flock of fcntl(2): type, whence, start, length, pid


def _lock_file(lake: str, table: str) -> str:
    folder = os.path.join(lake, "_locks")
    os.makedirs(folder, exist_ok=True)
    return os.path.join(folder, table)


@contextmanager
def held_by_jvm(spark: Any, lake: str, table: str, writer: Writer, *, one_commit: bool = False) -> Iterator[None]:
    """Holds a table's lock for commits of Spark; raises Busy as `sluice.lake.lock.held_by_jvm` does."""
    path = _lock_file(lake, table)

    def lock() -> Callable[[], None] | None:
        file = spark._jvm.java.io.RandomAccessFile(path, "rw")
        if file.getChannel().tryLock() is None:
            file.close()
            return None
        file.setLength(0)
        file.writeBytes(writer.run_id)
        return partial(_close_in_jvm, file)

    with _held(path, table, writer, lock, one_commit=one_commit):
        yield


def _close_in_jvm(file: Any) -> None:
    from py4j.protocol import Py4JNetworkError

    with suppress(Py4JNetworkError, ConnectionError):  # of a JVM that has died, and so freed the lock
        file.close()


@contextmanager
def held_by_python(lake: str, table: str, writer: Writer) -> Iterator[None]:
    """Holds a small table's lock for one commit of delta-rs; raises Busy as `held_by_jvm` does."""
    path = _lock_file(lake, table)

    def lock() -> Callable[[], None] | None:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        os.truncate(descriptor, 0)
        os.write(descriptor, writer.run_id.encode())
        return partial(os.close, descriptor)

    with _held(path, table, writer, lock, one_commit=True):
        yield


# path → run id, of the locks that this process or its JVM holds: closing any descriptor of such a file would free it
_OWN: dict[str, str] = {}
_OWN_GUARD = threading.Lock()


@contextmanager
def _held(
    path: str, table: str, writer: Writer, lock: Callable[[], Callable[[], None] | None], *, one_commit: bool
) -> Iterator[None]:
    """Holds a lock that `lock` takes, which gives what frees it, or None where another process has it."""
    free: list[Callable[[], None]] = []

    def attempt() -> bool:
        with _OWN_GUARD:
            if path in _OWN or (unlock := lock()) is None:
                return False
            _OWN[path] = writer.run_id
        free.append(unlock)
        return True

    def holder() -> str:
        with _OWN_GUARD:
            return held_by(table, _OWN.get(path) or _written_in(path))

    writer.wait_for(attempt, holder, one_commit=one_commit, sign=partial(_waiting, path, table, writer))
    try:
        yield
    finally:
        with _OWN_GUARD:
            del _OWN[path]
            free[0]()


def _written_in(path: str) -> str:
    with open(path) as file:
        return file.read(200)


def holder(path: str) -> str | None:
    """The id of the run that holds a lock now, seen without touching the lock; None if it is free."""
    with _OWN_GUARD:
        if path in _OWN:
            return _OWN[path]
        with open(path) as file:
            answer = fcntl.fcntl(file, fcntl.F_GETLK, struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
            is_free = struct.unpack(_FLOCK, answer)[0] == fcntl.F_UNLCK
            return None if is_free else file.read(200)


def _waiting(path: str, table: str, writer: Writer) -> AbstractContextManager[None]:
    """Shows by a file that a run waits for a table's lock; removes those of runs that were killed while they waited."""
    folder = os.path.join(os.path.dirname(path), "_waiting")
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        is_alive(os.path.join(folder, name))
    name, text = writer.sign_of_waiting(table)
    return living(os.path.join(folder, name), text)


@contextmanager
def living(path: str, text: bytes = b"") -> Iterator[None]:
    """Shows by a file that a run is alive, until it ends or its process dies; several may show it by the same."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    descriptor = _shared(path)
    os.write(descriptor, text)
    try:
        yield
    finally:
        with suppress(BlockingIOError, FileNotFoundError):  # another such run lives: it removes the file
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(path)
        os.close(descriptor)


def _shared(path: str) -> int:
    """A descriptor of the file, with a shared lock; opened again if the file was removed before it was locked."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                return descriptor
        os.close(descriptor)


def shows_life(path: str) -> bool:
    """Whether a run shows by a file that it is alive; nothing is removed."""
    try:
        with open(path) as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def is_alive(path: str) -> bool:
    """Whether a run shows by a file that it is alive; the file of a dead one is removed."""
    try:
        with open(path) as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(path)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
