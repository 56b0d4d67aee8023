"""One writer per table of a lake on S3: a lease, an object that is made and taken over by conditional puts.

The object is `<lake>/_locks/<table>`. While a run holds it, a thread renews it: each renewal changes its bytes. Who
waits and sees no change for long enough takes it over. Only the waiting machine's own clock judges that, so clocks may
differ; but what S3's own clock calls a quarter of an hour old is taken over at once.

A run that could not renew its lease stops committing before another can have taken it over: `LeaseDeadline`, which the
log store asks before each commit of Spark, holds what is left of it. Where both believe that they hold a table after
all, Delta's own detection of conflicts lets one of them fail.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cache, partial
from typing import Any

from sluice.errors import Busy, UsageError
from sluice.files.s3 import objects
from sluice.files.s3.objects import Object
from sluice.lake.opened import uri_of
from sluice.lake.writer import Writer, held_by

_TAKEN_OVER = 30.0  # seconds without a change, as the waiting run sees it
_OURS = 20.0  # seconds after the start of the last renewal in which its holder may commit: a put may take the rest
_RENEWED = 6.0  # seconds between two renewals
_LONG_DEAD = 900.0  # seconds by S3's clock, far more than its machines' clocks differ
_LOOK = 2.0  # seconds between two looks of a waiting run
_LIVING_RENEWED = 300.0  # seconds
LOST = "SLUICE_LEASE_LOST"  # in the error of a commit that came too late


@contextmanager
def held(lake: str, table: str, writer: Writer, spark: Any = None, *, one_commit: bool = False) -> Iterator[None]:
    """Holds a table's lease, for commits of Spark if it is given. Raises Busy if another run has it after the timeout.

    Raises UsageError where the store ignores the conditions of puts.
    """
    check_conditional_puts(lake)
    uri = f"{lake}/_locks/{table}"
    lease = _Lease(uri, writer.run_id, _Deadline(spark._jvm, uri_of(lake, table)) if spark else _NoDeadline())
    writer.wait_for(
        lease.taken,
        lambda: held_by(table, lease.holder),
        one_commit=one_commit,
        every=_LOOK,
        at_least=2 * _TAKEN_OVER,
        sign=partial(_waiting, lake, table, writer),
    )
    with lease.renewed():
        yield
    if lease.is_lost:
        raise lost()


def lost() -> Busy:
    """The failure of a run whose lease ended, as where its machine stood still or S3 could not be reached."""
    return Busy("this run could not renew its lease of the table in time: run again, it resumes safely")


class _NoDeadline:
    """For commits that Python makes."""

    def extend(self, seconds: float) -> None:
        pass

    def forget(self) -> None:
        pass


class _Deadline:
    """The deadline that the log store of Spark's JVM asks before each commit to a table."""

    def __init__(self, jvm: Any, table: str) -> None:
        self._class, self._table = jvm.sluice.lake.LeaseDeadline, table
        self._class.forget(table)  # fails where the JVM lacks the class, unlike what follows

    def extend(self, seconds: float) -> None:
        with suppress(Exception):  # of a JVM that has died: nothing of it can be committed
            self._class.extend(self._table, float(seconds))

    def forget(self) -> None:
        with suppress(Exception):
            self._class.forget(self._table)


class _Lease:
    """A lease that this process takes, renews and gives back."""

    def __init__(self, uri: str, run_id: str, deadline: _Deadline | _NoDeadline) -> None:
        self._uri, self._run_id, self._deadline = uri, run_id, deadline
        self._token, self._renewals = uuid.uuid4().hex, 0
        self._etag: str | None = None
        self._until = 0.0
        self._seen: tuple[str, float] | None = None  # another's etag, and since when it has not changed
        self.holder: str | None = None

    def taken(self) -> bool:
        """Tries to take the lease."""
        began = time.monotonic()
        other = objects.read(self._uri) if self._seen else None
        if other is None:
            other = objects.create(self._uri, self._body())
        elif self._is_dead(other):
            began = time.monotonic()
            other = objects.replace(self._uri, self._body(), other.etag)
        return other is not None and self._is_ours(other, began)

    def _is_dead(self, other: Object) -> bool:
        """Whether another run's lease is to be taken over."""
        unchanged = time.monotonic() - self._seen[1] if self._seen and self._seen[0] == other.etag else 0.0
        return unchanged >= _TAKEN_OVER or other.age >= _LONG_DEAD

    def _is_ours(self, there: Object, began: float) -> bool:
        """Whether the object that is there now is what this process put since a moment; notes whose it is, if not."""
        if there.data == self._body():
            self._etag, self._until = there.etag, began + _OURS
            self._deadline.extend(self._until - time.monotonic())
            return True
        self._etag, self.holder = None, _run_in(there.data)
        if self._seen is None or self._seen[0] != there.etag:
            self._seen = there.etag, time.monotonic()
        return False

    @contextmanager
    def renewed(self) -> Iterator[None]:
        """Renews the lease until the block ends, and gives it back."""
        try:
            with _repeated(self._renew, _RENEWED):
                yield
        finally:
            if self.is_lost:
                self._deadline.extend(0)  # for a commit that is still under way
            else:
                self._deadline.forget()
                with suppress(Exception):  # it ends by itself
                    objects.delete(self._uri)

    @property
    def is_lost(self) -> bool:
        """Whether another run may have taken the lease over."""
        return self._etag is None or time.monotonic() >= self._until

    def _renew(self) -> None:
        if self._etag is None:
            return
        began = time.monotonic()
        self._renewals += 1
        there = objects.replace(self._uri, self._body(), self._etag)
        if there is None:
            self._etag = None
        else:
            self._is_ours(there, began)

    def _body(self) -> bytes:
        return json.dumps({"run_id": self._run_id, "token": self._token, "renewals": self._renewals}).encode()


def _run_in(data: bytes) -> str | None:
    with suppress(ValueError, AttributeError):
        return str(json.loads(data).get("run_id"))
    return None


@contextmanager
def _repeated(work: Callable[[], None], seconds: float) -> Iterator[None]:
    """Does the work every so many seconds, in a thread, until the block ends; a failure is tried again."""
    ended = threading.Event()

    def repeat() -> None:
        while not ended.wait(seconds):
            with suppress(Exception):
                work()

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(_RENEWED)  # one that waits for S3 is let go: what it puts then fails its condition


def holder(uri: str) -> str | None:
    """The id of the run that holds a lease now; None if it is free, or its holder does not renew it."""
    found = objects.read(uri)
    return None if found is None or found.age >= _TAKEN_OVER else _run_in(found.data)


def _waiting(lake: str, table: str, writer: Writer) -> AbstractContextManager[None]:
    """Shows by an object that a run waits for a table's lease; removes those of runs that died while they waited."""
    folder = f"{lake}/_locks/_waiting"
    for name in objects.names(folder):
        is_alive(f"{folder}/{name}")
    name, text = writer.sign_of_waiting(table)
    return living(f"{folder}/{name}", text)


@contextmanager
def living(uri: str, text: bytes = b"") -> Iterator[None]:
    """Shows by an object that a run is alive, until it ends: it is written again and again while the run lives."""

    def renew() -> None:
        objects.write(uri, text)

    renew()
    try:
        with _repeated(renew, _LIVING_RENEWED):
            yield
    finally:
        with suppress(Exception):  # it grows old by itself
            objects.delete(uri)


def shows_life(uri: str) -> Object | None:
    """The object by which a run shows that it is alive; None if it is dead. Nothing is removed."""
    found = objects.read(uri)
    return None if found is None or found.age >= _LONG_DEAD else found


def is_alive(uri: str) -> bool:
    """Whether a run shows by an object that it is alive; that of a dead one is removed."""
    found = objects.read(uri)
    if found is None:
        return False
    if found.age < _LONG_DEAD:
        return True
    objects.delete(uri)
    return False


@cache
def check_conditional_puts(lake: str) -> None:
    """Raises UsageError if the store ignores the conditions of puts: two writers would overwrite each other's commits.

    One put tells: an object that exists may not be created again. It stays in the lake for the next run.
    """
    uri = f"{lake}/_locks/_conditional_puts"
    if not _is_put(objects.create, uri):
        return
    if _is_put(objects.create, uri) or _is_put(partial(objects.replace, etag='"0"'), uri):
        objects.delete(uri)
        raise UsageError(
            f"--lake {lake}: this store ignores If-None-Match and If-Match of a put, without which two writers may "
            "overwrite each other's commits: keep the lake in a store that honours them (see docs/s3.md)"
        )


def _is_put(put: Callable[[str, bytes], Object | None], uri: str) -> bool:
    """Whether a conditional put of new bytes is carried out."""
    data = uuid.uuid4().hex.encode()
    there = put(uri, data)
    return there is not None and there.data == data
