"""Processes: the last snapshots of one, and the hourly and daily statistics."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from sluice.serve import paging, relations
from sluice.serve.answers import Real, example, with_rows
from sluice.serve.context import Serving
from sluice.serve.days import From, To, check_order
from sluice.serve.paging import After, Conditions, Limit
from sluice.serve.problems import answers

router = APIRouter(tags=["processes"])
_NEWEST = ("-snapshot_at", "pid", "host")

By = Annotated[Literal["hour", "day"], Query(description="rows of hours or of days")]
Host = Annotated[str, Path(examples=["web-1"])]
Pid = Annotated[int, Path(ge=0, lt=1 << 63, examples=[4711])]


class Snapshot(BaseModel):
    """A process as it was at a moment: sizes in bytes, CPU time in seconds."""

    snapshot_at: str
    date: date
    os_type: str | None
    host: str
    pid: int
    parent_pid: int | None
    name: str | None
    command: str | None
    user: str | None
    state: str | None
    cpu_percent: Real
    memory_percent: Real
    resident_bytes: int | None
    virtual_bytes: int | None
    cpu_seconds: Real
    terminal: str | None
    started: str | None
    threads: int | None
    model_config = ConfigDict(extra="allow")


class Snapshots(BaseModel):
    """The snapshots of a process, newest first."""

    rows: list[Snapshot]
    after: str | None
    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "snapshot_at": "2026-01-31T08:00:00.000000Z",
                "date": "2026-01-31",
                "os_type": "linux",
                "host": "web-1",
                "pid": 4711,
                "parent_pid": 1,
                "name": "nginx",
                "command": "nginx -g daemon off;",
                "user": "www-data",
                "state": "S",
                "cpu_percent": 1.5,
                "memory_percent": 0.4,
                "resident_bytes": 8388608,
                "virtual_bytes": 73400320,
                "cpu_seconds": 12.25,
                "terminal": "pts/0",
                "started": "Jan30",
                "threads": 4,
            },
            after="WyIxIl0",
        )
    )


class Statistics(BaseModel):
    """Processes of one name on a host, by hour or by day."""

    date: date
    hour: int | None = None
    os_type: str | None
    host: str
    name: str | None
    snapshots: int
    samples: int
    cpu_percent_micros: int | None
    cpu_percent_count: int
    cpu_percent_max: Real
    resident_bytes_sum: int | None
    resident_bytes_count: int
    resident_bytes_max: int | None
    cpu_percent_sum: Real
    cpu_percent_mean: Real
    resident_bytes_mean: Real


class StatisticsPage(BaseModel):
    """Statistics, and the table that they come from."""

    table: str
    rows: list[Statistics]
    after: str | None
    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "date": "2026-01-31",
                "os_type": "linux",
                "host": "web-1",
                "name": "nginx",
                "snapshots": 24,
                "samples": 96,
                "cpu_percent_micros": 144000000,
                "cpu_percent_count": 96,
                "cpu_percent_max": 9.5,
                "resident_bytes_sum": 805306368,
                "resident_bytes_count": 96,
                "resident_bytes_max": 9437184,
                "cpu_percent_sum": 144.0,
                "cpu_percent_mean": 1.5,
                "resident_bytes_mean": 8388608.0,
            },
            table="process_statistics_by_day",
            after="WyIxIl0",
        )
    )


@router.get(
    "/processes/statistics",
    summary="The statistics of processes by hour or by day",
    response_model=StatisticsPage,
    responses=answers(404),
)
async def statistics(
    serving: Serving,
    by: By = "day",
    first: From = None,
    last: To = None,
    host: Annotated[str | None, Query(description="only this host")] = None,
    name: Annotated[str | None, Query(description="only processes of this name")] = None,
    after: After = None,
    limit: Limit = 100,
) -> Response:
    check_order(first, last)
    table = f"process_statistics_by_{by}"
    async with serving.database.snapshot() as snapshot:
        conditions = Conditions(await relations.find(snapshot, table))
        for column, comparison, value, parameter in (
            ("date", ">=", first, "from"),
            ("date", "<=", last, "to"),
            ("host", "=", host, "host"),
            ("name", "=", name, "name"),
        ):
            if value is not None:
                conditions.add(f"{{column}} {comparison} {{value}}", column, str(value), parameter)
        page = await paging.read(snapshot, conditions, limit, after)
    return with_rows(page.rows, table=json.dumps(table), after=json.dumps(page.after))


@router.get(
    "/processes/{host}/{pid}",
    summary="The snapshots of a process, newest first",
    response_model=Snapshots,
    responses=answers(404),
)
async def process(host: Host, pid: Pid, serving: Serving, after: After = None, limit: Limit = 10) -> Response:
    async with serving.database.snapshot() as snapshot:
        conditions = Conditions(await relations.find(snapshot, "processes"))
        conditions.add("{column} = {value}", "host", host)
        conditions.add("{column} = {value}", "pid", str(pid))
        page = await paging.read(snapshot, conditions, limit, after, order=_NEWEST)
    return with_rows(page.rows, after=json.dumps(page.after))
