"""What a job is doing, told on standard error: a line for each step, and within one every ten seconds."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

_EVERY = 10.0
_REFRESH = 0.5


class Progress:
    """`style` is auto, plain or none; `terminal` tells whether a person watches standard error."""

    def __init__(self, style: str = "auto", log_format: str = "text", terminal: bool = False) -> None:
        self._shown = style != "none"
        self._live = style == "auto" and terminal and log_format == "text"
        self._json = log_format == "json"
        self.spark: Any = None

    def tell(self, message: str, **fields: Any) -> None:
        """One line, whatever the style: for what a user must know."""
        if self._json:
            line = json.dumps({"time": datetime.now(UTC).isoformat(), "message": message, **fields})
        else:
            line = f"{datetime.now(UTC):%H:%M:%S} {message}"
        if self._live:
            line = f"\r\x1b[K{line}"
        print(line, file=sys.stderr, flush=True)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Tells how far the work within has come."""
        if not self._shown:
            yield
            return
        self.tell(f"{name} …", step=name)
        done = threading.Event()
        ticker = threading.Thread(target=self._tick, args=(name, done), daemon=True)
        ticker.start()
        try:
            yield
        finally:
            done.set()
            ticker.join(timeout=2)
            if self._live:
                print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def _tick(self, name: str, done: threading.Event) -> None:
        began = time.monotonic()
        while not done.wait(_REFRESH if self._live else _EVERY):
            message = f"{name}: {time.monotonic() - began:.0f} s{self._tasks()}"
            if self._live:
                print(f"\r\x1b[K{message}", end="", file=sys.stderr, flush=True)
            else:
                self.tell(message, step=name)

    def _tasks(self) -> str:
        """How many tasks of Spark's running stages are done; nothing where Spark does not answer."""
        with suppress(Exception):
            tracker = self.spark.sparkContext.statusTracker()
            stages = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
            known = [stage for stage in stages if stage]
            if known:
                return f", {sum(s.numCompletedTasks for s in known)} of {sum(s.numTasks for s in known)} tasks done"
        return ""
