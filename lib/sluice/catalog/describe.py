"""What `tables` shows: which tables there are and what they consist of; and its check of a declaration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sluice.catalog.catalog import Catalog
from sluice.catalog.expressions import check_in_spark
from sluice.errors import SluiceError, UsageError
from sluice.model.table import Column, Table
from sluice.runtime.job import Job


def list_tables(job: Job, catalog: Catalog) -> None:
    """Shows a row for each table: `table`, `declared_in`, `key`, `partition_by`, `order_by`, `aggregates`, `error`.

    `error` is what is wrong with its declaration; then the columns before it are null.
    """
    job.show([_table_row(catalog, name) for name in catalog.names])


def show_columns(job: Job, table: Table) -> None:
    """Shows a row for each column: `column`, `type`, `key` (its place in it), `partition`, and what it is `made_of`."""
    job.report.table = table.name
    job.show([column_row(table, column) for column in table.columns])


def check_declaration(job: Job, catalog: Catalog, file: str) -> None:
    """Raises UsageError for what is wrong with a declaration, its SQL and formats included; nothing is written.

    Spark is started only if the declaration has SQL or formats.
    """
    path = Path(file).expanduser()
    if not path.is_file():
        raise UsageError(f"{file}: no such file: name a declaration, NAME.toml")
    table = catalog.declared(path)
    job.report.table = table.name
    if table.checks or table.delete_when or any(column.sql or column.format for column in table.columns):
        job.expect()
        spark = job.spark
        with job.step("check"):
            check_in_spark(spark, table)
    job.report.status = "succeeded"
    key = ", ".join(table.key)
    job.progress.log(f"{file}: the declaration of table {table.name} is valid: {len(table.columns)} columns, key {key}")


def _table_row(catalog: Catalog, name: str) -> dict[str, Any]:
    row: dict[str, Any] = {"table": name, "declared_in": str(catalog.files.get(name, "built in"))}
    try:
        table = catalog.table(name)
    except SluiceError as error:
        return {**row, **dict.fromkeys(("key", "partition_by", "order_by", "aggregates")), "error": str(error)}
    return {
        **row,
        "key": ", ".join(table.key),
        "partition_by": ", ".join(table.partition_by),
        "order_by": table.order_by,
        "aggregates": ", ".join(aggregate.name for aggregate in table.aggregates),
        "error": None,
    }


def column_row(table: Table, column: Column) -> dict[str, Any]:
    made_of = column.sql or (f"input {column.input}" if column.input in table.input_columns else "the reader")
    zone = "" if column.timezone == "UTC" else column.timezone
    return {
        "column": column.name,
        "type": column.type,
        "key": table.key.index(column.name) + 1 if column.name in table.key else None,
        "partition": column.name in table.partition_by,
        "made_of": ", ".join(filter(None, (made_of, column.format, zone))),
    }
