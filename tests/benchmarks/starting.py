"""How each tool is started, and what it is told: by its environment, alike for all."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cases import Case
from benchmarks.inputs import PROJECT
from benchmarks.measuring import pinned

BENCH = PROJECT / ".bench"
_TOOLS = Path(__file__).parent / "tools"
_SCRIPTS = {"spark": "plain_spark.py", "dlt": "dlt_delta.py", "duckdb": "duckdb_sql.py", "polars": "polars_delta.py"}
_DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.session.timeZone": "UTC",
}


@dataclass(frozen=True)
class Place:
    """Where a tool works: a folder of its own, and a schema of its own in PostgreSQL."""

    folder: Path
    schema: str
    url: str

    @classmethod
    def of(cls, tool: str, case: Case, url: str) -> Place:
        begun_by = case.on or case.name
        return cls(BENCH / "work" / begun_by / tool, f"bench_{begun_by}_{tool}", url)

    def environment(self, tool: str) -> dict[str, str]:
        mine = ("SLUICE_", "SPARK_", "PYSPARK_", "PYTHONPATH")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(mine)}
        told = {"FOLDER": str(self.folder), "SCHEMA": self.schema, "DATABASE_URL": self.url}
        sluice = {f"SLUICE_{name}": value for name, value in told.items()} | {"SLUICE_LAKE": str(self.folder)}
        if tool == "warm":
            sluice["SLUICE_KEEP_WARM"] = "10"  # minutes: longer than the others take until its turn comes again
        others = {"SLUICE_PROGRESS": "none", "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}
        return {**kept, **told, **sluice, **others}


def command(tool: str, step: str, case: Case, file: Path | None) -> list[str]:
    """The command line of a tool's step, on the case's cores."""
    words = [str(file) if word == "INPUT" else word for word in shlex.split(step)]
    spark = ["--master", f"local[{case.cores}]", "--driver-memory", case.memory]
    if tool in ("sluice", "warm"):
        start = [str(PROJECT / "spark-submit.sh"), *spark]
    elif tool == "spark":
        jars = f"{sys.prefix}/jars/*:{BENCH}/ivy/jars/*"
        start = [f"{sys.prefix}/bin/spark-submit", *spark, "--driver-class-path", jars]
        start += [part for name, value in _DELTA.items() for part in ("--conf", f"{name}={value}")]
        start.append(str(_TOOLS / _SCRIPTS[tool]))
    else:
        start = [str(BENCH / "venv" / "bin" / "python"), str(_TOOLS / _SCRIPTS[tool])]
    return pinned([*start, *words], case.cores)
