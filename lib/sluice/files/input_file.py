"""What an input file is, on local disk or S3."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote, urlsplit

_COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}


@dataclass(frozen=True)
class InputFile:
    """A file as it was when it was found. `modified_at` is in UTC; `etag` is S3's."""

    uri: str
    size: int
    modified_at: datetime | None = None
    etag: str | None = None

    @property
    def path(self) -> str:
        """What files are ordered by: a local one's path, an object's URI."""
        return unquote(urlsplit(self.uri).path) if self.uri.startswith("file:") else self.uri

    @property
    def compression(self) -> str | None:
        return next((name for ending, name in _COMPRESSIONS.items() if self.uri.endswith(ending)), None)


def is_hidden(path: str) -> bool:
    """Whether a name of the path begins with `.` or `_`, as those of unfinished and marker files do."""
    return any(name.startswith((".", "_")) for name in path.split("/"))
