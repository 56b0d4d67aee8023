"""The top records of `scores`."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from sluice.serve import paging, relations
from sluice.serve.answers import example, with_rows
from sluice.serve.context import Serving
from sluice.serve.paging import Conditions, Limit
from sluice.serve.problems import answers

router = APIRouter(tags=["scores"])


class Score(BaseModel):
    """A record of the ranking, from rank 1 on; the value has all its digits."""

    rank: int
    id: str
    value: float


class Scores(BaseModel):
    """The top records, the greatest value first."""

    rows: list[Score]
    model_config = ConfigDict(json_schema_extra=example({"rank": 1, "id": "11111111", "value": 10.000000000}))


@router.get("/scores", summary="The top records", response_model=Scores, responses=answers(404))
async def top(serving: Serving, limit: Limit = 10) -> Response:
    async with serving.database.snapshot() as snapshot:
        relation = await relations.find(snapshot, "top_scores")
        shown = {name: relation.columns[name] for name in ("rank", "id", "value")}
        page = await paging.read(snapshot, Conditions(relation), limit, columns=shown)
    return with_rows(page.rows)
