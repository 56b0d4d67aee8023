"""What an upload is, and a batch: the uploads that one job reads.

Ids begin with the time they were made at, so that their order is the order in which uploads came: in it jobs take them,
and read their files.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile
from typing import Any


def new_run_id() -> str:
    """An id that comes after those made before."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}-{uuid.uuid4().hex[:8]}"


@dataclass(frozen=True)
class Upload:
    """A row of the queue.

    `name`: the file's, as its sender called it. `file`: the path or URI where it has landed; empty: it has none, and
    its table is to be emptied. `options`: arguments of the job that reads it. `alone`: in a batch of its own, as its
    report is to be of it alone.
    """

    run_id: str
    table: str
    name: str
    file: str
    options: tuple[str, ...] = ()
    alone: bool = False
    state: str = "queued"
    batch: str | None = None
    exit_code: int | None = None
    error: str | None = None
    report: Mapping[str, Any] | None = None
    received_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def has_ended(self) -> bool:
        return self.state in ("done", "failed")


@dataclass(frozen=True)
class Batch:
    """The uploads of one job, in their order; `run_id` is the job's."""

    run_id: str
    uploads: tuple[Upload, ...]

    @property
    def table(self) -> str:
        return self.uploads[0].table

    @property
    def options(self) -> tuple[str, ...]:
        return self.uploads[0].options

    @property
    def clears(self) -> bool:
        """Whether it empties its table."""
        return not self.uploads[0].file

    @property
    def run_ids(self) -> list[str]:
        return [upload.run_id for upload in self.uploads]

    def halves(self) -> tuple[Batch, Batch]:
        middle = len(self.uploads) // 2
        return batch_of(self.uploads[:middle]), batch_of(self.uploads[middle:])


def batch_of(uploads: Sequence[Upload]) -> Batch:
    return Batch(uploads[0].run_id, tuple(uploads))


def together(waiting: Sequence[Upload]) -> list[Upload]:
    """Those of the uploads, from the first one on, that one job can do."""
    first = waiting[0]
    if first.alone:
        return [first]
    return list(takewhile(lambda upload: not upload.alone and upload.options == first.options, waiting))
