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


_IDS, _STEP = 90_000_000, 61_803_401  # a step without a common divisor comes to every id once


def scores(part: Part) -> str:
    """Lines of an id of 8 digits and its value; of 100 ids one has come before, of 10 values one is no integer."""
    chance, lines = random.Random(part.seed), []
    some = chance.random
    for row in range(part.first, part.first + part.rows):
        known = int(some() * row) if some() < 0.01 else row
        value, kind = int(some() * 1_000_000), some()
        text = value if kind < 0.85 else -value if kind < 0.9 else f"{value / 1000 - 100:.3f}"
        lines.append(f"{10_000_000 + known * _STEP % _IDS}_{text}\n")
    return "".join(lines)


@dataclass(frozen=True)
class Maker:
    """How records of a table are made, `rows_per_part` at a time."""

    make: Callable[[Part], str]
    header: str = ""
    rows_per_part: int = 10_000


MAKERS = {
    "products": Maker(products, "name,sku,description\n"),
    "requests": Maker(requests),
    "scores": Maker(scores, rows_per_part=200_000),
}


def run(job: Job, table: str, rows: int, output: str, seed: int, disorder: int) -> None:
    """Writes `rows` records to the file `output`, replacing it once all are made."""
    if table not in MAKERS:
        raise UsageError(f"no sample data for table {table!r}: choose from {', '.join([*MAKERS, 'processes'])}")
    maker = MAKERS[table]
    target = Path(output).expanduser().absolute()
    parts = target.with_name(f".{target.name}.{job.settings.run_id}")
    job.report.table = table
    try:
        spark = job.spark
        with job.step("generate"):
            _write_parts(spark, maker, Part(seed, 0, 0, rows, disorder), str(parts))
        with job.step("join"):
            _join(maker.header, parts, target)
    finally:
        shutil.rmtree(parts, ignore_errors=True)
    job.report.status = "succeeded"
    job.progress.tell(f"{target}: {rows:,} records, {target.stat().st_size / 1e6:,.0f} MB")


def _write_parts(spark: Any, maker: Maker, whole: Part, folder: str) -> None:
    size = maker.rows_per_part
    count = max(-(-whole.total // size), 1)

    def write(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for part in batch.column(0).to_pylist():
                first = part * size
                rows = min(size, whole.total - first)
                text = maker.make(replace(whole, seed=whole.seed * 1_000_003 + part, first=first, rows=rows))
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
