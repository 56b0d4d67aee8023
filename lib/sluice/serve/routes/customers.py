"""What the requests of a customer were like, day by day."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated

import asyncpg
from fastapi import APIRouter, Path
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from sluice.serve.answers import Real, as_answer, example
from sluice.serve.context import Serving
from sluice.serve.days import From, To, check_order
from sluice.serve.problems import answers
from sluice.serve.relations import not_exported
from sluice.tables.requests import TABLE

router = APIRouter(tags=["customers"])
CustomerId = Annotated[str, Path(examples=["c-17"])]
_BY_DAY = TABLE.aggregates[0]
_COLUMNS = ", ".join(f"t.{name}" for name in (*_BY_DAY.key[1:], *_BY_DAY.values))
# One statement, without looks at the catalog, so that it is as quick as it can be: it reads the index of the key.
_DAYS = f"""
SELECT coalesce(json_agg(r ORDER BY r.date), '[]')::text FROM (
  SELECT {_COLUMNS} FROM {{table}} t
  WHERE t.customer_id = $1 AND t.date >= coalesce($2::date, '-infinity') AND t.date <= coalesce($3::date, 'infinity')
) r"""


class Day(BaseModel):
    """A day of a customer; times are in seconds, but for the columns in micros."""

    date: date
    success_requests: int
    failed_requests: int
    success_micros: int | None
    durations: int
    duration_micros: int | None
    duration_p50: Real
    duration_p99: Real
    duration_mean: Real
    uptime_percentage: Real


class Days(BaseModel):
    """The days of a customer, oldest first."""

    customer_id: str
    rows: list[Day]
    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "date": "2026-01-31",
                "success_requests": 940,
                "failed_requests": 12,
                "success_micros": 80100200,
                "durations": 952,
                "duration_micros": 81500300,
                "duration_p50": 0.07,
                "duration_p99": 0.61,
                "duration_mean": 0.085609558,
                "uptime_percentage": 98.281,
            },
            customer_id="c-17",
        )
    )


@router.get(
    "/customers/{customer_id:path}/stats",
    summary="The days of a customer",
    response_model=Days,
    responses=answers(404),
)
async def stats(customer_id: CustomerId, serving: Serving, first: From = None, last: To = None) -> Response:
    check_order(first, last)
    statement = _DAYS.format(table=serving.database.name(_BY_DAY.name))
    try:
        days = await serving.database.fetchval(statement, customer_id, first, last)
    except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError):
        raise not_exported(_BY_DAY.name) from None
    except asyncpg.CharacterNotInRepertoireError:  # a NUL: PostgreSQL's text has none
        days = "[]"
    return as_answer(f'{{"customer_id":{json.dumps(customer_id)},"rows":{days}}}')
