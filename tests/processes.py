"""Jobs in processes of their own: waited for, killed, kept waiting by a lock that another process holds."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil


def finished(process: subprocess.Popen, timeout: float = 120) -> tuple[int, str, str]:
    """The exit code, standard output and standard error of a process once it has ended."""
    out, err = process.communicate(timeout=timeout)
    return process.returncode, out, err


def kill(process: subprocess.Popen) -> None:
    """Kills a process and all of its group, as a machine that fails would."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def wait_for(condition: Callable[[], object], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def read_until(process: subprocess.Popen, text: str) -> str:
    """The lines of standard error up to the first one with the text."""
    lines = []
    for line in process.stderr:
        lines.append(line)
        if text in line:
            return "".join(lines)
    raise AssertionError(f"no {text!r} in {lines}")


def jvms(process: subprocess.Popen) -> list[psutil.Process]:
    """The Java processes that a process has started, itself or through others."""
    return [child for child in psutil.Process(process.pid).children(recursive=True) if child.name() == "java"]


@contextmanager
def held(lake: Path, table: str) -> Iterator[None]:
    """Holds a table's lock, as another process would."""
    (lake / "_locks").mkdir(parents=True, exist_ok=True)
    with open(lake / "_locks" / table, "w") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        file.write("another-run")
        file.flush()
        yield
