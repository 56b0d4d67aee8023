"""Which host and time a listing is of: from options, or from the file's path. Listings themselves do not say."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from sluice.errors import InputError, UsageError
from sluice.files.input_file import InputFile

_SYSTEMS = ("unix", "windows")
_PLACES = {
    "*": "[^/]*",
    "{host}": "(?P<host>[^/]+)",
    "{snapshot_at}": "(?P<snapshot_at>[^/]+?)",
    "{os}": "(?P<os>[^/]+)",
}


@dataclass(frozen=True)
class SnapshotOptions:
    """How listings are read; all of it changes rows.

    `host`, `snapshot_at` (ISO 8601; UTC where it has no offset) and `os` (`unix`, `windows`) hold for all files. What
    is empty comes from the end of a file's path, by `path_pattern`; the system, if not there either, from the listing.
    `encoding` is that of files without a byte order mark. Raises UsageError for a value that is not valid.
    """

    host: str = ""
    snapshot_at: str = ""
    os: str = ""
    path_pattern: str = "{host}/{snapshot_at}.*"
    encoding: str = "utf-8"

    def __post_init__(self) -> None:
        if self.snapshot_at and snapshot_time(self.snapshot_at) is None:
            raise UsageError(
                f"--snapshot-at {self.snapshot_at!r} is not a valid time: write it like 2024-09-01T10:00:00Z"
            )
        try:
            codecs.lookup(self.encoding)
        except LookupError:
            raise UsageError(
                f"--encoding {self.encoding!r} is unknown: use a name like utf-8, cp850 or cp1252"
            ) from None
        path_regex(self.path_pattern)


@dataclass(frozen=True)
class Snapshot:
    """A file and what is known of it before it is read; `os` "": the listing says it."""

    file: InputFile
    host: str
    snapshot_at: datetime
    os: str
    encoding: str
    begin: int = 0
    new: tuple[str, ...] = ()  # a listing never brings new columns


def snapshot_of(file: InputFile, options: SnapshotOptions) -> Snapshot:
    """Raises InputError if neither the options nor the path give the file's host and time."""
    match = path_regex(options.path_pattern).search(file.path)
    in_path = {name: text for name, text in (match.groupdict() if match else {}).items() if text}
    host = options.host or in_path.get("host", "")
    time = snapshot_time(options.snapshot_at or in_path.get("snapshot_at", ""))
    os = options.os or in_path.get("os", "")
    if not host or time is None:
        missing = " and ".join(name for name, is_missing in (("host", not host), ("time", time is None)) if is_missing)
        raise InputError(
            f"{file.uri}: the snapshot's {missing} is not known: its path does not fit {options.path_pattern}: give "
            "--host and --snapshot-at, or a --path-pattern"
        )
    if os not in ("", *_SYSTEMS):
        raise InputError(f"{file.uri}: its system {os!r} is neither {' nor '.join(_SYSTEMS)}: give --os")
    return Snapshot(file, host, time, os, options.encoding)


@lru_cache
def path_regex(pattern: str) -> re.Pattern[str]:
    """A path pattern as a regular expression of a path's end. Raises UsageError for an unknown name in it."""
    parts = re.split(r"(\{[^{}]*\}|\*)", pattern)
    names = [part for part in parts if part.startswith("{")]
    if any(name not in _PLACES for name in names) or len(set(names)) != len(names):
        raise UsageError(
            f"--path-pattern {pattern!r}: use {{host}}, {{snapshot_at}} and {{os}} once each, and * for any text"
        )
    return re.compile("(?:^|/)" + "".join(_PLACES.get(part) or re.escape(part) for part in parts) + "$")


def snapshot_time(text: str) -> datetime | None:
    """A time in UTC; its hours may be written `10-00-00` or `100000`, as in file names. None for any other text."""
    text = re.sub(r"T(\d\d)-(\d\d)-(\d\d)", r"T\1:\2:\3", text.strip())
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
