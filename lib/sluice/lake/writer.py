"""Who commits, and how long that run waits for a table that another run holds."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime

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

    def wait_for(
        self,
        attempt: Callable[[], bool],
        holder: Callable[[], str],
        *,
        one_commit: bool = False,
        every: float = _EVERY,
        at_least: float = 0.0,
        sign: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """Tries until an attempt succeeds, and logs once who holds the lock (`holder`: a clause).

        `one_commit`: the holder needs it for a moment only, or for `at_least` so many seconds if it died. `every`:
        seconds between two attempts. `sign`: shows to others that this run waits. Raises Busy after the timeout.
        """
        timeout = max(self.lock_timeout, _ONE_COMMIT, at_least) if one_commit else self.lock_timeout
        began, logged = time.monotonic(), False
        with ExitStack() as signs:
            while not attempt():
                waited = time.monotonic() - began
                if waited >= timeout:
                    raise Busy(f"{holder()}: try again, or wait longer with --lock-timeout")
                if not logged and waited >= (_SILENT if one_commit else 0):
                    self.log(f"{holder()}: waiting up to {timeout:g} s")
                    signs.enter_context(sign())
                    logged = True
                time.sleep(min(every, timeout - waited))

    def sign_of_waiting(self, table: str) -> tuple[str, bytes]:
        """The name of a file by which this run shows that it waits for a table, and its bytes."""
        values = {"run_id": self.run_id, "table": table, "since": datetime.now(UTC).isoformat()}
        return uuid.uuid4().hex, json.dumps(values).encode()


def held_by(table: str, run_id: str | None) -> str:
    """The clause that says which run holds a table."""
    return f"table {table} is held by run {run_id}" if run_id else f"table {table} is held by another run"
