"""Writing a file of sample records, in parts by Spark: the same seed and number of rows always give the same bytes."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from sluice.files.output_file import output_file

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from sluice.runtime.job import Job


@dataclass(frozen=True)
class Part:
    """A part of a file: `rows` of its `total` rows, from the row numbered `first` on, made by a `seed` of its own."""

    seed: int
    first: int
    rows: int
    total: int


@dataclass(frozen=True)
class Maker:
    """How a file is made: `make` gives the lines of a part of at most `rows_per_part` rows; `header` comes first."""

    make: Callable[[Part], str]
    header: str = ""
    rows_per_part: int = 10_000


def write_sample(job: Job, maker: Maker, rows: int, output: str, seed: int) -> None:
    """Writes `rows` records to the file `output`, which they replace once all are written."""
    target = Path(output).expanduser().absolute()
    folder = target.with_name(f".{target.name}.{job.settings.run_id}")
    try:
        spark = job.spark
        job.require_shared(output)
        with job.step("generate"):
            _write_parts(spark, maker, rows, seed, str(folder))
        with job.step("join"):
            _join(maker.header, folder, target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    job.progress.log(f"{target}: {rows:,} records, {target.stat().st_size / 1e6:,.0f} MB")


def _write_parts(spark: SparkSession, maker: Maker, total: int, seed: int, folder: str) -> None:
    size = maker.rows_per_part
    count = max(-(-total // size), 1)

    def write(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch.column(0).to_pylist():
                first = number * size
                part = Part(seed * 1_000_003 + number, first, min(size, total - first), total)
                yield pa.record_batch([pa.array([maker.make(part).removesuffix("\n")])], names=["value"])

    spark.range(0, count, 1, count).mapInArrow(write, "value string").write.text(f"file://{folder}")


def _join(header: str, folder: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with output_file(target) as joined:
        joined.write(header.encode())
        for path in sorted(folder.glob("part-*")):
            with open(path, "rb") as part:
                shutil.copyfileobj(part, joined, 1 << 20)
