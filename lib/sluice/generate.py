"""Realistic sample data, made by Faker on Spark; the same seed and number of rows give the same bytes anywhere."""

from __future__ import annotations

import csv
import io
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from sluice.cli import Job
from sluice.errors import UsageError

ROWS_PER_PART = 10_000


def products(seed: int, rows: int) -> str:
    """CSV records of name, sku and description; descriptions hold newlines, some skus and names come again."""
    from faker import Faker

    fake = Faker("en_US")
    fake.seed_instance(seed)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows((fake.name(), fake.slug(), fake.text()) for _ in range(rows))
    return text.getvalue()


MAKERS: dict[str, tuple[str, Callable[[int, int], str]]] = {"products": ("name,sku,description", products)}


def run(job: Job, table: str, rows: int, output: str, seed: int) -> None:
    """Writes `rows` records to the file `output`, replacing it once all are made."""
    if table not in MAKERS:
        raise UsageError(f"no sample data for table {table!r}: choose from {', '.join(MAKERS)}")
    header, make = MAKERS[table]
    target = Path(output).expanduser().absolute()
    parts = target.with_name(f".{target.name}.{job.settings.run_id}")
    job.report.table = table
    try:
        spark = job.spark
        with job.step("generate"):
            _write_parts(spark, make, seed, rows, str(parts))
        with job.step("join"):
            _join(header, parts, target)
    finally:
        shutil.rmtree(parts, ignore_errors=True)
    job.report.status = "succeeded"
    job.progress.tell(f"{target}: {rows:,} records, {target.stat().st_size / 1e6:,.0f} MB")


def _write_parts(spark: Any, make: Callable[[int, int], str], seed: int, rows: int, folder: str) -> None:
    count = max(-(-rows // ROWS_PER_PART), 1)

    def write(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for part in batch.column(0).to_pylist():
                text = make(seed * 1_000_003 + part, min(ROWS_PER_PART, rows - part * ROWS_PER_PART))
                yield pa.record_batch([pa.array([text.removesuffix("\n")])], names=["value"])

    spark.range(0, count, 1, count).mapInArrow(write, "value string").write.text(f"file://{folder}")


def _join(header: str, parts: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    whole = parts / "whole"
    with open(whole, "wb") as joined:
        joined.write(header.encode() + b"\n")
        for part in sorted(parts.glob("part-*")):
            with open(part, "rb") as file:
                shutil.copyfileobj(file, joined, 1 << 20)
    os.replace(whole, target)
