"""Conformed records counted by file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sluice.files.input_file import InputFile
from sluice.ledger.ingested_files import Tally
from sluice.model.table import Table
from sluice.readers.shared.records import UNCLOSED_QUOTE


def tally(rows: Any, files: Sequence[tuple[InputFile, str]], table: Table) -> list[Tally]:
    """Counts conformed records by file, in the order of the files, each given with its options.

    `partitions` of a tally are the values of the table's `key_partitions` in its rows; `failed` counts records that do
    not pass a check with the action `fail`, `warned` the rows that do not pass each check with the action `warn`.
    """
    from pyspark.sql import functions as F

    from sluice.ingest.conform import failed_check_reason, passed

    partition_by = table.key_partitions
    failing = [failed_check_reason(check) for check in table.checks if check.action == "fail"]
    warning = [check for check in table.checks if check.action == "warn"]
    is_record, reason = F.col("_position").isNotNull(), F.col("_reason")
    counts = rows.groupBy("_file").agg(
        F.count("_position").alias("rows_read"),
        F.count(F.when(is_record, reason)).alias("rows_rejected"),
        F.min(F.when(~is_record, reason)).alias("failure"),
        F.min(F.when(reason.startswith(UNCLOSED_QUOTE), reason)).alias("unclosed"),
        F.collect_set(F.when(reason.isNull(), F.struct(*partition_by)) if partition_by else F.lit(None)),
        F.count(F.when(reason.isin(failing), True)),
        F.array(*(F.count(F.when(reason.isNull() & ~passed(check), True)) for check in warning)),
    )
    by_file = {row["_file"]: row[1:] for row in counts.collect()}
    return [Tally(file, n, options, *by_file.get(n, ())) for n, (file, options) in enumerate(files)]
