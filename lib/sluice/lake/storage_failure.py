"""What a failure's text says of disks and of a lake's files: a full disk, a file that is missing or damaged."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from urllib.parse import unquote

from sluice.errors import InputError, SluiceError, UsageError
from sluice.files.s3.client import is_on_s3

SEE = "see 'Damaged files' in docs/running.md"
_FULL = re.compile("No space left on device|Disk quota exceeded|not enough space on the disk", re.IGNORECASE)
_UNREADABLE = re.compile(r"Encountered error while reading file (\S+?\.parquet)\.")  # Spark's FAILED_READ_FILE
_FORBIDDEN = re.compile("[^\n]*(?:Permission denied|Read-only file system|Operation not permitted)[^\n]*")
_LEAST = 1 << 20  # bytes; a commit to a small table takes some kilobytes


def storage_failure(text: str, lake: str) -> SluiceError | None:
    """The failure to report for one of Spark, delta-rs or Python whose text, with its causes, this is.

    None if it tells neither of a full disk (SluiceError) nor of a file in the lake that is missing or damaged
    (InputError) or that this user may not read or write (UsageError).
    """
    if _FULL.search(text):
        return _full_disk(lake)
    if unreadable := _UNREADABLE.search(text):
        state = "is missing" if "FILE_NOT_EXIST" in text else "is damaged"
        return InputError(f"{_place(unreadable.group(1), lake)} {state}: {SEE}")
    if (forbidden := _FORBIDDEN.search(text)) and not is_on_s3(lake):
        return UsageError(f"{forbidden.group().strip()[:300]}: check the rights on the lake in {lake}, and who owns it")
    return None


def _place(uri: str, lake: str) -> str:
    """`table t: its file part-1.parquet` for a file of the lake, else the URI."""
    parts = unquote(uri).removeprefix("file:").rsplit(f"/{os.path.basename(lake.rstrip('/'))}/", 1)
    table, _, file = parts[-1].partition("/")
    return f"table {table}: its file {file}" if len(parts) == 2 and file else unquote(uri)


def require_space(lake: str) -> None:
    """Raises SluiceError if the disk of a lake has no room for a small commit: delta-rs would panic."""
    if is_on_s3(lake):
        return
    disk = shutil.disk_usage(_existing(lake))
    if disk.free < _LEAST and disk.total:  # some network file systems count nothing
        raise _full_disk(lake)


def _full_disk(lake: str) -> SluiceError:
    temporary = os.environ.get("SPARK_LOCAL_DIRS") or tempfile.gettempdir()
    places = [f"temporary files in {temporary} (SPARK_LOCAL_DIRS){_free(temporary)}"]
    if not is_on_s3(lake):
        places.insert(0, f"the lake in {lake}{_free(lake)}")
    return SluiceError(f"a disk is full: free space for {', or for '.join(places)}, then run again: it resumes safely")


def _free(folder: str) -> str:
    try:
        return f", where {shutil.disk_usage(_existing(folder)).free >> 20:,} MB are free"
    except OSError:
        return ""


def _existing(folder: str) -> str:
    """The folder, or the nearest one above it that exists."""
    folder = os.path.abspath(folder)
    while not os.path.exists(folder):
        folder = os.path.dirname(folder)
    return folder
