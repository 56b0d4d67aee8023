"""`GET /overview`: tables, newest runs and rejects of the lake, as the job `status` sees them; read without Spark."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from sluice.catalog.catalog import Catalog
from sluice.errors import SluiceError
from sluice.lake import opened
from sluice.serve.context import Serving
from sluice.serve.options import ServeSettings
from sluice.serve.problems import Problem, answers
from sluice.status.reject_groups import Group, reject_groups
from sluice.status.run_log import RunLog, attempt
from sluice.status.tables import Tables

_RUNS = 50
_ONE = CapacityLimiter(1)  # a lake is read by one thread at a time: what is known of one on S3 is shared

router = APIRouter(tags=["lake"])


class Overview(BaseModel):
    """The lake at a moment."""

    lake: str
    now: datetime
    tables: list[dict[str, Any]] = Field(description="a row for each table and aggregate, as `status` reports it")
    runs: list[dict[str, Any]] = Field(description=f"the newest {_RUNS}, newest first, with the seconds of their steps")
    rejects: list[Group] = Field(description="by table and reason, the most frequent first, with three examples each")
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "lake": "/srv/sluice/lake",
                    "now": "2026-01-31T08:15:00.123456Z",
                    "tables": [{"table": "products", "version": 3, "rows": 1002, "rejects": 0}],
                    "runs": [{"run_id": "20260131T081459-5d1c7a90", "job": "ingest", "status": "succeeded"}],
                    "rejects": [],
                }
            ]
        }
    )


@router.get("/overview", summary="Tables, newest runs and rejects of the lake", responses=answers())
async def overview(serving: Serving) -> Overview:
    try:
        return await to_thread.run_sync(_read, serving.settings, limiter=_ONE)
    except SluiceError as error:
        raise Problem(503, f"the lake cannot be read: {error}") from None


def _read(settings: ServeSettings) -> Overview:
    opened.forget()
    now, run_log = datetime.now(UTC), RunLog(settings.lake)
    return Overview(
        lake=settings.lake,
        now=now,
        tables=Tables(settings.lake, Catalog(settings.tables), run_log, now).rows(),
        runs=[{**attempt(row), "arguments": None} for row in run_log.rows[:_RUNS]],
        rejects=reject_groups(settings.lake),
    )
