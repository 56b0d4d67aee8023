"""The scores: the top ones; sent as records and answered for at once; cleared."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from sluice.runtime.report import ROWS
from sluice.serve import items, paging, relations
from sluice.serve.answers import example, with_rows
from sluice.serve.body import of_bytes, whole
from sluice.serve.context import Context, Serving
from sluice.serve.paging import Conditions, Limit
from sluice.serve.problems import Problem, answers
from sluice.serve.reports import ingest_of, of_file
from sluice.serve.routes.ingest import EXAMPLE, Accepted, accepted, table_named, take
from sluice.serve.routes.runs import ended
from sluice.serve.token import WRITERS
from sluice.serve.upload import Upload

router = APIRouter(tags=["scores"])
_TABLE = "scores"
_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {"items": {"type": "array", "minItems": 1, "items": {"type": "string"}}},
                "required": ["items"],
            },
            "example": {"items": ["11111111_10", "22222222_9.5"]},
        }
    },
}


class Score(BaseModel):
    """A record of the ranking, from rank 1 on; the value has all its digits."""

    rank: int
    id: str
    value: float


class Scores(BaseModel):
    """The top records, the greatest value first."""

    rows: list[Score]
    model_config = ConfigDict(json_schema_extra=example({"rank": 1, "id": "11111111", "value": 10.5}))


class RejectedItem(BaseModel):
    """An item that is no score; `position`: its place among the items, the first is 0."""

    item: str
    position: int
    reason: str | None


class Scored(BaseModel):
    """What became of the items: the six counts of rows add up to `rows_read`."""

    run_id: str
    status: str
    rows_read: int
    rows_rejected: int
    rows_duplicate: int
    rows_inserted: int
    rows_updated: int
    rows_unchanged: int
    rows_deleted: int
    rejects: list[RejectedItem]
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "run_id": EXAMPLE,
                    "status": "succeeded",
                    **dict.fromkeys((f"rows_{outcome}" for outcome in ROWS), 0),
                    "rows_read": 2,
                    "rows_inserted": 1,
                    "rows_rejected": 1,
                    "rejects": [{"item": "no value", "position": 1, "reason": "value is not a number"}],
                }
            ]
        }
    )


@router.get("/scores", summary="The top records", response_model=Scores, responses=answers(404))
async def top(serving: Serving, limit: Limit = 10) -> Response:
    async with serving.database.snapshot() as snapshot:
        relation = await relations.find(snapshot, "top_scores")
        shown = {name: relation.columns[name] for name in ("rank", "id", "value")}
        page = await paging.read(snapshot, Conditions(relation), limit, columns=shown)
    return with_rows(page.rows)


@router.post(
    "/scores",
    dependencies=WRITERS,
    response_model=Scored,
    responses={**answers(400, 401, 403, 404, 409), 202: {"model": Accepted}},
    openapi_extra={"requestBody": _BODY},
    summary="Add scores, each as id_value",
)
async def add(request: Request, response: Response, serving: Serving) -> Any:
    """Answers once the scores are in PostgreSQL; with 202 and where to look if that takes longer than a request may."""
    settings = serving.settings
    sent = items.parsed(await whole(request), settings.max_records)
    data, table = items.lines(sent), table_named(serving, _TABLE)
    upload = await take(serving, table, of_bytes("items.txt", data), ("--max-rejects=100%",), alone=True)
    done = await ended(serving, upload.run_id, 0.9 * settings.request_timeout)  # before the request itself is ended
    if done is None:
        return JSONResponse(accepted(upload, response).model_dump(), 202, {"Location": response.headers["Location"]})
    ingest = ingest_of(done.report or {})
    if done.exit_code or ingest is None:
        raise Problem(503, f"the scores were not added: {done.error}; see /runs/{done.run_id}")
    return Scored(**{**ingest, "run_id": done.run_id, "rejects": await _rejected(serving, done, sent)})


@router.delete(
    "/scores", status_code=202, dependencies=WRITERS, responses=answers(401, 403), summary="Delete all scores"
)
async def clear(response: Response, serving: Serving) -> Accepted:
    """They go after what was sent before, by a job of its own."""
    return accepted(await serving.uploads.clear(_TABLE), response)


async def _rejected(serving: Context, upload: Upload, sent: Sequence[str]) -> list[RejectedItem]:
    """The rejects of an upload as items, which are found by where their lines begin."""
    begins = accumulate((len(items.lines([item])) for item in sent), initial=0)
    numbers = {begin: number for number, begin in enumerate(begins)}
    found = await asyncio.to_thread(of_file, serving.settings.lake, upload.table, upload.file, len(sent))
    places = [(numbers[reject["position"]], reject["reason"]) for reject in found["rejects"]]
    return [RejectedItem(item=sent[number], position=number, reason=reason) for number, reason in places]
