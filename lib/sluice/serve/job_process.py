"""The jobs of uploads, each as a process of its own: `./spark-submit.sh`, followed line by line to its report."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sluice.catalog.catalog import Catalog
from sluice.errors import UsageError
from sluice.files.s3.client import is_on_s3
from sluice.runtime import home, wrapper
from sluice.serve.upload import Batch

_LONGEST_LINE = 1 << 24
# of this process alone, or what would keep a job from reading its files
_NOT_FOR_JOBS = (
    "SLUICE_WRAPPER",
    "SLUICE_TOKEN",
    "SLUICE_DRY_RUN",
    "SLUICE_REPROCESS",
    "SLUICE_RESULT_FILE",
    "SLUICE_METRICS_FILE",
    "SLUICE_PROFILE",
)

Tell = Callable[[str, Mapping[str, Any]], Awaitable[None]]  # the name and the data of an event


@dataclass(frozen=True)
class JobEnd:
    """How a job ended; `report` is None if it was killed before it had one. A negative code is a signal's."""

    exit_code: int
    report: Mapping[str, Any] | None
    last_line: str = ""

    @property
    def is_unexpected(self) -> bool:
        """Whether the job itself says that it failed, and not by whose fault."""
        return self.exit_code == 1 and self.report is not None

    @property
    def error(self) -> str | None:
        if self.exit_code == 0:
            return None
        return (self.report or {}).get("error") or self.last_line or f"the job was killed (exit {self.exit_code})"


@dataclass
class JobProcesses:
    """Starts jobs; `keep_warm`: minutes that a job's process stays for the next one."""

    lake: str
    tables: str
    schema: str
    landing: str
    keep_warm: float
    _running: set[asyncio.subprocess.Process] = field(default_factory=set)

    def __post_init__(self) -> None:
        folder = home.project()
        if folder is None:
            raise UsageError(
                "jobs cannot be started from here: clone the project, run make setup in it, and set SLUICE_HOME to it"
            )
        # what stood before `serve` is for its jobs, which do all that Spark does
        self._command = [str(folder / home.WRAPPER), *(wrapper.spark_options() or ())]
        self._root = self.landing if is_on_s3(self.landing) else os.path.abspath(self.landing)

    async def run(self, batch: Batch, tell: Tell) -> JobEnd:
        """Runs the job of a batch to its end."""
        if not batch.clears:
            return await self._submit(batch, self._reading(batch), tell)
        cleared = await self._submit(batch, ["maintain", "clear", batch.table], tell)
        if cleared.exit_code:
            return cleared
        exported = await self._submit(batch, self._exporting(batch.table), tell)
        return JobEnd(exported.exit_code, {**(cleared.report or {}), "steps": [exported.report]}, exported.last_line)

    def _reading(self, batch: Batch) -> list[str]:
        """The job that reads the files of a batch: all of them, or none."""
        return [
            *("run", batch.table, *(upload.file for upload in batch.uploads), "--with-records"),
            *("--schema", self.schema, "--input-root", self._root, "--on-bad-file", "fail", "--min-age", "0"),
            *batch.options,
        ]

    def _exporting(self, name: str) -> list[str]:
        """The job that exports a table and its aggregates."""
        table = Catalog(self.tables).table(name)
        return ["export", name, *(aggregate.name for aggregate in table.aggregates), "--schema", self.schema]

    async def _submit(self, batch: Batch, job: list[str], tell: Tell) -> JobEnd:
        common = ["--lake", self.lake, "--tables", self.tables, "--run-id", batch.run_id]
        common += ["--log-format", "json", "--progress", "plain", "--keep-warm", str(self.keep_warm)]
        try:
            process = await asyncio.create_subprocess_exec(
                *(*self._command, *job, *common),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=_environment(batch.table),
                start_new_session=True,  # a signal to the server's group is not for its jobs: `stop` ends them
                limit=_LONGEST_LINE,
            )
        except OSError as error:
            return JobEnd(1, None, f"the job could not be started ({error.strerror})")
        self._running.add(process)
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            printed, last_line = await asyncio.gather(process.stdout.read(), _follow(process.stderr, tell))
            return JobEnd(await process.wait(), _document(printed), last_line)
        finally:
            self._running.discard(process)

    def stop(self) -> None:
        """Ends all jobs that run; their uploads are taken up again by the next server."""
        for process in self._running:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)


def _environment(table: str) -> dict[str, str]:
    """The server's, so that jobs find the same database; each table has processes that stay of its own."""
    kept = {name: value for name, value in os.environ.items() if name not in _NOT_FOR_JOBS}
    return {**kept, "SLUICE_SERVED_TABLE": table}


def _document(printed: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(printed)
    except ValueError:
        return None
    return found if isinstance(found, dict) and "run_id" in found else None


async def _follow(lines: asyncio.StreamReader, tell: Tell) -> str:
    """Tells what the lines of a job say, and gives the last one's message."""
    steps, message = Steps(), ""
    async for line in lines:
        entry = _entry(line)
        message = entry["message"] or message
        for name, data in steps.events(entry):
            await tell(name, data)
    return message


def _entry(line: bytes) -> dict[str, Any]:
    """A line of a job in JSON; any other line as if it were one."""
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    if isinstance(found, dict) and isinstance(found.get("message"), str):
        return found
    return {"level": "info", "message": line.decode(errors="replace").rstrip()}


class Steps:
    """Where a job is, as far as its lines have said."""

    def __init__(self) -> None:
        self._step: dict[str, Any] | None = None
        self._began: datetime | None = None

    def events(self, entry: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
        """The events that a line stands for: a step that begins ends the one before it, with its seconds."""
        step, at = {"step": entry.get("step"), "table": entry.get("table")}, _time(entry.get("time"))
        begins = step["step"] is not None and entry["message"] == f"{step['step']} …"
        events: list[tuple[str, dict[str, Any]]] = []
        if self._step is not None and (begins or step != self._step):
            seconds = round((at - self._began).total_seconds(), 3) if at and self._began else None
            events.append(("step", {**self._step, "seconds": seconds}))
            self._step = None
        if begins:
            self._step, self._began = step, at
            return [*events, ("step", step)]
        if "logger" in entry and entry["level"] == "info":  # what Spark and Java say along the way
            return events
        return [*events, ("line", {"message": entry["message"], "level": entry.get("level", "info")})]


def _time(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
