"""The options every job has, from flag, environment, `conf/sluice.toml` or default, in this order."""

from __future__ import annotations

import os
import re
import tomllib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any

from sluice.errors import UsageError
from sluice.runtime.log_lines import LogStyle

KEYS = ("lake", "progress", "log_format", "lock_timeout", "max_rejects", "max_record_bytes", "min_age", "tables")


@dataclass(frozen=True)
class Settings:
    """`lake` is the absolute path of the folder of tables, `tables` that of users' declarations; times are seconds."""

    lake: str
    run_id: str
    dry_run: bool
    result_file: str | None
    log_format: str
    progress: str
    lock_timeout: float
    tables: str

    @classmethod
    def of(cls, options: dict[str, Any]) -> Settings:
        """Takes its own options out of a job's."""
        run_id = options.pop("run_id") or _new_run_id()
        if not re.fullmatch(r"[A-Za-z0-9._:+-]{1,200}", run_id):
            raise UsageError(f"--run-id {run_id!r}: use at most 200 letters, digits and . _ : + -")
        lake = options.pop("lake")
        if "://" in lake and not lake.startswith("file://"):
            raise UsageError(f"--lake {lake}: only a folder on local disk is supported")
        root = str(Path(lake.removeprefix("file://")).expanduser().absolute())
        result_file = options.get("result_file")
        if result_file and not Path(result_file).expanduser().absolute().parent.is_dir():
            raise UsageError(f"--result-file {result_file}: its folder does not exist: create it first")
        names = ("dry_run", "result_file", "log_format", "progress", "lock_timeout")
        folder = _declarations(options.pop("tables"))
        return cls(lake=root, run_id=run_id, tables=folder, **{name: options.pop(name, None) for name in names})


def _declarations(given: str | None) -> str:
    """The folder of declarations: the one given, else that of the configuration, which need not be there."""
    path = Path(given or Path(os.environ.get("SLUICE_CONF_DIR") or "conf", "tables")).expanduser().absolute()
    if given and not path.is_dir():
        raise UsageError(f"--tables {given}: no such folder: make it, or leave the option out")
    return str(path)


def _new_run_id() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"


def lines(arguments: Sequence[str], values: dict[str, Any]) -> LogStyle:
    """How a run's lines are written, known before Click has understood the arguments: wrong usage is told so too."""
    log_format = _given(arguments, "--log-format", "SLUICE_LOG_FORMAT") or values.get("log_format") or "text"
    return LogStyle(log_format, _given(arguments, "--run-id", "SLUICE_RUN_ID") or _new_run_id())


def _given(arguments: Sequence[str], flag: str, variable: str) -> str | None:
    found = os.environ.get(variable)
    for argument, following in zip_longest(arguments, arguments[1:], fillvalue=""):
        if argument == "--":
            break
        if argument == flag or argument.startswith(f"{flag}="):
            found = argument.partition("=")[2] or following
    return found


def defaults() -> dict[str, Any]:
    """What `sluice.toml` in `$SLUICE_CONF_DIR` sets. Raises UsageError for a key that is no option."""
    folder = os.environ.get("SLUICE_CONF_DIR")
    path = Path(folder or "conf", "sluice.toml")
    if not path.is_file():
        return {}
    try:
        values = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from None
    for key in values:
        if key not in KEYS:
            raise UsageError(f"{path}: {key!r} is no setting: choose from {', '.join(KEYS)}")
    return values
