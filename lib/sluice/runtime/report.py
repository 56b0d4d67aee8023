"""What a job did, as the JSON document it prints."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import Any

from sluice.errors import counted

NOT_SHOWN = ("answer", "files_left_out", "dry_run", "began")  # in the document
ROWS = ("rejected", "duplicate", "inserted", "updated", "unchanged", "deleted")
DONE = ("succeeded", "nothing_new")  # statuses of a run that did what it should


@dataclass
class Report:
    """What a job did: counts of rows and files, `seconds` by step, `steps` with the parts of a job.

    `rows` is what a job shows; of `status` also `under_way` (runs) and `processes` (those that stay). `answer` is what
    `query` prints in place of the document; `files_left_out`, among `files_skipped`, are those that could not be read;
    `began` is by the clock of `time.monotonic`.
    """

    job: str
    run_id: str
    status: str = "failed"
    error: str | None = None
    table: str | None = None
    files: int = 0
    files_skipped: int = 0
    rows_read: int = 0
    rows_rejected: int = 0
    rows_duplicate: int = 0
    rows_inserted: int = 0
    rows_updated: int = 0
    rows_unchanged: int = 0
    rows_deleted: int = 0
    rows_removed: int = 0
    table_version: int | None = None
    mode: str | None = None
    groups_recomputed: int | None = None
    files_read: int | None = None
    bytes_read: int | None = None
    rows: list[dict[str, Any]] | None = None
    under_way: list[dict[str, Any]] | None = None
    processes: list[dict[str, Any]] | None = None
    steps: list[Report] | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    answer: str | None = None
    files_left_out: int = 0
    dry_run: bool = False
    began: float = field(default_factory=time.monotonic, compare=False)

    def __post_init__(self) -> None:
        if self.job in ("aggregate", "export"):
            self.mode, self.groups_recomputed, self.files_read, self.bytes_read = "none", 0, 0, 0
        if self.job == "ingest":
            self.bytes_read = 0
        if self.job == "run":
            self.steps = []

    def set_outcomes(self, counts: dict[str, int]) -> None:
        """Sets the counts of rows by outcome. Raises RuntimeError unless all but `removed` add up to the rows read."""
        self.rows_removed = counts.pop("removed", self.rows_removed)
        for outcome in ROWS:
            setattr(self, f"rows_{outcome}", counts.get(outcome, 0))
        total = sum(counts.values())
        if total != self.rows_read or set(counts) - set(ROWS):
            raise RuntimeError(f"{self.rows_read} rows read, but {total} accounted for ({counts}): nothing was merged")

    @property
    def seconds_in_all(self) -> float:
        """The seconds since the job began, those between its steps too."""
        return time.monotonic() - self.began

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds[step] = round(self.seconds.get(step, 0.0) + time.monotonic() - began, 3)

    def document(self) -> dict[str, Any]:
        """The report as a JSON document, without the fields that its job does not have."""
        optional = {"mode", "groups_recomputed", "files_read", "bytes_read", "rows", "steps", "under_way", "processes"}
        values = {item.name: getattr(self, item.name) for item in fields(self) if item.name not in NOT_SHOWN}
        values = {name: value for name, value in values.items() if not (name in optional and value is None)}
        if self.steps is not None:
            values["steps"] = [step.document() for step in self.steps]
        return values


def summary(report: Report, seconds: float) -> str:
    """What the job did within so many seconds, in one line: rows by outcome, versions; of its parts in sum."""
    parts = list(_parts(report))
    brought = [part for part in parts if part is report or part.job not in ("aggregate", "export")]
    dry = " (dry run: nothing is committed)" if report.dry_run else ""
    words = [f"{report.status.replace('_', ' ')}{dry}", *_rows(brought), *_files(brought)]
    if report.mode and not report.steps:
        words.append(report.mode if report.job == "export" else f"{report.mode}, {_groups(parts)}")
    if report.table_version is not None:
        words.append(f"{report.table} is at version {report.table_version}")
    if refreshed := [part for part in parts if part is not report and part.job == "aggregate"]:
        words.append(f"{counted(len(refreshed), 'aggregate')}: {_groups(refreshed)}")
    if exported := [part for part in parts if part is not report and part.job == "export"]:
        words.append(f"{counted(len(exported), 'export')}: {_outcomes(exported) or 'nothing new'}")
    return "; ".join([*words, f"{seconds:,.1f} s"])


def _parts(report: Report) -> Iterator[Report]:
    """The parts of a job that have none themselves, or the job."""
    if not report.steps:
        yield report
    for step in report.steps or ():
        yield from _parts(step)


def _rows(parts: Collection[Report]) -> Iterator[str]:
    if read := sum(part.rows_read for part in parts):
        yield f"{counted(read, 'row')} read: {_outcomes(parts)}"
    if removed := sum(part.rows_removed for part in parts):
        yield f"{counted(removed, 'row')} removed"


def _outcomes(parts: Collection[Report]) -> str:
    counts = ((outcome, sum(getattr(part, f"rows_{outcome}") for part in parts)) for outcome in ROWS)
    return ", ".join(f"{n:,} {name}" for name, n in counts if n)


def _files(parts: Collection[Report]) -> Iterator[str]:
    left_out = sum(part.files_left_out for part in parts)
    if in_table := sum(part.files_skipped for part in parts) - left_out:
        yield f"{counted(in_table, 'file')} skipped: already in the table"
    if left_out:
        yield f"{counted(left_out, 'file')} left out"


def _groups(parts: Collection[Report]) -> str:
    return counted(sum(part.groups_recomputed or 0 for part in parts), "group")


def text_table(rows: list[dict[str, Any]], widest: int | None = None) -> str:
    """Rows in aligned columns; values longer than `widest` are cut, which `…` shows."""
    if not rows:
        return "(none)"
    cells = [list(rows[0]), *([_cell(value, widest) for value in row.values()] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    return "\n".join("  ".join(value.ljust(w) for value, w in zip(row, widths, strict=True)).rstrip() for row in cells)


def _cell(value: Any, widest: int | None) -> str:
    text = "" if value is None else " ".join(str(value).split())
    return text if widest is None or len(text) <= widest else text[: widest - 1] + "…"
