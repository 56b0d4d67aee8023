"""Bookkeeping tables stay small by themselves, and lose nothing by it."""

from __future__ import annotations

import multiprocessing
import os
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from conftest import PROJECT
from deltalake import DeltaTable, write_deltalake
from sluice.files.input_file import InputFile
from sluice.lake import compaction, log, small_tables
from sluice.lake.lake import Lake
from sluice.lake.writer import Writer
from sluice.ledger import ingested_files, rejects, runs
from sluice.ledger.ingested_files import Tally
from sluice.ledger.runs import Run
from sluice.model.table import Column, Table
from sluice.runtime.report import Report

NOW = datetime(2025, 1, 1, tzinfo=UTC)
TABLES = ("runs", "ingested_files")


def rounds(lake, prefix, count):
    """What so many runs of ingest, each of one new file, do to the ledger; gives the seconds each took."""
    state = log.state(lake, "products")
    seconds = []
    for number in range(count):
        began = time.monotonic()
        file = InputFile(f"file:///in/{prefix}-{number:05}.csv", 100, NOW)
        report = Report("ingest", f"{prefix}-{number:05}")
        assert ingested_files.not_ingested(lake, "products", [file], ["{}"]) == [file]
        run, writer = Run(report, f"products-{prefix}", {"files": [file.uri]}, NOW), Writer(report.run_id, 60, print)
        attempt = runs.start(lake, run, writer)
        ingested_files.record_files(lake, "products", state, [Tally(file, 0, "{}", 1)], writer)
        report.status = "succeeded"
        runs.finish(lake, run, attempt, writer)
        assert ingested_files.not_ingested(lake, "products", [file], ["{}"]) == []
        seconds.append(time.monotonic() - began)
    return seconds


@pytest.fixture
def ledger_lake(tmp_path):
    write_deltalake(tmp_path / "products", pa.table({"sku": ["a"]}))
    return str(tmp_path)


def file_count(lake, table):
    return len(DeltaTable(os.path.join(lake, table)).file_uris())


def assert_complete(lake, prefixes, count):
    names = sorted(f"{prefix}-{number:05}" for prefix in prefixes for number in range(count))
    rows = small_tables.read(lake, "runs").select(["run_id", "status", "attempt"]).to_pylist()
    assert sorted(run["run_id"] for run in rows) == names
    assert {(run["status"], run["attempt"]) for run in rows} == {("succeeded", 1)}
    files = small_tables.read(lake, "ingested_files").column("file").to_pylist()
    assert sorted(files) == [f"file:///in/{name}.csv" for name in names]


@pytest.mark.slow
def test_files_stay_few_and_no_row_is_lost(ledger_lake):
    rounds(ledger_lake, "r", 2 * compaction.MANY + 5)
    assert all(file_count(ledger_lake, table) <= compaction.MANY for table in TABLES)
    assert_complete(ledger_lake, ["r"], 2 * compaction.MANY + 5)


@pytest.mark.slow
def test_files_stay_few_while_four_processes_write(ledger_lake):
    context, count = multiprocessing.get_context("spawn"), compaction.MANY // 2
    writers = [context.Process(target=rounds, args=(ledger_lake, name, count)) for name in "abcd"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 4
    assert all(file_count(ledger_lake, table) <= compaction.MANY for table in TABLES)
    assert_complete(ledger_lake, "abcd", count)


@pytest.mark.slow
def test_processes_that_end_right_after_a_look_up_end_well(ledger_lake):
    rounds(ledger_lake, "r", compaction.MANY // 2)
    look_up = "from sluice.lake import small_tables\n"
    look_up += f"for _ in range(3): small_tables.read({ledger_lake!r}, 'runs')"
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "lib")}
    for _ in range(6):
        readers = [subprocess.Popen([sys.executable, "-c", look_up], env=environment) for _ in range(4)]
        assert [reader.wait() for reader in readers] == [0] * 4


@pytest.mark.slow
def test_files_replaced_are_deleted_after_a_day_and_checkpoints_are_frequent(ledger_lake):
    rounds(ledger_lake, "r", compaction.MANY + 1)
    folder = os.path.join(ledger_lake, "ingested_files")
    left = {name for name in os.listdir(folder) if name.endswith(".parquet")}
    assert len(left) > compaction.MANY  # a reader of an older version still finds its files
    lost = os.path.join(folder, "part-of-a-killed-run.parquet")
    for path in (lost, os.path.join(folder, "part-young.parquet")):
        open(path, "wb").close()
    day_ago = time.time() - compaction.KEEP_HOURS * 3600 - 60
    os.utime(lost, (day_ago, day_ago))
    rounds(ledger_lake, "s", compaction.MANY + 1)
    after = {name for name in os.listdir(folder) if name.endswith(".parquet")}
    assert left < after
    assert "part-young.parquet" in after
    assert not os.path.exists(lost)
    checkpoints = [name for name in os.listdir(os.path.join(folder, "_delta_log")) if "checkpoint.parquet" in name]
    assert len(checkpoints) >= compaction.MANY // 10


PRODUCTS = Table("products", (Column("sku"),), ("sku",), reader=None, reading=None)
RECORDS = "_file int, _position bigint, _raw string, _reason string"


def enabled(table):
    return {name for name, value in DeltaTable(table).metadata().configuration.items() if value == "true"}


@pytest.mark.parametrize("with_feed", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_rejects_are_compacted_and_none_is_lost(lake, spark, rows, with_feed):
    lake_ = Lake(spark, str(lake), "ingest", Writer("run", 60, print))

    def keep(name, *raws):
        """Keeps the rejects of a file, in place of its earlier ones."""
        records = spark.createDataFrame([(0, n, raw, "a reason") for n, raw in enumerate(raws)], RECORDS)
        tally = Tally(InputFile(f"file:///{name}", 100, NOW), 0, "{}", len(raws), rows_rejected=len(raws))
        rejects.keep(lake_, PRODUCTS, records, [tally], NOW, {})

    def add_many():
        many = spark.range(compaction.MANY + 10).selectExpr("id", "concat('file:///', id) AS file")
        columns = ["'r' run_id", "'other' `table`", "file", "0L position", "'r' raw", "'w' reason", "now() rejected_at"]
        many = many.repartition(99, "id").selectExpr(*columns)
        lake_.overwrite("rejects", many, "`table` = 'other'")
        assert file_count(str(lake), "rejects") > compaction.MANY

    others = [("other", "r")] * (compaction.MANY + 10)
    keep("0.csv", ",0,")
    assert "delta.enableChangeDataFeed" not in enabled(lake / "rejects")
    if with_feed:  # as lakes made before have one
        spark.sql(f"ALTER TABLE delta.`{lake}/rejects` SET TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true')")
    add_many()
    keep("1.csv", ",1,", ",2,")
    assert file_count(str(lake), "rejects") == 1
    kept = [("products", ",0,"), ("products", ",1,"), ("products", ",2,")]
    assert rows("rejects", "table", "raw") == sorted(others + kept)
    keep("1.csv")  # it was mended
    assert rows("rejects", "table", "raw") == sorted(others + kept[:1])
    assert ("delta.enableChangeDataFeed" in enabled(lake / "rejects")) == with_feed


@pytest.mark.slow
def test_the_thousandth_run_is_as_quick_as_those_of_the_first_compactions(ledger_lake):
    seconds = rounds(ledger_lake, "r", 1000)
    begin = statistics.median(seconds[: 2 * compaction.MANY])
    assert statistics.median(seconds[-2 * compaction.MANY :]) < 2 * begin
    assert_complete(ledger_lake, ["r"], 1000)


def test_a_look_up_among_many_files_is_quick(ledger_lake):
    state = log.state(ledger_lake, "products")
    files = [InputFile(f"file:///in/{number:07}.csv", number, NOW) for number in range(100_000)]
    tallies = [Tally(file, number, "{}", 1) for number, file in enumerate(files)]
    ingested_files.record_files(ledger_lake, "products", state, tallies, Writer("r", 60, print))
    changed, seconds = replace(files[6], size=1), []
    for _ in range(5):
        began = time.monotonic()
        assert ingested_files.not_ingested(ledger_lake, "products", [files[5], changed], ["{}"]) == [changed]
        seconds.append(time.monotonic() - began)
    assert min(seconds) < 0.3  # 0.05 s; making Python values of all 100,000 takes half a second or more
