"""A table whose rows are few comes from this process, and a larger one from Spark, with the same rows and types."""

from __future__ import annotations

import pytest
from deltalake import DeltaTable
from sluice.lake import lake as spark_tables
from sluice.lake.lake import Lake
from sluice.lake.rows import finds_marks
from sluice.lake.writer import Writer

ROWS = """
SELECT * FROM VALUES
  ('ä"\\n', 9223372036854775807L, -0.0D, CAST('-12345678901234567890123456789.000000001' AS decimal(38,9)),
   DATE'0001-01-01', TIMESTAMP'9999-12-31 23:59:59.999999Z', true, 1S),
  ('', -1L, double('NaN'), CAST(0 AS decimal(38,9)), DATE'9999-12-31', TIMESTAMP'0001-01-01 00:00:00Z', false, -1S),
  ('gone', 0L, 0D, CAST(0 AS decimal(38,9)), DATE'1582-10-10', TIMESTAMP'1970-01-01 00:00:00Z', false, 0S),
  (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
AS rows(text, `whole.number`, half, exact, day, moment, yes, small)
"""

AS_TEXT = [
    f"CAST(`{name}` AS string)" for name in ["text", "whole.number", "half", "exact", "day", "moment", "yes", "small"]
]


@pytest.fixture
def stored(spark, tmp_path):
    """A lake in a folder with odd letters. Its table has four rows; one of them is then marked as deleted."""
    lake = Lake(spark, str(tmp_path / "a lake, ö"), "test", Writer("run", 60, print))
    rows = spark.sql(ROWS).coalesce(1)
    rows.write.format("delta").option("delta.enableDeletionVectors", "true").save(lake.path("t"))
    spark.sql(f"DELETE FROM delta.`{lake.path('t')}` WHERE text = 'gone'")
    return lake


def test_both_ways_give_the_same_rows_and_types(stored):
    small, large = stored.read_small("t", 1), stored.read("t", 1)
    assert not small.inputFiles()
    assert small.dtypes == large.dtypes
    found, expected = (sorted(map(str, rows.selectExpr(*AS_TEXT).collect())) for rows in (small, large))
    assert found == expected
    assert len(found) == 3
    assert stored.read_small("t", 0).count() == 4


def test_rows_that_take_much_memory_stay_in_spark(stored, monkeypatch):
    monkeypatch.setattr(spark_tables, "FEW_BYTES", 10)
    assert len(stored.read_small("t", 0).inputFiles()) == 1


def test_marks_in_an_odd_folder_on_s3_are_for_spark(stored, spark):
    marked, odd = DeltaTable(stored.path("t")), ("s3a://b/lä", "s3a://b/a b", "s3://b/50%", "s3://b/a#b")
    assert [finds_marks(lake, marked) for lake in odd] == [False] * 4
    assert finds_marks("s3a://sluice/lake_1.x/y+=&", marked)
    assert finds_marks(stored.root, marked)
    spark.range(1).write.format("delta").save(stored.path("unmarked"))
    assert finds_marks("s3a://b/lä", DeltaTable(stored.path("unmarked")))
