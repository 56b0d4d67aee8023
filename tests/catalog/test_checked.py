"""A declaration is checked in Spark once, as long as it stays as it is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sluice.catalog import checked
from sluice.catalog.checked import checked_key_partitions
from sluice.errors import UsageError
from sluice.model.table import Check, Column, Table

TABLE = Table(
    "t",
    (Column("id", "bigint"), Column("day", "date", sql="date(timestamp_seconds(id))")),
    ("id",),
    None,
    None,
    partition_by=("day",),
    input_columns=("id",),
    checks=(Check("positive", "id > 0"),),
    origin="t.toml",
)


@pytest.fixture
def checks(monkeypatch, tmp_path):
    """The tables that Spark has checked."""
    done, check = [], checked.check_in_spark
    monkeypatch.setattr(checked, "check_in_spark", lambda spark, table: done.append(table) or check(spark, table))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return done


def test_a_declaration_is_checked_again_once_it_changes(spark, checks, tmp_path, monkeypatch):
    assert [checked_key_partitions(spark, TABLE) for _ in range(2)] == [("day",), ("day",)]
    assert checks == [TABLE]
    changed = [
        replace(TABLE, columns=(*TABLE.columns, Column("n", "int"))),
        replace(TABLE, checks=(Check("positive", "id > 1"),)),
        replace(TABLE, partition_by=()),
        replace(TABLE, delete_when="id = 3"),
        replace(TABLE, input_columns=("id", "n")),
    ]
    assert [checked_key_partitions(spark, table) for table in changed * 2] == [
        ("day",),
        ("day",),
        (),
        *[("day",)] * 2,
    ] * 2
    assert checks == [TABLE, *changed]
    wrong = replace(TABLE, checks=(Check("wrong", "id +"),))
    for _ in range(2):
        with pytest.raises(UsageError, match=r"checks\.wrong"):
            checked_key_partitions(spark, wrong)
    monkeypatch.setattr(checked.pyspark, "__version__", "9")
    checked_key_partitions(spark, TABLE)
    assert checks[-1] == TABLE


def test_a_cache_that_is_damaged_or_cannot_be_written_only_costs_time(spark, checks, tmp_path):
    checked_key_partitions(spark, TABLE)
    (file,) = (tmp_path / "cache" / "sluice" / "checked").iterdir()
    file.write_text("[")
    assert checked_key_partitions(spark, TABLE) == ("day",)
    file.unlink()
    file.mkdir()
    assert checked_key_partitions(spark, TABLE) == ("day",)
    assert len(checks) == 3
