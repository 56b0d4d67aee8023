"""Jobs in processes of their own: waited for, killed, kept waiting by a lock that another process holds."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil


def job_environment() -> dict[str, str]:
    """The environment in which ./spark-submit.sh starts its own session, not that of this process."""
    own = ("PYSPARK_SUBMIT_ARGS", "SPARK_SUBMIT_OPTS", "SPARK_CONF_DIR")
    return {name: value for name, value in os.environ.items() if name not in own}


def finished(process: subprocess.Popen, timeout: float = 120) -> tuple[int, str, str]:
    """The exit code, standard output and standard error of a process once it has ended."""
    out, err = process.communicate(timeout=timeout)
    return process.returncode, out, err


def kill(process: subprocess.Popen) -> None:
    """Kills a process and all of its group, as a machine that fails would."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def free_port() -> int:
    """A port of this machine that no process uses now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


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


def family(process: subprocess.Popen) -> list[psutil.Process]:
    """A process and all that it has started, itself or through others."""
    head = psutil.Process(process.pid)
    return [head, *head.children(recursive=True)]


def command_lines(processes: Iterable[psutil.Process]) -> str:
    """What `ps` shows of them."""
    lines = []
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            lines.append(" ".join(process.cmdline()))
    return "\n".join(lines)


def listening(processes: Iterable[psutil.Process]) -> set[str]:
    """The addresses at which they wait for connections."""
    found = set()
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            connections = process.net_connections(kind="inet")
            found |= {connection.laddr.ip for connection in connections if connection.status == psutil.CONN_LISTEN}
    return found


def jvms(process: subprocess.Popen) -> list[psutil.Process]:
    """The Java processes that a process has started, itself or through others."""
    return children(process, lambda child: child.name() == "java")


def job_pythons(process: subprocess.Popen) -> list[psutil.Process]:
    """The process of ./spark-submit.sh's that runs the job."""
    return children(process, lambda child: any("/jobs/" in argument for argument in child.cmdline()[:2]))


def children(process: subprocess.Popen, matches: Callable[[psutil.Process], bool]) -> list[psutil.Process]:
    """Of the processes that a process has started, itself or through others, those that match; ended ones do not."""

    def lives_and_matches(child: psutil.Process) -> bool:
        try:
            return matches(child)
        except psutil.NoSuchProcess:
            return False

    try:
        return list(filter(lives_and_matches, psutil.Process(process.pid).children(recursive=True)))
    except psutil.NoSuchProcess:
        return []


def warm_servers(folder: Path) -> list[psutil.Process]:
    """The processes that stay after their jobs, by their sockets in a folder for temporary files."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if "sluice.runtime.warm.server" in command and command[-1].startswith(str(folder)):
            found.append(process)
    return found


LOOPBACK = {"127.0.0.1", "::1", "::ffff:127.0.0.1"}  # the last is how Java writes the first

_HOLD = """
import fcntl, sys
with open(sys.argv[1], "w") as file:
    fcntl.lockf(file, fcntl.LOCK_EX)
    file.write("another-run")
    file.flush()
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held(lake: Path, table: str) -> Iterator[None]:
    """Holds a table's lock in a process of its own: the test's own would be freed as a job in it reads the file."""
    (lake / "_locks").mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-c", _HOLD, str(lake / "_locks" / table)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield
        process.communicate()


def assert_ended(process: subprocess.Popen, number: signal.Signals, began: float, before: str = "") -> None:
    """Asserts that a run ends by a signal in time, with a report and one line that gives the cause, the last one.

    `began`: when the signal was sent. `before`: what was read of standard error already.
    """
    code, out, err = finished(process, 60)
    seconds = time.monotonic() - began
    print(f"ended {seconds:.1f} s after {number.name}")
    report, name = json.loads(out), number.name
    assert (code, report["status"]) == (128 + number, "failed")
    assert report["error"] == f"stopped by {name}: rerun the same command, it resumes safely"
    lines = (before + err).splitlines()
    assert lines[-1] == f"{report['job']}: {report['error']}"
    assert sum("stopped by" in line for line in lines) == 1
    assert "Traceback" not in before + err
    assert seconds < 10
