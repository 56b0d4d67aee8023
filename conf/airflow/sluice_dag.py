"""Each day's files go into tables, these into aggregates, and the aggregates into PostgreSQL.

What it needs is in docs/airflow.md: two variables, two connections, a pool for each table.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.sdk import DAG, Asset, CronDataIntervalTimetable, TaskGroup
from sluice_operator import SluiceOperator

TABLES = {  # each with its aggregates
    "products": ["products_agg"],
    "requests": ["resource_statistics_by_day", "resource_statistics_by_day_path_status"],
    "processes": ["process_statistics_by_hour", "process_statistics_by_day"],
    "scores": ["top_scores"],
}
LAKE = ["--lake", "{{ var.value.sluice_lake }}"]
# The pattern may match no file: then the day is skipped. A folder that must be there is one without `/*`.
INPUTS = "{{{{ var.value.sluice_inputs }}}}/{table}/{{{{ data_interval_start | ds }}}}/*"

with DAG(
    "sluice",
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone="UTC"),  # after each day
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,  # days in their order: of two rows of a key the one that comes later wins
    default_args={"retries": 3, "retry_delay": timedelta(minutes=5), "retry_exponential_backoff": True},
):
    for table, aggregates in TABLES.items():
        with TaskGroup(table):
            pool = f"sluice_{table}"  # of one slot: one job at a time writes a table, the others wait in Airflow
            ingest = SluiceOperator(
                task_id="ingest",
                job="ingest",
                arguments=[table, INPUTS.format(table=table), *LAKE],
                pool=pool,
                outlets=[Asset(f"sluice://lake/{table}")],
            )
            aggregate = SluiceOperator(
                task_id="aggregate",
                job="aggregate",
                arguments=[*aggregates, *LAKE],
                pool=pool,
                outlets=[Asset(f"sluice://lake/{name}") for name in aggregates],
            )
            export = SluiceOperator(
                task_id="export",
                job="export",
                arguments=[*aggregates, *LAKE],
                database_conn_id="sluice_database",
                pool=pool,
                outlets=[Asset(f"sluice://postgresql/{name}") for name in aggregates],
            )
            ingest >> aggregate >> export
