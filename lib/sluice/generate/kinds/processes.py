"""Sample processes: snapshots of this machine by its own `ps`, or of made-up hosts with every operating system."""

from __future__ import annotations

import csv
import io
import os
import random
import socket
import subprocess
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sluice.errors import InputError, counted
from sluice.generate.sample_file import sample_file

if TYPE_CHECKING:
    from sluice.runtime.job import Job

PROCESSES = 200  # in a made-up snapshot
FIRST, STEP = datetime(2024, 9, 1), timedelta(minutes=10)
_TIME = "%Y-%m-%dT%H-%M-%SZ"
_NAMES = ("systemd", "sshd", "nginx", "postgres", "java", "python3", "bash", "cron", "dockerd", "redis-server")


class MadeUpProcess(NamedTuple):
    """A made-up process; sizes in KiB, CPU time in seconds."""

    pid: int
    name: str
    user: str
    cpu: float
    memory: float
    resident: int
    virtual: int
    seconds: int


def _bsd(rows: Sequence[MadeUpProcess]) -> str:
    lines = ["USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND"]
    for r in rows:
        lines.append(
            f"{r.user:8} {r.pid:7} {r.cpu:4.1f} {r.memory:4.1f} {r.virtual:6} {r.resident:5} ?        Ss   Jan05 "
            f"{r.seconds // 60:3}:{r.seconds % 60:02} /usr/bin/{r.name} --id {r.pid}"
        )
    return "\n".join(lines) + "\n"


def _system_v(rows: Sequence[MadeUpProcess]) -> str:
    lines = ["UID          PID    PPID  C STIME TTY          TIME CMD"]
    for r in rows:
        clock = f"{r.seconds // 3600:02}:{r.seconds // 60 % 60:02}:{r.seconds % 60:02}"
        lines.append(f"{r.user:8} {r.pid:7} {1:7}  0 Sep 05 ?        {clock} /usr/bin/{r.name} --id {r.pid}")
    return "\n".join(lines) + "\n"


def _busybox(rows: Sequence[MadeUpProcess]) -> str:
    lines = [f"{r.pid:5} {r.user:8} {r.virtual // 1024:4}m S    {r.name} --id {r.pid}" for r in rows]
    return "\n".join(["PID   USER     VSZ  STAT COMMAND", *lines]) + "\n"


def _tasklist(rows: Sequence[MadeUpProcess]) -> str:
    lines = [
        "",
        "Image Name                     PID Session Name        Session#    Mem Usage",
        "========================= ======== ================ =========== ============",
    ]
    lines += [f"{r.name + '.exe':25} {r.pid:8} {'Services':16} {0:11} {f'{r.resident:,} K':>12}" for r in rows]
    return "\r\n".join(lines) + "\r\n"


def _get_process(rows: Sequence[MadeUpProcess]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(("Name", "Id", "WS", "VM", "CPU", "Path"))
    writer.writerows((r.name, r.pid, r.resident * 1024, r.virtual * 1024, r.seconds, f"C:\\{r.name}.exe") for r in rows)
    return text.getvalue()


def _wmic(rows: Sequence[MadeUpProcess]) -> str:
    lines = [
        "",
        "Node,CommandLine,KernelModeTime,Name,ParentProcessId,ProcessId,UserModeTime,VirtualSize,WorkingSetSize",
    ]
    lines += [
        f"HOST,{r.name}.exe --id 1, {r.pid},0,{r.name}.exe,4,{r.pid},{r.seconds * 10_000_000},{r.virtual * 1024},"
        f"{r.resident * 1024}"
        for r in rows
    ]
    return "\r\r\n".join(lines) + "\r\r\n"


# prefix of a host's name → how its system lists processes
SYSTEMS: dict[str, Callable[[Sequence[MadeUpProcess]], str]] = {
    "linux": _bsd,
    "solaris": _system_v,
    "alpine": _busybox,
    "win10": _tasklist,
    "server": _get_process,
    "win7": _wmic,
}


def generate(job: Job, rows: int, output: str, seed: int, *, this_machine: bool) -> None:
    """Writes snapshots into the folder `output`: one of this machine, or made-up ones of `rows` processes in all."""
    folder = Path(output).expanduser().absolute()
    if this_machine:
        _write_this_machine(job, folder)
    else:
        _write_made_up(job, folder, rows, seed)


def _write_this_machine(job: Job, folder: Path) -> None:
    """Writes what `ps` lists now to `<folder>/<host>/<time>.txt`. Raises InputError where there is no `ps`."""
    try:
        listing = subprocess.run(["ps", "auxww"], capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        raise InputError("this machine's `ps` cannot be run: install procps, or give --rows") from None
    path = _write_snapshot(folder, socket.gethostname(), datetime.now(UTC), listing)
    job.progress.log(f"{path}: {listing.count(os.linesep.encode()) - 1:,} processes")


def _write_made_up(job: Job, folder: Path, rows: int, seed: int) -> None:
    """Writes snapshots of up to 200 processes each to `<folder>/<host>/<time>.txt`, of hosts with every system."""
    count = -(-rows // PROCESSES)
    with job.step("generate"):
        for number in range(count):
            system, moment = list(SYSTEMS)[number % len(SYSTEMS)], number // len(SYSTEMS)
            size = min(PROCESSES, rows - number * PROCESSES)
            listing = SYSTEMS[system](_made_up(random.Random(seed * 1_000_003 + number), size)).encode()
            _write_snapshot(folder, f"{system}-{moment % 5}", FIRST + STEP * (moment // 5), listing)
    job.progress.log(f"{folder}: {rows:,} processes in {counted(count, 'snapshot')}")


def _made_up(generator: random.Random, count: int) -> list[MadeUpProcess]:
    return [
        MadeUpProcess(
            pid=4 + 4 * number,
            name=generator.choice(_NAMES),
            user=generator.choice(("root", "www-data", "deploy")),
            cpu=round(generator.random() ** 4 * 100, 1),
            memory=round(generator.random() ** 4 * 20, 1),
            resident=generator.randrange(1_000, 2_000_000),
            virtual=generator.randrange(2_000_000, 9_000_000),
            seconds=generator.randrange(100_000),
        )
        for number in range(count)
    ]


def _write_snapshot(folder: Path, host: str, at: datetime, listing: bytes) -> Path:
    path = folder / host / f"{at.strftime(_TIME)}.txt"
    with sample_file(path) as file:
        file.write(listing)
    return path
