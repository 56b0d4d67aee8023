"""One writer per table: a file lock where the lake is a folder on disk, a lease where it is on S3."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sluice.files.s3 import objects
from sluice.files.s3.client import is_on_s3
from sluice.lake import file_lock, lease
from sluice.lake.writer import Writer


@contextmanager
def held_by_jvm(spark: Any, lake: str, table: str, writer: Writer, *, one_commit: bool = False) -> Iterator[None]:
    """Holds a table's lock for commits of Spark. Raises Busy if another run still has it after the timeout.

    `one_commit`: it is a small table's, held for one commit only.
    """
    if is_on_s3(lake):
        with lease.held(lake, table, writer, spark, one_commit=one_commit):
            yield
    else:
        with file_lock.held_by_jvm(spark, lake, table, writer, one_commit=one_commit):
            yield


@contextmanager
def held_by_python(lake: str, table: str, writer: Writer) -> Iterator[None]:
    """Holds a small table's lock for one commit of delta-rs; raises Busy as `held_by_jvm` does."""
    if is_on_s3(lake):
        with lease.held(lake, table, writer, one_commit=True):
            yield
    else:
        with file_lock.held_by_python(lake, table, writer):
            yield


@contextmanager
def living(lake: str, *run: str) -> Iterator[None]:
    """Shows that the run (its id, job and table) is alive, until it ends or its process dies.

    Several runs of the same id, job and table may live side by side.
    """
    path = life_file(lake, run)
    with lease.living(path) if is_on_s3(lake) else file_lock.living(path):
        yield


def is_alive(lake: str, *run: str) -> bool:
    """Whether a run (its id, job and table) shows that it is alive; the file of a dead one is removed."""
    path = life_file(lake, run)
    return lease.is_alive(path) if is_on_s3(lake) else file_lock.is_alive(path)


def remove_sign_of_life(lake: str, *run: str) -> None:
    """Removes the sign of life of a run that is known to be dead."""
    path = life_file(lake, run)
    if is_on_s3(lake):
        objects.delete(path)
    else:
        file_lock.is_alive(path)  # removes a dead run's file


def life_file(lake: str, run: tuple[str, ...]) -> str:
    name = hashlib.sha256("\0".join(run).encode()).hexdigest()
    return os.path.join(lake, "_locks", "_alive", name)
