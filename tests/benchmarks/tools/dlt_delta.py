"""dlt: Arrow tables to Delta by delta-rs, counts to PostgreSQL."""

from __future__ import annotations

import os
import sys

# read by dlt as it is imported
os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "DLT_DATA_DIR": f"{os.environ['FOLDER']}/dlt"}

import dlt
import pyarrow as pa
from deltalake import DeltaTable
from pyarrow import csv

FOLDER = os.environ["FOLDER"]


def products(path: str) -> None:
    rows = csv.read_csv(path, parse_options=csv.ParseOptions(newlines_in_values=True))
    lake = dlt.pipeline("lake", destination=dlt.destinations.filesystem(f"file://{FOLDER}"), dataset_name="lake")
    upsert = {"disposition": "merge", "strategy": "upsert"}
    lake.run(
        dlt.resource(last_of_each_key(rows, "sku"), name="products", primary_key="sku", write_disposition=upsert),
        table_format="delta",
    )
    names = DeltaTable(f"{FOLDER}/lake/products").to_pyarrow_table(columns=["name"])
    counts = names.group_by("name").aggregate([([], "count_all")]).rename_columns(["name", "no_of_products"])
    postgres = dlt.destinations.postgres(os.environ["DATABASE_URL"].partition("?")[0])
    database = dlt.pipeline("database", destination=postgres, dataset_name=os.environ["SCHEMA"])
    database.run(dlt.resource(counts, name="products_agg", write_disposition="replace"), loader_file_format="csv")


def last_of_each_key(rows: pa.Table, key: str) -> pa.Table:
    """dlt's upsert wants one row a key."""
    placed = rows.select([key]).append_column("place", pa.arange(0, rows.num_rows))
    return rows.take(placed.group_by(key).aggregate([("place", "max")])["place_max"])


if __name__ == "__main__":
    {"products": products}[sys.argv[1]](*sys.argv[2:])
