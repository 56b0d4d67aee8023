"""Measures commands: each a cold process with all that it starts, its seconds and its peak of memory. For Linux."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

_EVERY = 0.1  # seconds between two looks at the memory
_REST = 20  # at least so many times as long as a look keeps a core, so that it takes little from what is measured


@dataclass(frozen=True)
class Measured:
    """`peak_bytes`: the most memory that the processes had together at one moment; a page that several of them share
    counts once."""

    exit_code: int
    seconds: float
    peak_bytes: int


def measure(command: Sequence[str], environment: Mapping[str, str], answer: Path, log: Path) -> Measured:
    """Runs a command to its end. Its standard output is written to `answer`, its standard error added to `log`."""
    with open(answer, "wb") as out, open(log, "ab") as err:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment, start_new_session=True
        )
        memory = _Memory(process.pid)
        try:
            code = process.wait()
            seconds = time.perf_counter() - began
        finally:
            memory.stop()
            with suppress(ProcessLookupError):  # what an interrupted measurement leaves running
                os.killpg(process.pid, signal.SIGKILL)
    return Measured(code, seconds, memory.peak_bytes)


def usable_cores() -> list[int]:
    """The numbers of the cores that this process may use."""
    return sorted(os.sched_getaffinity(0))


def pinned(command: Sequence[str], cores: int) -> list[str]:
    """The command on so many of these cores."""
    return ["taskset", "--cpu-list", ",".join(map(str, usable_cores()[:cores])), *command]


class _Memory(threading.Thread):
    """Looks at the memory of a process and of all below it, again and again."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid, self._ended, self.peak_bytes = pid, threading.Event(), 0
        self.start()

    def run(self) -> None:
        pause = 0.0
        while not self._ended.wait(pause):
            began = time.thread_time()
            self.peak_bytes = max(self.peak_bytes, _bytes_of_tree(self._pid))
            pause = max(_EVERY, _REST * (time.thread_time() - began))

    def stop(self) -> None:
        self._ended.set()
        self.join()


def _bytes_of_tree(pid: int) -> int:
    total = 0
    with suppress(psutil.NoSuchProcess):
        head = psutil.Process(pid)
        for process in (head, *head.children(recursive=True)):
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):  # it ended meanwhile
                total += process.memory_full_info().pss
    return total
