"""Snapshots of processes as a Spark DataFrame: host and time from options or the path, listings read by the workers.

What a system is, and all else, the listing itself tells; no file is read on the driver.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import pyarrow as pa

from sluice.errors import InputError, UsageError
from sluice.files import find as files
from sluice.files.input_file import InputFile
from sluice.model.table import Table
from sluice.readers.processes import listing as process_listing
from sluice.readers.processes.row import Process
from sluice.readers.shared import in_spark
from sluice.readers.shared.in_spark import Opened, Range

_BATCH = 10_000
_TYPES = {int: pa.int64(), float: pa.float64(), str: pa.string()}
_INTEGERS = ("pid", "parent_pid", "resident_bytes", "virtual_bytes", "threads")
_FLOATS = ("cpu_percent", "memory_percent", "cpu_seconds")
_FIELDS = [
    pa.field(name, _TYPES[int if name in _INTEGERS else float if name in _FLOATS else str]) for name in Process._fields
]
SCHEMA = pa.schema(
    [
        pa.field("_position", pa.int64()),
        pa.field("host", pa.string()),
        pa.field("snapshot_at", pa.timestamp("us", "UTC")),
        *_FIELDS,
        pa.field("_raw", pa.string()),
        pa.field("_reason", pa.string()),
    ]
)


@dataclass(frozen=True)
class Listing:
    """How snapshots are read; all of it changes rows.

    `host`, `snapshot_at` (ISO 8601; UTC where it has no offset) and `os` (`unix`, `windows`) hold for all files; what
    is not given the end of a file's path tells, by `path_pattern`, and the listing tells the system. `encoding` is that
    of a file without a byte order mark.
    """

    host: str = ""
    snapshot_at: str = ""
    os: str = ""
    path_pattern: str = "{host}/{snapshot_at}.*"
    encoding: str = "utf-8"

    def __post_init__(self) -> None:
        if self.snapshot_at and time(self.snapshot_at) is None:
            raise UsageError(f"--snapshot-at {self.snapshot_at!r} is no time: write it like 2024-09-01T10:00:00Z")
        try:
            codecs.lookup(self.encoding)
        except LookupError:
            raise UsageError(
                f"--encoding {self.encoding!r} is unknown: use a name like utf-8, cp850 or cp1252"
            ) from None
        pattern(self.path_pattern)


@dataclass(frozen=True)
class Snapshot:
    """A file with what is known of it before it is read."""

    file: InputFile
    host: str
    snapshot_at: datetime
    os: str
    encoding: str
    begin: int = 0
    new: tuple[str, ...] = ()


@lru_cache
def pattern(text: str) -> re.Pattern[str]:
    """A path pattern as a regular expression of a path's end. Raises UsageError for an unknown name in it."""
    parts = re.split(r"(\{[^{}]*\}|\*)", text)
    names = [part[1:-1] for part in parts if part.startswith("{")]
    wrong = [name for name in names if name not in ("host", "snapshot_at", "os")]
    if wrong or len(set(names)) != len(names):
        raise UsageError(
            f"--path-pattern {text!r}: use {{host}}, {{snapshot_at}} and {{os}} once each, and * for any text"
        )
    places = {
        "*": "[^/]*",
        "{host}": "(?P<host>[^/]+)",
        "{snapshot_at}": "(?P<snapshot_at>[^/]+?)",
        "{os}": "(?P<os>[^/]+)",
    }
    return re.compile("(?:^|/)" + "".join(places.get(part) or re.escape(part) for part in parts) + "$")


def time(text: str) -> datetime | None:
    """A time in UTC; its hours may be written `10-00-00` or `100000`, as in file names. None for any other text."""
    text = re.sub(r"T(\d\d)-(\d\d)-(\d\d)", r"T\1:\2:\3", text.strip())
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def open_all(found: Sequence[InputFile], table: Table, reading: Listing, on_new_column: str) -> Opened:
    """Finds out each file's host and time; fails for each of which neither options nor path tell them."""
    return Opened(*in_spark.open_each(found, lambda file: _open(file, reading)))


def _open(file: InputFile, reading: Listing) -> Snapshot:
    match = pattern(reading.path_pattern).search(file.path)
    known = {name: text for name, text in (match.groupdict() if match else {}).items() if text}
    host = reading.host or known.get("host", "")
    text = reading.snapshot_at or known.get("snapshot_at", "")
    os, at = reading.os or known.get("os", ""), time(text)
    if not host or at is None:
        lacking = " and ".join((["host"] if not host else []) + (["time"] if at is None else []))
        raise InputError(
            f"{file.uri}: the snapshot's {lacking} is not known: its path does not fit {reading.path_pattern}: give "
            "--host and --snapshot-at, or a --path-pattern"
        )
    if os not in ("", "unix", "windows"):
        raise InputError(f"{file.uri}: its system {os!r} is neither unix nor windows: give --os")
    return Snapshot(file, host, at, os, reading.encoding)


def read(spark: Any, sources: Sequence[Snapshot], range_bytes: int | None = None) -> Any:
    """A DataFrame of the records of all snapshots: `_file` int and the columns of `SCHEMA`, many files in a task."""
    size = range_bytes or in_spark.range_bytes(spark, sources)
    ranges = [Range(number, source, 0, None) for number, source in enumerate(sources)]
    return in_spark.read_ranges(spark, ranges, size, _parse, SCHEMA)


def _parse(part: Range) -> Iterator[pa.RecordBatch]:
    source: Snapshot = part.source
    with files.reading(source.file) as stream:
        data = stream.read()
    if not data:
        raise InputError(f"{source.file.uri}: the file is empty: expected a listing of processes")
    records = []
    try:
        for position, outcome, raw in process_listing.parse(data, source.encoding):
            records.append(_record(position, outcome, raw, source))
            if len(records) == _BATCH:
                yield _batch(records)
                records = []
    except InputError as error:
        raise InputError(f"{source.file.uri}: {error}") from None
    yield _batch(records)


def _record(position: int, outcome: Process | str, raw: str | None, source: Snapshot) -> tuple[Any, ...]:
    if isinstance(outcome, Process):
        process = outcome._replace(os_type=source.os) if source.os else outcome
        return (position, source.host, source.snapshot_at, *process, raw, None)
    return (position, source.host, source.snapshot_at, *(None,) * len(Process._fields), raw, outcome)


def _batch(records: Sequence[tuple[Any, ...]]) -> pa.RecordBatch:
    columns = list(zip(*records, strict=True)) or [()] * len(SCHEMA)
    arrays = [pa.array(values, field.type) for values, field in zip(columns, SCHEMA, strict=True)]
    return pa.record_batch(arrays, schema=SCHEMA)
