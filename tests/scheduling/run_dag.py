"""Runs the DAG of conf/airflow in Airflow: `run_dag.py MIDNIGHT PLAN`.

The plan, in JSON, says what is wrong until a task has failed and waits for its next attempt: `locked` is the lock file
of a table, `timeout` the seconds that `products.ingest` gets, `connection` the database's connection.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
from datetime import datetime, timedelta

from airflow.dag_processing.dagbag import BundleDagBag

DATABASE = "AIRFLOW_CONN_SLUICE_DATABASE"


def load_dag():
    folder = os.environ["AIRFLOW__CORE__DAGS_FOLDER"]
    bag = BundleDagBag(dag_folder=folder, bundle_path=folder, bundle_name="dags-folder")
    loaded = {name.partition(".")[0] for name in sys.modules}
    assert (bag.import_errors, loaded & {"sluice", "pyspark"}) == ({}, set())
    return bag.dags["sluice"]


def prepare(dag, plan):
    """Lets the first attempts fail as planned, and retries follow at once."""
    lock = os.open(plan["locked"], os.O_RDWR | os.O_CREAT) if "locked" in plan else None
    if lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
    working = os.environ[DATABASE]
    os.environ[DATABASE] = plan.get("connection", working)
    ingest = dag.get_task("products.ingest")
    ingest.execution_timeout = timedelta(seconds=plan["timeout"]) if "timeout" in plan else None

    def mend(context):
        print("RETRY", context["ti"].task_id, flush=True)
        if lock:
            fcntl.lockf(lock, fcntl.LOCK_UN)
        if context["ti"].task_id.endswith("export"):
            os.environ[DATABASE] = working
        ingest.execution_timeout = None

    for task in dag.tasks:
        task.retry_delay, task.retry_exponential_backoff, task.on_retry_callback = timedelta(0), False, [mend]


if __name__ == "__main__":
    dag = load_dag()
    prepare(dag, json.loads(sys.argv[2]))
    midnight = datetime.fromisoformat(sys.argv[1])
    dag.test(run_after=midnight, logical_date=midnight)
