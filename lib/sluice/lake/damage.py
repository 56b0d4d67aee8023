"""Tables whose files or logs are damaged or lost, and what to do about it.

A loss of power does it: names of files are on disk before their bytes. So do copies that were cut short.
"""

from __future__ import annotations

import json
import os
import re
import shlex

import pyarrow.parquet as pq
from pyarrow import ArrowInvalid

from sluice.errors import InputError
from sluice.lake.storage_failure import SEE

_ENTRY = re.compile("[0-9]{20}[.]json")
_OF_A_FILE = re.compile("[Pp]arquet|No such file|Object [Ss]tore|LocalFileSystem|Kernel error")
_HINT = "_last_checkpoint"


def damaged(table: str, error: Exception) -> InputError | None:
    """The failure to report where an error of delta-rs or Arrow is about a file of a table; None if it is not."""
    text = " ".join(str(error).split())
    return InputError(f"table {table}: {text[:300]}: {SEE}") if _OF_A_FILE.search(text) else None


def damaged_log(table: str, folder: str, error: Exception) -> InputError:
    """The failure to report where a table's log (`folder`) cannot be read: checkpoints are not needed to read it."""
    names = _damaged_checkpoints(folder)
    if not names:
        return InputError(f"table {table}: its log cannot be read ({str(error).splitlines()[0][:200]}): {SEE}")
    patterns = " -o ".join(f"-name {shlex.quote(f'*{name}*')}" for name in (*names, _HINT))
    return InputError(
        f"table {table}: the checkpoint {names[0]} of its log is damaged or missing: delete what is left of it with "
        f"`find {shlex.quote(folder)} \\( {patterns} \\) -delete`, then run again: the log's entries hold the same"
    )


def _damaged_checkpoints(folder: str) -> list[str]:
    """The names of checkpoints that cannot be read, and of those that the log's hint names but that are missing."""
    names = [name for name in os.listdir(folder) if re.fullmatch(r"[0-9]{20}\.checkpoint.*\.parquet", name)]
    lost = [name for name in sorted(names) if not _is_parquet(os.path.join(folder, name))]
    try:
        with open(os.path.join(folder, _HINT), encoding="utf-8") as file:
            last = f"{json.load(file)['version']:020}.checkpoint"
    except (OSError, ValueError, KeyError, TypeError):
        return lost
    return lost if any(name.startswith(last) for name in names) else [*lost, last]


def _is_parquet(path: str) -> bool:
    try:
        pq.read_metadata(path)
    except (OSError, ArrowInvalid):
        return False
    return True


def refuse_torn(table: str, folder: str) -> None:
    """Raises InputError if the newest entry of a table's log (`folder`) is empty or ends within a line.

    A machine that loses power may leave it so: the file's name is on disk before its bytes.
    """
    try:
        newest = max((name for name in os.listdir(folder) if _ENTRY.fullmatch(name)), default=None)
    except FileNotFoundError:
        return
    if newest is None:
        return
    path = os.path.join(folder, newest)
    with open(path, "rb") as file:
        lines = file.read().rstrip(b"\n").rsplit(b"\n", 1)
    try:
        json.loads(lines[-1])
    except ValueError:
        raise InputError(
            f"table {table}: the newest entry of its log, {path}, is incomplete, as after a loss of power: delete it "
            f"and its checksums with `find {shlex.quote(folder)} -name '*{newest[:20]}*' -delete`, then run again: "
            "what is lost with it is read again"
        ) from None
