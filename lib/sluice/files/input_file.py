"""What an input file is, on local disk or S3; which names are hidden; how a file fails that does not stay as it was."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote_to_bytes, urlsplit

from sluice.errors import InputError


@dataclass(frozen=True)
class InputFile:
    """A file as it was when it was found: `size` in bytes, `modified_at` in UTC; only S3 gives an `etag`.

    A local file without `modified_at` could not be looked at, as a link to nothing. The reader of a file checks these
    again, so that no run mixes two versions of it.

    Once its beginning was read (`readers.shared.pieces.beginning`) it is known how the file is compressed (gzip, bz2,
    zstd; None: not), and whether it is UTF-16 (utf-16-le, utf-16-be; None: not).

    `root`: the folder, without links, that it must be in when it is opened; None: it may be anywhere.
    `max_decompressed`: how many bytes it may decompress to; None: as many as `files.decompressing` allows by itself.
    """

    uri: str
    size: int
    modified_at: datetime | None = None
    etag: str | None = None
    compression: str | None = None
    utf16: str | None = None
    root: str | None = None
    max_decompressed: int | None = None

    @property
    def is_local(self) -> bool:
        return self.uri.startswith("file:")

    @property
    def path(self) -> str:
        """What files are ordered by: a local file's path, an object's URI."""
        return os.fsdecode(unquote_to_bytes(urlsplit(self.uri).path)) if self.is_local else self.uri

    @property
    def seekable(self) -> bool:
        """Whether the file can be read from the middle: its bytes are those that the readers see."""
        return self.compression is None and self.utf16 is None


def modified_at(status: os.stat_result) -> datetime:
    """When a local file was last written, in UTC, to the microsecond."""
    seconds, nanoseconds = divmod(status.st_mtime_ns, 1_000_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=nanoseconds // 1000)


def is_hidden(path: str) -> bool:
    """Whether a name in the path begins with `.` or `_`, as the names of unfinished and marker files do."""
    return any(name.startswith((".", "_")) for name in path.split("/"))


def disappeared(uri: str) -> InputError:
    """The failure of a file that was found and is missing now."""
    return InputError(f"{uri}: disappeared while being read: pass it again when it is complete")


def changed(uri: str) -> InputError:
    """The failure of a file that is not what it was when it was found."""
    return InputError(f"{uri}: changed while being read: run again when it is complete")
