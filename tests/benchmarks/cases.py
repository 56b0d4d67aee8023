"""What is measured: the cases, and each tool's commands for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class Input:
    """A file of sample records of a kind; with `changed` one of so many changes to it, another in each round."""

    kind: str
    rows: int
    changed: int = 0


@dataclass(frozen=True)
class Result:
    """What all tools must have made alike: columns of a table, or of an answer on standard output, in order.

    `where`: `postgres`, `folder` (of the tool) or `answer` (CSV with a header). `key`: the leading columns that no two
    rows share.
    """

    where: str
    name: str
    columns: Mapping[str, pa.DataType]
    key: int = 1


@dataclass(frozen=True)
class Case:
    """Something to measure. `steps`: the commands of each tool, each of them a cold process; INPUT is the `input` file.

    `on`: the case whose tables it goes on with; without it, it begins with nothing. `memory`: of a Spark driver.
    """

    name: str
    title: str
    input: Input | None
    steps: Mapping[str, Sequence[str]]
    result: Result | None
    on: str | None = None
    cores: int = 2
    memory: str = "2g"


_COUNTS = Result("postgres", "products_agg", {"name": pa.string(), "no_of_products": pa.int64()})
_STATISTICS = Result(
    "folder",
    "resource_statistics_by_day",
    {
        "customer_id": pa.string(),
        "date": pa.date32(),
        "success_requests": pa.int64(),
        "failed_requests": pa.int64(),
        "duration_p50": pa.float64(),
        "duration_p99": pa.float64(),
        "duration_mean": pa.float64(),
    },
    key=2,
)
_ANSWER = Result("answer", "", {"name": pa.string(), "count": pa.int64()})
_SCORES = Result("folder", "scores", {"id": pa.string(), "value": pa.decimal128(38, 9)})

_PRODUCTS = {
    "sluice": ("run products INPUT",),
    "spark": ("products INPUT", "products_agg", "export"),
    "dlt": ("products INPUT",),
    "duckdb": ("products INPUT",),
    "polars": ("products INPUT",),
}
_REQUESTS = {
    "sluice": ("ingest requests INPUT", "aggregate resource_statistics_by_day"),
    "spark": ("requests INPUT", "statistics"),
    "duckdb": ("requests INPUT",),
    "polars": ("requests INPUT",),
}
_LOAD_SCORES = {
    "sluice": ("ingest scores INPUT",),
    "spark": ("scores INPUT",),
    "duckdb": ("scores INPUT",),
    "polars": ("scores INPUT",),
}
_QUESTION = "query products --by name --metric count --top 20 --format csv"
_QUERY = {
    "sluice": (_QUESTION,),
    "spark": ("query",),
    "duckdb": ("query",),
    "polars": ("query",),
}


def _with_warm(steps: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[str]]:
    return {"sluice": steps["sluice"], "warm": steps["sluice"], **steps}


def _products(name: str, rows: int, steps: Mapping[str, Sequence[str]] = _PRODUCTS, **others: int | str) -> Case:
    title = f"{rows:,} products (CSV, quoted newlines, the last record of a key wins) to `products_agg` in PostgreSQL"
    return Case(name, title, Input("products", rows), steps, _COUNTS, **others)


_CASES = (
    Case("session", "a Spark session that does nothing", None, {"spark": ("session",)}, None),
    _products("products", 500_000, _with_warm(_PRODUCTS)),
    Case(
        "query",
        "a question that an aggregate of 500,000 products answers",
        None,
        _with_warm(_QUERY),
        _ANSWER,
        on="products",
    ),
    Case(
        "change",
        "100 changes of 500,000 products, to `products_agg` in PostgreSQL",
        Input("products", 500_000, changed=100),
        _with_warm(_PRODUCTS),
        _COUNTS,
        on="products",
    ),
    _products("products_1_core", 500_000, cores=1),
    _products("products_2m", 2_000_000),
    _products("products_10m", 10_000_000, memory="4g"),
    Case(
        "requests",
        "5,000,000 log lines to a table and daily statistics of each customer",
        Input("requests", 5_000_000),
        _with_warm(_REQUESTS),
        _STATISTICS,
    ),
    Case(
        "scores",
        "10,000,000 scores to a table",
        Input("scores", 10_000_000),
        _with_warm(_LOAD_SCORES),
        _SCORES,
        memory="4g",
    ),
    Case(
        "merge",
        "1,000 random keys merged into 10,000,000 scores",
        Input("scores", 10_000_000, changed=1_000),
        _with_warm(_LOAD_SCORES),
        _SCORES,
        on="scores",
        memory="4g",
    ),
)
CASES = {case.name: case for case in _CASES}
TOOLS = ("sluice", "warm", "spark", "dlt", "duckdb", "polars")
