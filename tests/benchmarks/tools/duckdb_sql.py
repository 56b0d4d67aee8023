"""DuckDB: tables in a database file of its own, counts to PostgreSQL by COPY."""

from __future__ import annotations

import csv
import os
import sys
import tempfile

import duckdb
import psycopg2

FOLDER, SCHEMA = os.environ["FOLDER"], os.environ["SCHEMA"]
LAST_PRODUCTS = """
    SELECT sku, arg_max(name, place) AS name, arg_max(description, place) AS description
    FROM (
        SELECT *, row_number() OVER () AS place
        FROM read_csv(
            $path, header = true, quote = '"', escape = '"',
            columns = {'name': 'VARCHAR', 'sku': 'VARCHAR', 'description': 'VARCHAR'}
        )
    )
    GROUP BY sku
"""
LAST_SCORES = """
    SELECT id, arg_max(value, place) AS value
    FROM (
        SELECT *, row_number() OVER () AS place
        FROM read_csv($path, header = false, delim = '_', columns = {'id': 'VARCHAR', 'value': 'DECIMAL(38,9)'})
    )
    GROUP BY id
"""
REQUESTS = """
    CREATE TABLE requests AS
    SELECT date + time AS requested_at, date, customer_id, request_path, status_code, duration
    FROM read_csv(
        $path, header = false, delim = ' ',
        columns = {
            'date': 'DATE', 'time': 'TIME', 'customer_id': 'VARCHAR', 'request_path': 'VARCHAR',
            'status_code': 'INTEGER', 'duration': 'DOUBLE'
        }
    )
"""
COUNTS = """
    CREATE OR REPLACE TABLE products_agg AS SELECT name, count(*) AS no_of_products FROM products GROUP BY name
"""
STATISTICS = """
    CREATE TABLE resource_statistics_by_day AS
    SELECT
        customer_id, date,
        count(*) FILTER (status_code BETWEEN 200 AND 299) AS success_requests,
        count(*) FILTER (status_code NOT BETWEEN 200 AND 299) AS failed_requests,
        quantile_disc(duration, 0.5) AS duration_p50, quantile_disc(duration, 0.99) AS duration_p99,
        avg(duration) AS duration_mean
    FROM requests
    GROUP BY customer_id, date
"""


def products(database: duckdb.DuckDBPyConnection, path: str) -> None:
    merge(database, "products", "sku", LAST_PRODUCTS, path)
    database.execute(COUNTS)
    send(database, "products_agg (name text, no_of_products bigint)")


def scores(database: duckdb.DuckDBPyConnection, path: str) -> None:
    merge(database, "scores", "id", LAST_SCORES, path)


def requests(database: duckdb.DuckDBPyConnection, path: str) -> None:
    database.execute(REQUESTS, {"path": path})
    database.execute(STATISTICS)


def query(database: duckdb.DuckDBPyConnection) -> None:
    answer = database.execute(
        "SELECT name, no_of_products AS count FROM products_agg ORDER BY no_of_products DESC, name LIMIT 20"
    )
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["name", "count"])
    writer.writerows(answer.fetchall())


def show(database: duckdb.DuckDBPyConnection, table: str) -> None:
    """Writes a table to a file that others can read: no part of what is measured."""
    database.execute(f"COPY (FROM {table} ORDER BY ALL) TO '{FOLDER}/{table}.parquet'")


def merge(database: duckdb.DuckDBPyConnection, table: str, key: str, rows: str, path: str) -> None:
    if database.execute("FROM duckdb_tables() WHERE table_name = $table", {"table": table}).fetchall():
        changes = f"USING ({rows}) AS changes USING ({key}) WHEN MATCHED THEN UPDATE WHEN NOT MATCHED THEN INSERT"
        database.execute(f"MERGE INTO {table} {changes}", {"path": path})
    else:
        database.execute(f"CREATE TABLE {table} AS {rows}", {"path": path})


def send(database: duckdb.DuckDBPyConnection, columns: str) -> None:
    """Writes a table, named with its columns, to PostgreSQL."""
    table = columns.split()[0]
    with (
        tempfile.TemporaryDirectory() as folder,
        psycopg2.connect(os.environ["DATABASE_URL"]) as connection,
        connection.cursor() as cursor,
    ):
        database.execute(f"COPY {table} TO '{folder}/rows.csv' (HEADER false)")
        cursor.execute(f"DROP TABLE IF EXISTS {SCHEMA}.{table}")
        cursor.execute(f"CREATE TABLE {SCHEMA}.{columns}")
        with open(f"{folder}/rows.csv", "rb") as file:
            cursor.copy_expert(f"COPY {SCHEMA}.{table} FROM STDIN (FORMAT csv)", file)


STEPS = {step.__name__: step for step in (products, scores, requests, query, show)}

if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    with duckdb.connect(f"{FOLDER}/database.duckdb") as connection:
        STEPS[sys.argv[1]](connection, *sys.argv[2:])
