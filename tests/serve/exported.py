"""Tables as `export` makes them, by its own code, but of rows that a test gives: no Spark is needed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg2
from psycopg2.extras import execute_values
from sluice.catalog.catalog import BUILT_IN
from sluice.export.connection import connected
from sluice.export.target import DeltaVersion, Target
from sluice.lake.writer import Writer

_STATISTICS = {
    "snapshots": "bigint",
    "samples": "bigint",
    "cpu_percent_micros": "bigint",
    "cpu_percent_count": "bigint",
    "cpu_percent_max": "double",
    "resident_bytes_sum": "bigint",
    "resident_bytes_count": "bigint",
    "resident_bytes_max": "bigint",
    "cpu_percent_sum": "double",
    "cpu_percent_mean": "double",
    "resident_bytes_mean": "double",
}
_OWN = {"ingested_at": "timestamp", "run_id": "string"}
COLUMNS = {  # Spark's types, as the lake has them
    "products": {"sku": "string", "name": "string", "description": "string", **_OWN},
    "products_agg": {"name": "string", "no_of_products": "bigint"},
    "top_scores": {"rank": "int", "id": "string", "value": "decimal(38,9)"},
    "resource_statistics_by_day": {
        "customer_id": "string",
        "date": "date",
        "success_requests": "bigint",
        "failed_requests": "bigint",
        "success_micros": "bigint",
        "durations": "bigint",
        "duration_micros": "bigint",
        "duration_p50": "double",
        "duration_p99": "double",
        "duration_mean": "double",
        "uptime_percentage": "double",
    },
    "processes": {column.name: column.type for column in BUILT_IN["processes"].columns} | _OWN,
    "process_statistics_by_day": {
        **dict.fromkeys(("date", "os_type", "host", "name"), "string"),
        "date": "date",
        **_STATISTICS,
    },
    "process_statistics_by_hour": {
        "date": "date",
        "hour": "int",
        "os_type": "string",
        "host": "string",
        "name": "string",
        **_STATISTICS,
    },
}
_SOURCES = {source.name: source for table in BUILT_IN.values() for source in (table, *table.aggregates)}


def export(url: str, name: str, rows: Iterable[Sequence[Any]], *, schema: str = "fresh", **own: Any) -> None:
    """Makes a table hold these rows: a built-in one, or one with `columns`, `key` and `nullable_key` of its own."""
    with connected(url, schema) as database:
        database.prepare(Writer("run", 5, print))
        target = target_of(name, **own)
        with psycopg2.connect(url) as connection, connection.cursor() as cursor:
            staging = database.create_staging(target)
            execute_values(
                cursor, "INSERT INTO {} VALUES %s".format(staging.replace("%", "%%")), [(*row, False) for row in rows]
            )
        database.apply([target], "run")


def target_of(name: str, **own: Any) -> Target:
    """What `export` would send all rows of the table to."""
    source = _SOURCES.get(name)
    built_in = (
        {
            "columns": COLUMNS[name],
            "key": source.key,
            "nullable_key": source.nullable_key,
            "indexes": source.indexes,
        }
        if source
        else {"nullable_key": False, "indexes": ()}
    )
    return Target(name=name, version=DeltaVersion("/lake", "id", 3), full=True, **built_in | own)
