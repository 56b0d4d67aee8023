"""What became of uploads, and what their jobs are doing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from sluice.errors import SluiceError
from sluice.serve.answers import example
from sluice.serve.context import Context, Serving
from sluice.serve.events import Event
from sluice.serve.problems import Problem, answers
from sluice.serve.reports import of_file
from sluice.serve.routes.ingest import EXAMPLE
from sluice.serve.upload import Upload

router = APIRouter(tags=["uploads"])
_EVENT = 'id: 1-1\nevent: step\ndata: {"step": "merge"}\n\n'
_SHOWN = 20  # rejects of an upload
_PATIENCE = 5.0  # seconds without an event, after which the queue is asked, and the client hears that it is still heard
RunId = Annotated[str, Path(max_length=100, examples=[EXAMPLE])]
_RUN: dict[str, Any] = {
    "run_id": EXAMPLE,
    "table": "products",
    "name": "products.csv",
    "file": f"/srv/sluice/landing/products/{EXAMPLE}/products.csv",
    "state": "failed",
    "batch": EXAMPLE,
    "received_at": "2024-10-15T08:30:00.123456Z",
    "started_at": "2024-10-15T08:30:00.150000Z",
    "finished_at": "2024-10-15T08:30:04.250000Z",
    "exit_code": 4,
    "error": "products.csv: 1 of 2 records rejected: more than 1%",
}
_DETAILS: dict[str, Any] = {
    "batch_uploads": 1,
    "report": {"job": "run", "run_id": EXAMPLE, "status": "refused"},
    "rows_read": 2,
    "rows_rejected": 1,
    "rejects": [{"position": 21, "raw": ",Chair,", "reason": "sku is empty"}],
}


class Run(BaseModel):
    """An upload and its run. `batch`: the id of the job, which may have read other uploads too."""

    run_id: str
    table: str
    name: str
    file: str
    state: str = Field(description="queued, running, done or failed")
    batch: str | None
    received_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    exit_code: int | None
    error: str | None


class Reject(BaseModel):
    """A record that did not become a row; `position`: of its first byte in the file."""

    position: int
    raw: str | None
    reason: str | None


class RunDetails(Run):
    """A run with what is known of it.

    `report` is the job's, of all `batch_uploads` that it read together; `rows_read`, `rows_rejected` and the first
    `rejects` are of this upload alone, null if its file is not in the table.
    """

    batch_uploads: int
    report: Mapping[str, Any] | None
    rows_read: int | None
    rows_rejected: int | None
    rejects: list[Reject]
    model_config = ConfigDict(json_schema_extra={"examples": [{**_RUN, **_DETAILS}]})


class Runs(BaseModel):
    """Runs, newest first; `after` is for the next page, null on the last."""

    rows: list[Run]
    after: str | None
    model_config = ConfigDict(json_schema_extra=example(_RUN, after=EXAMPLE))


@router.get("/runs", summary="The uploads, newest first", responses=answers())
async def runs(
    serving: Serving,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    after: Annotated[str | None, Query(max_length=100, pattern=r"^[^\x00]*$")] = None,
) -> Runs:
    uploads = await serving.uploads.queue.newest(limit + 1, after)
    rows = [Run(**_fields(upload)) for upload in uploads[:limit]]
    return Runs(rows=rows, after=rows[-1].run_id if len(uploads) > limit else None)


@router.get("/runs/{run_id}", summary="What became of an upload", responses=answers(404))
async def run(run_id: RunId, serving: Serving) -> RunDetails:
    return await details(serving, await _upload(serving, run_id))


@router.get(
    "/runs/{run_id}/events",
    summary="What a job is doing, as server-sent events",
    responses={
        **answers(404),
        200: {"content": {"text/event-stream": {"schema": {"type": "string"}, "example": _EVENT}}},
    },
    response_class=StreamingResponse,
)
async def events(
    run_id: RunId, serving: Serving, last_event_id: Annotated[str, Header(max_length=100)] = ""
) -> StreamingResponse:
    """`state`, `step` and `line` as they come, then `end` with the run as `GET /runs/{run_id}` answers it."""
    upload = await _upload(serving, run_id)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_stream(serving, upload, last_event_id), media_type="text/event-stream", headers=headers)


async def _stream(serving: Context, upload: Upload, last_id: str) -> AsyncIterator[str]:
    if upload.has_ended and not serving.uploads.events.has(upload.run_id):
        yield str(Event("0", "state", {"state": upload.state}))
        yield await _end(serving, upload.run_id)
        return
    async for event in serving.uploads.events.follow(upload.run_id, last_id, _PATIENCE):
        if event is not None and event.name != "end":
            yield str(event)
        elif event is not None or await _has_ended(serving, upload.run_id):
            yield await _end(serving, upload.run_id)
            return
        else:
            yield ": waiting\n\n"


async def _has_ended(serving: Context, run_id: str) -> bool:
    """Whether it ended elsewhere: another server may run its job."""
    upload = await serving.uploads.queue.find(run_id)
    return upload is None or upload.has_ended


async def _end(serving: Context, run_id: str) -> str:
    document = await details(serving, await _upload(serving, run_id))
    return str(Event("end", "end", json.loads(document.model_dump_json())))


async def ended(serving: Context, run_id: str, seconds: float) -> Upload | None:
    """An upload once its job has ended; None if that takes longer than so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            async for event in serving.uploads.events.follow(run_id, "", _PATIENCE):
                if event is None or event.name == "end":
                    upload = await serving.uploads.queue.find(run_id)
                    if upload and upload.has_ended:
                        return upload
    except TimeoutError:
        pass
    return None


async def _upload(serving: Context, run_id: str) -> Upload:
    upload = await serving.uploads.queue.find(run_id.replace("\0", ""))
    if upload is None:
        raise Problem(404, f"no run {run_id!r}: GET /runs lists them")
    return upload


async def details(serving: Context, upload: Upload) -> RunDetails:
    """All that is known of an upload."""
    of_upload: dict[str, Any] = {"rows_read": None, "rows_rejected": None, "rejects": []}
    if upload.has_ended and upload.file:
        try:
            of_upload = await asyncio.to_thread(of_file, serving.settings.lake, upload.table, upload.file, _SHOWN)
        except SluiceError as error:
            raise Problem(503, f"the lake cannot be read: {error}") from None
    uploads = await serving.uploads.queue.size_of(upload.batch) if upload.batch else 1
    return RunDetails(**_fields(upload), batch_uploads=uploads, report=upload.report, **of_upload)


def _fields(upload: Upload) -> dict[str, Any]:
    return {name: getattr(upload, name) for name in Run.model_fields}
