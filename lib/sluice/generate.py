"""Realistic sample data, made by Faker on Spark; the same seed and number of rows give the same bytes anywhere."""

from __future__ import annotations

import csv
import io
import os
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from sluice.cli import Job
from sluice.errors import UsageError

ROWS_PER_PART = 10_000


@dataclass(frozen=True)
class Part:
    """Some of the rows: `rows` from the row `first` of `total` on; `disorder` in seconds."""

    seed: int
    first: int
    rows: int
    total: int
    disorder: int


def products(part: Part) -> str:
    """CSV records of name, sku and description; descriptions hold newlines, some skus and names come again."""
    from faker import Faker

    fake = Faker("en_US")
    fake.seed_instance(part.seed)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows((fake.name(), fake.slug(), fake.text()) for _ in range(part.rows))
    return text.getvalue()


FIRST_DAY, DAYS = datetime(2024, 10, 1), 31
_STATUSES = [200] * 80 + [201] * 5 + [301] * 2 + [400] * 5 + [404] * 5 + [500] * 3


def requests(part: Part) -> str:
    """Log lines of 50 customers and 4 paths over 31 days, each up to `disorder` seconds later than those around it."""
    chance, lines = random.Random(part.seed), []
    some = chance.random
    for row in range(part.first, part.first + part.rows):
        second = row * DAYS * 86_400 // part.total - int(some() * part.disorder)
        lines.append(
            f"{FIRST_DAY + timedelta(seconds=max(second, 0))} cust_{1 + int(some() * 50)} "
            f"/api/v1/resource{1 + int(some() * 4)} {_STATUSES[int(some() * 100)]} {some() ** 3 * 2:.3f}\n"
        )
    return "".join(lines)


MAKERS: dict[str, tuple[str, Callable[[Part], str]]] = {
    "products": ("name,sku,description\n", products),
    "requests": ("", requests),
}


def run(job: Job, table: str, rows: int, output: str, seed: int, disorder: int) -> None:
    """Writes `rows` records to the file `output`, replacing it once all are made."""
    if table not in MAKERS:
        raise UsageError(f"no sample data for table {table!r}: choose from {', '.join([*MAKERS, 'processes'])}")
    header, make = MAKERS[table]
    target = Path(output).expanduser().absolute()
    parts = target.with_name(f".{target.name}.{job.settings.run_id}")
    job.report.table = table
    try:
        spark = job.spark
        with job.step("generate"):
            _write_parts(spark, make, Part(seed, 0, 0, rows, disorder), str(parts))
        with job.step("join"):
            _join(header, parts, target)
    finally:
        shutil.rmtree(parts, ignore_errors=True)
    job.report.status = "succeeded"
    job.progress.tell(f"{target}: {rows:,} records, {target.stat().st_size / 1e6:,.0f} MB")


def _write_parts(spark: Any, make: Callable[[Part], str], whole: Part, folder: str) -> None:
    count = max(-(-whole.total // ROWS_PER_PART), 1)

    def write(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for part in batch.column(0).to_pylist():
                first = part * ROWS_PER_PART
                rows = min(ROWS_PER_PART, whole.total - first)
                text = make(replace(whole, seed=whole.seed * 1_000_003 + part, first=first, rows=rows))
                yield pa.record_batch([pa.array([text.removesuffix("\n")])], names=["value"])

    spark.range(0, count, 1, count).mapInArrow(write, "value string").write.text(f"file://{folder}")


def _join(header: str, parts: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    whole = parts / "whole"
    with open(whole, "wb") as joined:
        joined.write(header.encode())
        for part in sorted(parts.glob("part-*")):
            with open(part, "rb") as file:
                shutil.copyfileobj(file, joined, 1 << 20)
    os.replace(whole, target)
