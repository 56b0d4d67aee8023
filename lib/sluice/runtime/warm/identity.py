"""Which process may take a job: one of the same user, project, Spark options and environment.

Imported before anything of a job: nothing here may take long to load.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator, Sequence

from sluice.runtime.given import given

_PROJECT = os.path.abspath(os.path.join(os.path.dirname(__file__), *[os.pardir] * 4))
_NAME = 24  # digits of a socket's name
_LONGEST = 107  # bytes of a socket's path: sun_path of unix(7)
# What may differ from one job to the next: what a job reads itself, and what terminals, cron and Airflow set anew.
_OF_A_JOB = re.compile(
    "_|PWD|OLDPWD|SHLVL|TERM.*|COLORTERM|COLUMNS|LINES|WINDOWID|SSH_.*|XDG_SESSION_.*|DBUS_.*|DISPLAY|STY|TMUX.*|VTE_.*"
    "|INVOCATION_ID|JOURNAL_STREAM|SYSTEMD_EXEC_PID|MAIL|MAILTO|AIRFLOW_CTX_.*|_AIRFLOW_.*|OPENLINEAGE_.*|PYTEST_CURRENT_TEST"
    "|SLUICE_(?!SPARK_LOG_LEVEL|CLASS_ARCHIVE|CONF_DIR|SERVED_TABLE).*"
)
_AWS_FILES = {"AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials", "AWS_CONFIG_FILE": "~/.aws/config"}


def folder_path() -> str:
    """Where the user's sockets are, if there are any."""
    return os.path.join(os.environ.get("TMPDIR") or "/tmp", f"sluice-{os.getuid()}")


def folder() -> str | None:
    """The folder of the user's sockets, made if need be; None if others can enter it or it is theirs."""
    path = folder_path()
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        pass
    except OSError:
        return None
    found = os.lstat(path)
    is_ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
    return path if is_ours and len(os.fsencode(path)) + 1 + _NAME <= _LONGEST else None


def socket_path(options: bytes, arguments: Sequence[str]) -> str | None:
    """The socket of a process that may take a job with these options of Spark and arguments; None if none may."""
    within = folder()
    if within is None or any(argument.startswith(("/dev/", "/proc/")) for argument in arguments):
        return None  # a file of this process alone, such as /dev/stdin
    environment = {name: value for name, value in os.environ.items() if not _OF_A_JOB.fullmatch(name)}
    log_format = given(arguments, "--log-format", "SLUICE_LOG_FORMAT")  # which the JVM has to know as it starts
    parts = [_PROJECT, repr(options), sorted(environment.items()), log_format, list(_files())]
    return os.path.join(within, hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:_NAME])


def _files() -> Iterator[tuple[str, int, int]]:
    """Size and time of all files that a running process has read once: code, settings, credentials."""
    for within in ("lib/sluice", "jobs", "conf", ".venv/jars"):
        for path, folders, names in os.walk(os.path.join(_PROJECT, within)):
            folders[:] = [name for name in folders if name not in ("__pycache__", "tables")]
            yield from (_state(os.path.join(path, name)) for name in names)
    for variable, default in _AWS_FILES.items():
        yield _state(os.path.expanduser(os.environ.get(variable, default)))


def _state(path: str) -> tuple[str, int, int]:
    try:
        found = os.stat(path)
    except OSError:
        return path, -1, -1
    return path, found.st_size, found.st_mtime_ns
