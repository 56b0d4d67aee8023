"""What tables there are, built in and declared, and what they are made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sluice.catalog import sql as declared_sql
from sluice.catalog.catalog import Catalog
from sluice.errors import SluiceError, UsageError
from sluice.model.table import Column, Table
from sluice.runtime.job import Job


def list_tables(job: Job, catalog: Catalog) -> None:
    """Shows a row for each table: `table`, `declared_in`, `key`, `partition_by`, `order_by`, `aggregates`, `error`."""
    job.show([_row(catalog, name) for name in catalog.names])


def _row(catalog: Catalog, name: str) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(("key", "partition_by", "order_by", "aggregates", "error"))
    row = {"table": name, "declared_in": str(catalog.files.get(name, "built in")), **row}
    try:
        table = catalog.table(name)
    except SluiceError as error:
        return {**row, "error": str(error)}
    row |= {"key": ", ".join(table.key), "partition_by": ", ".join(table.partition_by), "order_by": table.order_by}
    return {**row, "aggregates": ", ".join(made.name for made in table.aggregates)}


def show(job: Job, table: Table) -> None:
    """Shows a row for each column: `column`, `type`, `key` (its place in it), `partition`, and what it is `made_of`."""
    job.report.table = table.name
    job.show([_column(table, column) for column in table.columns])


def _column(table: Table, column: Column) -> dict[str, Any]:
    place = table.key.index(column.name) + 1 if column.name in table.key else None
    made_of = column.sql or (f"input {column.input}" if column.input in table.input_columns else "the reader")
    more = (column.format, "" if column.timezone == "UTC" else column.timezone)
    return {
        "column": column.name,
        "type": column.type,
        "key": place,
        "partition": column.name in table.partition_by,
        "made_of": ", ".join([made_of, *filter(None, more)]),
    }


def check(job: Job, catalog: Catalog, file: str) -> None:
    """Raises UsageError for what is wrong with a declaration, its SQL and formats included; nothing is written."""
    path = Path(file).expanduser()
    if not path.is_file():
        raise UsageError(f"{file}: no such file: name a declaration, NAME.toml")
    table = catalog.declared(path)
    job.report.table = table.name
    if table.checks or table.delete_when or any(column.sql or column.format for column in table.columns):
        spark = job.spark
        with job.step("check"):
            declared_sql.check(spark, table)
    job.report.status = "succeeded"
    job.progress.log(f"{file}: declares table {table.name}: {len(table.columns)} columns, key {', '.join(table.key)}")
