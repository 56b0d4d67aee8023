"""Who holds the tables of a lake, who waits for them, and which runs are alive: looked at, while nothing is changed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sluice.files.s3 import objects
from sluice.files.s3.client import is_on_s3
from sluice.lake import file_lock, lease
from sluice.lake.lock import life_file


@dataclass(frozen=True)
class Waiting:
    """A run that waits for a table that another run holds."""

    run_id: str
    table: str
    since: datetime


def holders(lake: str) -> dict[str, str]:
    """Table → the id of the run that holds it now."""
    holder = lease.holder if is_on_s3(lake) else file_lock.holder
    found = {}
    for name in _names(f"{lake}/_locks"):
        if not name.startswith("_"):
            with suppress(FileNotFoundError):
                found[name] = holder(f"{lake}/_locks/{name}")
    return {name: run_id for name, run_id in found.items() if run_id is not None}


def waiting(lake: str) -> list[Waiting]:
    """The runs that wait, those first that wait longest. On S3 a killed one is among them for a quarter of an hour."""
    return sorted(_waiting(lake), key=lambda run: run.since)


def _waiting(lake: str) -> Iterator[Waiting]:
    for name in _names(f"{lake}/_locks/_waiting"):
        text = _sign(f"{lake}/_locks/_waiting/{name}")
        with suppress(ValueError, KeyError, TypeError):  # its bytes are still being written
            values = json.loads(text)
            yield Waiting(values["run_id"], values["table"], datetime.fromisoformat(values["since"]))


def _sign(path: str) -> bytes:
    """The bytes of a living run's file; none if it is dead or has just ended."""
    if is_on_s3(path):
        found = lease.shows_life(path)
        return found.data if found else b""
    with suppress(FileNotFoundError):
        if file_lock.shows_life(path):
            with open(path, "rb") as file:
                return file.read()
    return b""


def shows_life(lake: str, *run: str) -> bool:
    """Whether the run (its id, job and table) shows life; on S3 it does for a quarter of an hour after its death."""
    path = life_file(lake, run)
    return lease.shows_life(path) is not None if is_on_s3(lake) else file_lock.shows_life(path)


def _names(folder: str) -> list[str]:
    if is_on_s3(folder):
        return objects.names(folder)
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []
