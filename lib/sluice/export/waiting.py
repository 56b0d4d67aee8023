"""How psycopg2 waits for PostgreSQL: so that a signal ends the run, but for COPY, which psycopg2 then has not.

psycopg2 has one wait callback for the whole process (`set_wait_callback`). While `interruptible` is open, every
connection of the process waits by it, those of other libraries too. This is the only place that sets it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg2.extensions import set_wait_callback
from psycopg2.extras import wait_select


@contextmanager
def interruptible() -> Iterator[None]:
    """Waits for answers so that a signal ends the waiting, and the statement."""
    set_wait_callback(_wait)
    try:
        yield
    finally:
        set_wait_callback(None)


@contextmanager
def as_copy_needs_it() -> Iterator[None]:
    """Waits as libpq does, within `interruptible`: a signal is heeded when the call has ended."""
    set_wait_callback(None)
    try:
        yield
    finally:
        set_wait_callback(_wait)


def _wait(connection: Any) -> None:
    """Waits for an answer, and cancels the statement if a signal ends the run.

    libpq's own waiting would not end before the answer, and the statement would go on without anyone to wait for it.
    """
    try:
        wait_select(connection)
    except BaseException:
        connection.cancel()
        raise
