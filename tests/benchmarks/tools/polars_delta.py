"""Polars with tables in Delta by delta-rs, counts to PostgreSQL by COPY."""

from __future__ import annotations

import io
import os
import sys

import polars as pl
import psycopg2
from deltalake import DeltaTable

FOLDER, SCHEMA = os.environ["FOLDER"], os.environ["SCHEMA"]


def products(path: str) -> None:
    rows = pl.read_csv(path, schema=dict.fromkeys(("name", "sku", "description"), pl.String))
    merge(rows.unique("sku", keep="last"), "products", "sku")
    counts = pl.scan_delta(f"{FOLDER}/products").group_by("name").agg(pl.len().cast(pl.Int64).alias("no_of_products"))
    made = counts.collect()
    made.write_delta(f"{FOLDER}/products_agg", mode="overwrite")
    send(made, "products_agg (name text, no_of_products bigint)")


def scores(path: str) -> None:
    rows = pl.read_csv(path, has_header=False, separator="_", schema={"id": pl.String, "value": pl.Decimal(38, 9)})
    merge(rows.unique("id", keep="last"), "scores", "id")


def requests(path: str) -> None:
    texts = dict.fromkeys(("date", "time", "customer_id", "request_path"), pl.String)
    lines = pl.scan_csv(
        path,
        has_header=False,
        separator=" ",
        schema={**texts, "status_code": pl.Int32, "duration": pl.Float64},
    )
    requested_at = pl.concat_str("date", "time", separator=" ").str.to_datetime("%Y-%m-%d %H:%M:%S", time_zone="UTC")
    rows = lines.select(
        requested_at.alias("requested_at"),
        pl.col("date").str.to_date("%Y-%m-%d"),
        "customer_id",
        "request_path",
        "status_code",
        "duration",
    )
    rows.collect().write_delta(f"{FOLDER}/requests", mode="append", delta_write_options={"partition_by": ["date"]})
    success, duration = pl.col("status_code").is_between(200, 299), pl.col("duration")
    statistics = (
        pl.scan_delta(f"{FOLDER}/requests")
        .group_by("customer_id", "date")
        .agg(
            success.sum().cast(pl.Int64).alias("success_requests"),
            (~success).sum().cast(pl.Int64).alias("failed_requests"),
            duration.quantile(0.5, "equiprobable").alias("duration_p50"),
            duration.quantile(0.99, "equiprobable").alias("duration_p99"),
            duration.mean().alias("duration_mean"),
        )
    )
    statistics.collect().write_delta(f"{FOLDER}/resource_statistics_by_day", mode="overwrite")


def query() -> None:
    counts = pl.scan_delta(f"{FOLDER}/products_agg").sort("no_of_products", "name", descending=[True, False])
    print(counts.head(20).rename({"no_of_products": "count"}).collect().write_csv(), end="")


def merge(rows: pl.DataFrame, table: str, key: str) -> None:
    path = f"{FOLDER}/{table}"
    if not DeltaTable.is_deltatable(path):
        rows.write_delta(path)
        return
    options = {"predicate": f"t.{key} = s.{key}", "source_alias": "s", "target_alias": "t"}
    stored = rows.write_delta(path, mode="merge", delta_merge_options=options)
    stored.when_matched_update_all().when_not_matched_insert_all().execute()


def send(rows: pl.DataFrame, columns: str) -> None:
    """Writes rows to PostgreSQL, to a table that is named with its columns."""
    text, table = io.BytesIO(), columns.split()[0]
    rows.write_csv(text, include_header=False)
    text.seek(0)
    with psycopg2.connect(os.environ["DATABASE_URL"]) as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {SCHEMA}.{table}")
        cursor.execute(f"CREATE TABLE {SCHEMA}.{columns}")
        cursor.copy_expert(f"COPY {SCHEMA}.{table} FROM STDIN (FORMAT csv)", text)


STEPS = {step.__name__: step for step in (products, scores, requests, query)}

if __name__ == "__main__":
    STEPS[sys.argv[1]](*sys.argv[2:])
