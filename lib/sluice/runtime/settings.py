"""The options that all jobs have: a flag wins over an environment variable, that over `conf/sluice.toml`."""

from __future__ import annotations

import os
import re
import tomllib
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sluice.errors import UsageError, closest
from sluice.files.s3.client import is_on_s3, split
from sluice.runtime import home
from sluice.runtime.given import given
from sluice.runtime.log_lines import LogStyle, printable

_UNFIT_FOR_LAKES = re.compile(r"[\[\]|^%\\\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True)
class Settings:
    """`lake` is the folder of tables, `tables` that of users' declarations; times are seconds, `keep_warm` is minutes.

    Both are absolute paths; a lake on S3 is a URI, `s3a://bucket/folder`. `profile` is the folder of runs' profiles, if
    this one is to leave one.
    """

    lake: str
    run_id: str
    dry_run: bool
    result_file: str | None
    metrics_file: str | None
    log_format: str
    progress: str
    lock_timeout: float
    tables: str
    shared_filesystem: bool
    keep_warm: float | None
    profile: str | None

    @classmethod
    def of(cls, options: dict[str, Any]) -> Settings:
        """Takes the options that all jobs have out of a job's. Raises UsageError for a value that cannot be."""
        result_file = options.pop("result_file")
        if result_file and not Path(result_file).expanduser().absolute().parent.is_dir():
            raise UsageError(f"--result-file {result_file}: its folder does not exist: create it first")
        profile = options.pop("profile")
        if profile and not Path(profile).expanduser().is_dir():
            raise UsageError(f"--profile {profile}: this folder does not exist: create it first")
        return cls(
            lake=_lake(options.pop("lake")),
            run_id=_checked_run_id(options.pop("run_id") or _new_run_id()),
            tables=declarations(options.pop("tables")),
            result_file=result_file,
            metrics_file=options.pop("metrics_file"),
            log_format=options.pop("log_format"),
            progress=options.pop("progress"),
            shared_filesystem=options.pop("shared_filesystem"),
            keep_warm=options.pop("keep_warm"),
            profile=profile,
            dry_run=options.pop("dry_run", False),  # only jobs that write have these
            lock_timeout=options.pop("lock_timeout", 0),
        )


def lake(folder: str | None = None) -> str:
    """The lake in a folder or on S3 or, without one, that of the jobs. Raises UsageError for what cannot be a lake."""
    return _lake(str(folder or os.environ.get("SLUICE_LAKE") or defaults().get("lake") or "lake"))


def _lake(folder: str) -> str:
    if is_on_s3(folder):
        return _lake_on_s3(folder)
    if "://" in folder and not folder.startswith("file://"):
        raise UsageError(f"--lake {folder}: give a folder on disk or s3://BUCKET/FOLDER")
    path = str(Path(folder.removeprefix("file://")).expanduser().absolute())
    if _UNFIT_FOR_LAKES.search(path):
        raise UsageError(
            f"--lake {printable(folder)!r}: Delta's libraries misread this path: choose a folder without [ ] | ^ % \\, "
            "control characters and bytes that are not UTF-8"
        )
    return path


def _lake_on_s3(uri: str) -> str:
    bucket, key = split(uri)
    folders = [name for name in key.split("/") if name]
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]+[a-z0-9]", bucket):
        raise UsageError(f"--lake {printable(uri)}: {bucket!r} is not the name of a bucket: give s3://BUCKET/FOLDER")
    if _UNFIT_FOR_LAKES.search(key) or re.search("[?#]", key) or {".", ".."} & {*folders}:
        raise UsageError(
            f"--lake {printable(uri)!r}: Delta's libraries misread this URI: choose a folder without [ ] | ^ % \\ ? #, "
            "control characters and folders named . and .."
        )
    return "/".join(["s3a:/", bucket, *folders])


def _checked_run_id(run_id: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._:+-]{1,200}", run_id):
        raise UsageError(f"--run-id {run_id!r}: use at most 200 letters, digits and . _ : + -")
    return run_id


def declarations(given: str | None) -> str:
    """The folder of declared tables: the one given must exist, the default one in the configuration need not."""
    path = Path(given or Path(_conf_folder(), "tables")).expanduser().absolute()
    if given and not path.is_dir():
        raise UsageError(f"--tables {given}: this folder does not exist: create it, or leave the option out")
    return str(path)


def _conf_folder() -> str:
    folder = home.project()
    return os.environ.get("SLUICE_CONF_DIR") or (str(folder / "conf") if folder else "conf")


def _new_run_id() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"


def log_style(job: str, arguments: Sequence[str], defaults: Mapping[str, Any]) -> LogStyle:
    """How a job's lines are logged, found before Click has read the arguments, so that it holds for wrong usage too.

    `defaults` are those of `sluice.toml`, as far as they are known. Without a run id it gets a new one.
    """
    log_format = before_click("log_format", arguments, defaults) or "text"
    return LogStyle(log_format, before_click("run_id", arguments, defaults) or _new_run_id(), job)


def before_click(name: str, arguments: Sequence[str], defaults: Mapping[str, Any]) -> str | None:
    """The value of an option, by its name in `sluice.toml`, before Click has read the arguments.

    `defaults` are those of that file, as far as they are known.
    """
    return given(arguments, f"--{name.replace('_', '-')}", f"SLUICE_{name.upper()}") or defaults.get(name)


def defaults(keys: Collection[str] | None = None) -> dict[str, Any]:
    """The values that `sluice.toml` in `$SLUICE_CONF_DIR` sets. Raises UsageError for a key that is not of `keys`."""
    path = Path(_conf_folder(), "sluice.toml")
    if not path.is_file():
        return {}
    try:
        values = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from None
    for key in values:
        if keys is not None and key not in keys:
            raise UsageError(f"{path}: unknown setting {key!r}: {closest(key, keys)}")
    return values
