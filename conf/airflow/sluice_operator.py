"""Runs a job of Sluice as a task of Airflow 3. It needs Airflow's Spark provider, and Sluice only where tasks run."""

from __future__ import annotations

import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote, urlencode

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk import Asset, BaseHook
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException, AirflowTaskTimeout

SLUICE_HOME = os.environ.get("SLUICE_HOME", "/opt/sluice")
# A retry has it too, so it is another attempt of the same run. Airflow allows ~ in the id of a run, Sluice does not.
RUN_ID = "{{ dag.dag_id }}:{{ run_id | replace('~', '-') }}"
BUSY, DATABASE_FAILED = 5, 6
RETRIED = (BUSY, DATABASE_FAILED)


class SluiceOperator(SparkSubmitOperator):
    """Runs `./spark-submit.sh JOB ARGUMENTS`, templates in the arguments, on the master of the Spark connection.

    Its report is the task's XCom, after a failure too. Exit codes 5 and 6 are retried, all others fail at once. An
    `ingest` that finds no file at all is skipped. An outlet `sluice://…/NAME` gets the counts of the table NAME.

    `database_conn_id` names the connection of the PostgreSQL that `export` and `run` write to.
    """

    def __init__(self, *, job: str, arguments: list[str], database_conn_id: str | None = None, **options: Any) -> None:
        super().__init__(
            application=job,
            application_args=[*arguments, "--run-id", RUN_ID],
            name=f"sluice {job}",
            spark_binary=f"{SLUICE_HOME}/spark-submit.sh",
            **options,
        )
        self.database_conn_id = database_conn_id
        self.stopped = False

    def execute(self, context: Any) -> dict[str, Any]:
        with TemporaryDirectory(prefix="sluice-") as folder:
            file = Path(folder, "report.json")
            # in this process, the task's own: `env_vars` would be shown, and be arguments on YARN and Kubernetes
            os.environ.update(self._database(), SLUICE_RESULT_FILE=str(file))
            succeeded = self._succeeds(context)
            report = json.loads(file.read_text()) if file.exists() else {}
        if not succeeded:
            context["ti"].xcom_push("return_value", report)
            raise self._failure(report) from None
        if report["job"] == "ingest" and not report["files"] + report["files_skipped"]:
            raise AirflowSkipException("no file is there to ingest")
        self._describe_outlets(context, report)
        return report

    def _succeeds(self, context: Any) -> bool:
        """Runs the job to its end and gives whether it succeeded. Raises what kept it from starting, and a timeout."""
        try:
            super().execute(context)
        except AirflowTaskTimeout:
            if self._process:
                self.on_kill()
                self._hook._process_spark_submit_log(iter(self._process.stdout))  # the job's last lines
            raise
        except AirflowException:
            if not self._process:
                raise
            return False
        return True

    def on_kill(self) -> None:
        """Lets the job end by its own rules. The hook would kill the script alone, and leave the job running."""
        if self._process and self._process.poll() is None:
            self.stopped = True
            self._process.terminate()

    @property
    def _process(self) -> Any:
        """The process of the job; None before it starts."""
        return self._hook and self._hook._submit_sp

    def _database(self) -> dict[str, str]:
        """The variables by which the job reaches PostgreSQL; the extra of the connection has libpq's parameters."""
        if self.database_conn_id is None:
            return {}
        found = BaseHook.get_connection(self.database_conn_id)
        parts = {"host": found.host, "port": found.port, "user": found.login, "dbname": found.schema}
        parts = {name: value for name, value in {**parts, **found.extra_dejson}.items() if value is not None}
        url = f"postgresql://?{urlencode(parts, quote_via=quote)}"
        return {"SLUICE_DATABASE_URL": url, "PGPASSWORD": found.password or ""}

    def _failure(self, report: dict[str, Any]) -> AirflowException:
        code = self._process.returncode
        cause = f"{self.application}: {report.get('error') or 'it ended without a report, see the lines above'}"
        kind = AirflowException if code in RETRIED or self.stopped else AirflowFailException
        return kind(f"{cause} (exit {code})")

    def _describe_outlets(self, context: Any, report: dict[str, Any]) -> None:
        parts = {part["table"]: part for part in report.get("steps") or [report]}
        for asset in (outlet for outlet in self.outlets if isinstance(outlet, Asset)):
            part = parts.get(asset.uri.rpartition("/")[2], report)
            counts = {name: value for name, value in part.items() if name.startswith("rows_")}
            context["outlet_events"][asset].extra = {**counts, "table_version": part["table_version"]}
