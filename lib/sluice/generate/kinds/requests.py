"""Sample requests: a server's log of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from sluice.generate.sample_file import Maker, Part, text, write_sample

if TYPE_CHECKING:
    from sluice.runtime.job import Job

FIRST_DAY, DAYS = np.datetime64("2024-10-01T00:00:00"), 31
_CUSTOMERS = pa.array([f" cust_{number}" for number in range(1, 51)])
_PATHS = pa.array([f" /api/v1/resource{number} " for number in range(1, 5)])
_STATUSES = pa.array(["200"] * 80 + ["201"] * 5 + ["301"] * 2 + ["400"] * 5 + ["404"] * 5 + ["500"] * 3)
_DURATIONS = pa.array([f" {milliseconds / 1000:.3f}\n" for milliseconds in range(2001)])


def generate(job: Job, rows: int, output: str, seed: int, *, disorder: int) -> None:
    """Writes `rows` log lines to the file `output`, some up to `disorder` seconds late."""
    write_sample(job, Maker(partial(_lines, disorder)), rows, output, seed)


def _lines(disorder: int, part: Part) -> pa.Buffer:
    """Log lines of 50 customers and 4 paths over 31 days, each up to `disorder` seconds later than those around it."""
    dice = part.dice()
    second = np.arange(part.first, part.first + part.rows) * (DAYS * 86_400) // part.total
    second -= (dice.random(part.rows) * disorder).astype(np.int64)
    return text(
        pa.array(FIRST_DAY + np.maximum(second, 0)).cast(pa.string()),
        *(
            values.take(pa.array(dice.integers(len(values), size=part.rows)))
            for values in (_CUSTOMERS, _PATHS, _STATUSES)
        ),
        _DURATIONS.take(pa.array(np.rint(dice.random(part.rows) ** 3 * 2000).astype(np.int64))),
    )
