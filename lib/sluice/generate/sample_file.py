"""Writing a file of sample records, in parts: the same seed and number of rows always give the same bytes."""

from __future__ import annotations

import errno
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sluice.errors import SluiceError, UsageError
from sluice.files.output_file import output_file

if TYPE_CHECKING:
    from sluice.runtime.job import Job

_ROWS = 50_000  # of a part
_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class Part:
    """A part of a file: `rows` of its `total` rows, from the row numbered `first` on, made by a `seed` of its own."""

    seed: int
    first: int
    rows: int
    total: int

    def dice(self) -> np.random.Generator:
        """What values of this part are drawn by, from its seed on."""
        return np.random.Generator(np.random.PCG64(self.seed))


@dataclass(frozen=True)
class Maker:
    """How a file is made: `make` gives the text of a part; `header` comes first."""

    make: Callable[[Part], pa.Buffer]
    header: str = ""


def write_sample(job: Job, maker: Maker, rows: int, output: str, seed: int) -> None:
    """Writes `rows` records to the file `output`, which they replace once all are written."""
    target = Path(output).expanduser().absolute()
    with job.step("generate"), sample_file(target) as file:
        file.write(maker.header.encode())
        _write_parts(file, maker, rows, seed)
    job.progress.log(f"{target}: {rows:,} records, {target.stat().st_size / 1e6:,.0f} MB")


@contextmanager
def sample_file(target: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of `target` once it is written. Raises SluiceError where it cannot be."""
    try:
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not target.parent.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
        with output_file(target) as file:
            yield file
    except OSError as error:
        what = f"{target}: cannot be written ({error.strerror})"
        if error.errno in _FULL:
            raise SluiceError(f"{what}: free space there, or write elsewhere by --output") from None
        raise UsageError(f"{what}: write elsewhere by --output") from None


def _write_parts(file: BinaryIO, maker: Maker, total: int, seed: int) -> None:
    """Writes all parts in order. Threads, one a core, make them; they are a few parts ahead of what is written."""
    threads = os.cpu_count() or 1
    ahead: deque[Future[pa.Buffer]] = deque()
    pool = ThreadPoolExecutor(threads)
    try:
        for number, first in enumerate(range(0, total, _ROWS)):
            part = Part(seed * 1_000_003 + number, first, min(_ROWS, total - first), total)
            ahead.append(pool.submit(maker.make, part))
            if len(ahead) > 2 * threads:
                file.write(ahead.popleft().result())
        while ahead:
            file.write(ahead.popleft().result())
    finally:
        pool.shutdown(cancel_futures=True)


def text(*columns: Any) -> pa.Buffer:
    """The text of lines which hold the columns' values, one after another. A column is an array of strings or one."""
    return pc.binary_join_element_wise(*columns, "").buffers()[2]
