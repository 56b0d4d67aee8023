"""All exported tables and aggregates, declared ones included: what they are, and their rows."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from sluice.catalog.catalog import Catalog
from sluice.errors import SluiceError, UsageError
from sluice.serve import paging, relations
from sluice.serve.answers import example, with_rows
from sluice.serve.context import Serving
from sluice.serve.options import ServeSettings
from sluice.serve.paging import After, Conditions, Limit
from sluice.serve.parameters import OWN_CHECK
from sluice.serve.problems import Problem, answers
from sluice.serve.relations import Relation

router = APIRouter(tags=["tables"])
Name = Annotated[str, Path(examples=["products_agg"])]
_OWN = ("after", "limit")  # parameters that are no columns
_PRODUCT = {"sku": "1", "name": "Desk lamp", "description": "warm light", "ingested_at": "2026-01-31T08:15:00.123456Z"}


class ExportedTable(BaseModel):
    """A table of PostgreSQL: its columns with PostgreSQL's types, and about how many rows it has (null: not known)."""

    name: str
    columns: dict[str, str]
    key: list[str]
    version: int
    exported_at: str
    rows: int | None


class Tables(BaseModel):
    """All exported tables and aggregates."""

    tables: list[ExportedTable]
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "tables": [
                        {
                            "name": "products_agg",
                            "columns": {"name": "text", "no_of_products": "bigint"},
                            "key": ["name"],
                            "version": 3,
                            "exported_at": "2026-01-31T08:15:00.123456Z",
                            "rows": 998,
                        }
                    ]
                }
            ]
        }
    )


class TablePage(BaseModel):
    """Rows by key, and where the next page begins; null after the last one."""

    rows: list[dict[str, Any]]
    after: str | None
    model_config = ConfigDict(json_schema_extra=example(_PRODUCT, after="WyIxIl0"))


@router.get("/tables", summary="The exported tables and aggregates", responses=answers())
async def list_tables(serving: Serving) -> Tables:
    async with serving.database.snapshot() as snapshot:
        found = await relations.find_all(snapshot)
    return Tables(tables=[_described(relation) for relation in found])


def _described(relation: Relation) -> ExportedTable:
    return ExportedTable(
        name=relation.name,
        columns=relation.columns,
        key=list(relation.key),
        version=relation.version,
        exported_at=f"{relation.exported_at:%Y-%m-%dT%H:%M:%S.%fZ}",
        rows=relation.rows,
    )


@router.get(
    "/tables/{name}",
    summary="Rows of a table or an aggregate, a page at a time",
    description="Any column of the table may be a parameter: rows have its value. `/tables` lists the columns.",
    response_model=TablePage,
    responses=answers(404),
    openapi_extra=OWN_CHECK,
)
async def read_table(
    name: Name, request: Request, serving: Serving, after: After = None, limit: Limit = 100
) -> Response:
    filters = [(column, value) for column, value in request.query_params.multi_items() if column not in _OWN]
    async with serving.database.snapshot() as snapshot:
        relation = await relations.find_any(snapshot, name)
        if relation is None:
            raise await asyncio.to_thread(_missing, serving.settings, name)
        relation.refuse_unknown([column for column, _ in filters], _OWN)
        conditions = Conditions(relation)
        for column, value in filters:
            conditions.add("{column} = {value}", column, value)
        page = await paging.read(snapshot, conditions, limit, after)
    return with_rows(page.rows, after=json.dumps(page.after))


def _missing(settings: ServeSettings, name: str) -> Problem:
    """The answer about a table that PostgreSQL lacks: it is not exported yet, or there is none of this name."""
    try:
        Catalog(settings.tables).sources(settings.lake, [name])
    except UsageError as error:
        return Problem(404, str(error))
    except SluiceError:  # the lake cannot be read: its aggregates that no file declares are not known
        pass
    return relations.not_exported(name)
