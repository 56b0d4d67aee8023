"""Where uploads land: `<landing>/<table>/<run id>/<name>`, in a folder on disk or on S3.

A file is there as a whole or not at all: on disk it is written below `.unfinished`, which nobody reads, and moved once
it is on the disk; on S3 an object appears when all of it is there. The name that a sender gives becomes no path: only
letters, digits and a few signs of its last part are kept. Files stay: `rejects replay` reads them again.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, Protocol

from sluice.errors import UsageError
from sluice.files.s3.client import is_on_s3
from sluice.files.s3.inputs import put_object

_UNFINISHED = ".unfinished"
_LEFT_AFTER = 86_400.0  # seconds without a write: no upload takes that long
_LONGEST_NAME = 100
_SHOWN = 300  # characters of a name as it is shown


class Source(Protocol):
    """A file that comes; `name`, its sender's, is known once all of it has come."""

    @property
    def name(self) -> str: ...

    def pieces(self) -> AsyncIterator[bytes]: ...


def safe_name(given: str) -> str:
    """A file's name made from whatever a sender calls it: ASCII, not hidden, never a path."""
    last = re.split(r"[/\\]", given)[-1]
    kept = re.sub(r"[^A-Za-z0-9.+=@:-]+", "_", last).lstrip("._")
    stem, dot, extension = kept.rpartition(".")
    if dot and len(kept) > _LONGEST_NAME:
        extension = extension[:20]
        kept = f"{stem[: _LONGEST_NAME - len(extension) - 1]}.{extension}"
    return kept[:_LONGEST_NAME] or "upload"


def shown_name(given: str) -> str:
    """The name as PostgreSQL and a page can show it."""
    return re.sub(r"[\x00-\x1f\x7f\ud800-\udfff]", "�", given)[:_SHOWN] or "upload"


@dataclass(frozen=True)
class Landing:
    """The place: a folder, or a URI of S3."""

    root: str

    def prepare(self) -> None:
        """Makes the folder, without what was left unfinished long ago. Raises UsageError if it cannot be made."""
        if is_on_s3(self.root):
            return
        folder = Path(self.root, _UNFINISHED)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"--landing {self.root}: cannot be made ({error.strerror}): choose another") from None
        for path in folder.iterdir():
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > _LEFT_AFTER:
                    path.unlink()

    async def receive(self, table: str, run_id: str, source: Source) -> str:
        """Writes what comes to a file; its path or URI once it is safely there."""
        with self._unfinished(run_id) as file:
            async for piece in source.pieces():
                await asyncio.to_thread(file.write, piece)
            return await asyncio.to_thread(self._land, file, f"{table}/{run_id}/{safe_name(source.name)}")

    @contextmanager
    def _unfinished(self, run_id: str) -> Iterator[BinaryIO]:
        """A file that is gone at the end unless it was moved: in the landing, if that is a folder."""
        if is_on_s3(self.root):
            with TemporaryFile() as file:
                yield file
            return
        path = Path(self.root, _UNFINISHED, run_id)
        try:
            with open(path, "xb") as file:
                yield file
        finally:
            path.unlink(missing_ok=True)

    def _land(self, file: BinaryIO, path: str) -> str:
        file.flush()
        if is_on_s3(self.root):
            uri = f"{self.root.rstrip('/')}/{path}"
            file.seek(0)
            put_object(uri, file)
            return uri
        os.fsync(file.fileno())
        target = Path(self.root, path).absolute()
        target.parent.mkdir(parents=True)
        os.replace(file.name, target)
        for folder in target.parents[:3]:  # of the upload, of its table, of all
            _sync(folder)
        return str(target)


def _sync(folder: Path) -> None:
    """Makes sure that the names in a folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
