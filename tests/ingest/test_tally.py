"""The records of a run counted by file."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from sluice.files.input_file import InputFile
from sluice.ingest.conform import failed_check_reason
from sluice.ingest.tally import tally
from sluice.ledger.ingested_files import Tally
from sluice.model.table import Check, Column, Table
from sluice.readers.shared.records import UNCLOSED_QUOTE, UNEXPECTED

SEEN = Check("seen", "n > 0", "fail")
CHECKS = (SEEN, Check("small", "n < 10", "warn"), Check("even", "n % 2 = 0", "warn"), Check("odd", "n % 2 = 1"))
TABLE = Table("t", (Column("day"), Column("n", "int")), ("n",), None, None, partition_by=("day",), checks=CHECKS)
FILES = [(InputFile(f"file:///{name}", 1, datetime(2025, 1, 1, tzinfo=UTC)), "{}") for name in "abcd"]
RECORDS = [  # file, position, day, n, raw, reason
    (0, 0, "mon", 2, None, None),
    (0, 1, "mon", 13, None, None),
    (0, 2, None, None, None, None),
    (0, 3, "tue", 8, "tue,8", "n is too good"),
    (0, 4, "tue", 0, "tue,ö", failed_check_reason(SEEN)),
    (1, None, None, None, "no record", "cannot be read"),
    (3, 0, "wed", 1, None, None),
    (3, 9, None, None, '"', f"{UNCLOSED_QUOTE} of line 9"),
    (3, 9, None, None, '"', f"{UNEXPECTED}ValueError"),
]
SCHEMA = "_file int, _position bigint, day string, n int, _raw string, _reason string"


def test_each_file_is_counted_in_its_order(spark):
    records = spark.createDataFrame(RECORDS, SCHEMA)
    found = tally(records, FILES, TABLE, ("day",))
    values = [sorted((tuple(value) for value in each.partitions), key=repr) for each in found]
    assert values == [[("mon",), (None,)], [], [], [("wed",)]]
    assert [replace(each, partitions=()) for each in found] == [
        Tally(FILES[0][0], 0, "{}", rows_read=5, rows_rejected=2, failed=1, warned=[1, 1], rejected_bytes=11),
        Tally(FILES[1][0], 1, "{}", failure="cannot be read", warned=[0, 0]),
        Tally(FILES[2][0], 2, "{}"),  # without a record
        Tally(
            FILES[3][0],
            3,
            "{}",
            3,
            2,
            unclosed=f"{UNCLOSED_QUOTE} of line 9",
            unexpected=f"{UNEXPECTED}ValueError",
            warned=[0, 1],
            rejected_bytes=2,
        ),
    ]


def test_a_table_without_partitions_has_none_of_their_values(spark):
    records = spark.createDataFrame(RECORDS, SCHEMA)
    found = tally(records, FILES, replace(TABLE, partition_by=(), checks=()))
    assert [(each.rows_read, each.rows_rejected, [*each.partitions], [*each.warned]) for each in found] == [
        (5, 2, [], []),
        (0, 0, [], []),
        (0, 0, [], []),
        (3, 2, [], []),
    ]
