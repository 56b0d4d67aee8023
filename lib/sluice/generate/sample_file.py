"""A file of sample records, made in parts on Spark; the same seed and number of rows give the same bytes anywhere."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from sluice.runtime.job import Job


@dataclass(frozen=True)
class Part:
    """Some of the rows: `rows` from the row `first` of `total` on."""

    seed: int
    first: int
    rows: int
    total: int


@dataclass(frozen=True)
class Maker:
    """How records are made, `rows_per_part` at a time."""

    make: Callable[[Part], str]
    header: str = ""
    rows_per_part: int = 10_000


def write(job: Job, maker: Maker, rows: int, output: str, seed: int) -> None:
    """Writes `rows` records to the file `output`, replacing it once all are made."""
    target = Path(output).expanduser().absolute()
    parts = target.with_name(f".{target.name}.{job.settings.run_id}")
    try:
        spark = job.spark
        with job.step("generate"):
            _write_parts(spark, maker, Part(seed, 0, 0, rows), str(parts))
        with job.step("join"):
            _join(maker.header, parts, target)
    finally:
        shutil.rmtree(parts, ignore_errors=True)
    job.progress.log(f"{target}: {rows:,} records, {target.stat().st_size / 1e6:,.0f} MB")


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
