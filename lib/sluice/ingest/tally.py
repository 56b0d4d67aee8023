"""Conformed records counted by file: what a run is refused or accepted by."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sluice.files.input_file import InputFile
from sluice.ingest.conform import failed_check_reason, passed
from sluice.ledger.ingested_files import Tally
from sluice.model.table import Table
from sluice.readers.shared.records import UNCLOSED_QUOTE, UNEXPECTED


def tally(
    records: DataFrame, files: Sequence[tuple[InputFile, str]], table: Table, key_partitions: Sequence[str] = ()
) -> list[Tally]:
    """A tally for each file, in their order; `files` are given with the options they were read with.
    `key_partitions`: the columns whose values are listed.

    in: what `conform` gives. A record without `_position` says that its whole file cannot be read.
    """
    fails = [failed_check_reason(check) for check in table.checks if check.action == "fail"]
    warns = [check for check in table.checks if check.action == "warn"]
    is_record, reason = F.col("_position").isNotNull(), F.col("_reason")
    # in the order of Tally's fields
    counts = records.groupBy("_file").agg(
        F.count("_position").alias("rows_read"),
        F.count(F.when(is_record, reason)).alias("rows_rejected"),
        F.min(F.when(~is_record, reason)).alias("failure"),
        F.min(F.when(reason.startswith(UNCLOSED_QUOTE), reason)).alias("unclosed"),
        F.min(F.when(reason.startswith(UNEXPECTED), reason)).alias("unexpected"),
        F.collect_set(F.when(reason.isNull(), F.struct(*key_partitions)) if key_partitions else F.lit(None)),
        F.count(F.when(reason.isin(fails), True)).alias("failed"),
        F.array(*(F.count(F.when(reason.isNull() & ~passed(check), True)) for check in warns)).alias("warned"),
        F.coalesce(F.sum(F.when(is_record, F.octet_length("_raw"))), F.lit(0)).alias("rejected_bytes"),
    )
    by_file = {row["_file"]: row[1:] for row in counts.collect()}
    return [Tally(file, number, options, *by_file.get(number, ())) for number, (file, options) in enumerate(files)]
