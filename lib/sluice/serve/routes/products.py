"""Products: a page at a time, one by its sku, and how many have each name."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from sluice.serve import paging, relations
from sluice.serve.answers import as_answer, example, with_rows
from sluice.serve.context import Serving
from sluice.serve.paging import After, Conditions, Limit
from sluice.serve.problems import Problem, answers

router = APIRouter(tags=["products"])
_LAMP: dict[str, Any] = {
    "sku": "1",
    "name": "Desk lamp",
    "description": "warm light",
    "ingested_at": "2026-01-31T08:15:00.123456Z",
    "run_id": "20260131T081459-5d1c7a90",
}
_ORDERS = {"count": ("-no_of_products", "name"), "name": ("name",)}
_TOTAL = """
SELECT json_build_object('groups', count(*), 'products', coalesce(sum(no_of_products), 0))::text FROM {table}"""

Sku = Annotated[str, Path(examples=["1"])]
Search = Annotated[str | None, Query(description="a part of the name, in whatever case", max_length=1000)]
OrderBy = Annotated[Literal["count", "name"], Query(description="the largest groups first, or by name")]


class Product(BaseModel):
    """A product; columns that files added to the table come too."""

    sku: str
    name: str | None
    description: str | None
    ingested_at: str
    run_id: str
    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [_LAMP]})


class Products(BaseModel):
    """Products by sku."""

    rows: list[Product]
    after: str | None
    model_config = ConfigDict(json_schema_extra=example(_LAMP, after="WyIxIl0"))


class Group(BaseModel):
    """The number of products with a name; null: those without one."""

    name: str | None
    no_of_products: int


class Total(BaseModel):
    """Of all groups, not only of those on the page."""

    groups: int
    products: int


class Groups(BaseModel):
    """The groups of products."""

    total: Total
    rows: list[Group]
    after: str | None
    model_config = ConfigDict(
        json_schema_extra=example(
            {"name": "Desk lamp", "no_of_products": 2}, total={"groups": 998, "products": 1002}, after="WyIxIl0"
        )
    )


@router.get("/products", summary="Products by sku, a page at a time", response_model=Products, responses=answers(404))
async def products(serving: Serving, search: Search = None, after: After = None, limit: Limit = 100) -> Response:
    async with serving.database.snapshot() as snapshot:
        conditions = Conditions(await relations.find(snapshot, "products"))
        if search:
            conditions.add("{column} ILIKE {value}", "name", _anywhere(search), "search")
        page = await paging.read(snapshot, conditions, limit, after)
    return with_rows(page.rows, after=json.dumps(page.after))


def _anywhere(text: str) -> str:
    """The pattern of LIKE for values that contain the text."""
    for special in ("\\", "%", "_"):
        text = text.replace(special, f"\\{special}")
    return f"%{text}%"


@router.get(
    "/products/aggregate", summary="How many products have each name", response_model=Groups, responses=answers(404)
)
async def aggregate(serving: Serving, order: OrderBy = "count", after: After = None, limit: Limit = 100) -> Response:
    async with serving.database.snapshot() as snapshot:
        relation = await relations.find(snapshot, "products_agg")
        page = await paging.read(snapshot, Conditions(relation), limit, after, order=_ORDERS[order])
        total = await snapshot.connection.fetchval(_TOTAL.format(table=relation.sql))
    return with_rows(page.rows, total=total, after=json.dumps(page.after))


@router.get("/products/{sku:path}", summary="A product", response_model=Product, responses=answers(404))
async def product(sku: Sku, serving: Serving) -> Response:
    async with serving.database.snapshot() as snapshot:
        conditions = Conditions(await relations.find(snapshot, "products"))
        conditions.add("{column} = {value}", "sku", sku)
        page = await paging.read(snapshot, conditions, 1)
    if not page.rows:
        raise Problem(404, f"no product has the sku {sku!r}")
    return as_answer(page.rows[0])
