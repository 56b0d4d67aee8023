"""Sample requests: a server's log of them."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from sluice.generate.sample_file import Maker, Part, write_sample

if TYPE_CHECKING:
    from sluice.runtime.job import Job

FIRST_DAY, DAYS = datetime(2024, 10, 1), 31
_STATUSES = [200] * 80 + [201] * 5 + [301] * 2 + [400] * 5 + [404] * 5 + [500] * 3


def generate(job: Job, rows: int, output: str, seed: int, *, disorder: int) -> None:
    """Writes `rows` log lines to the file `output`, some up to `disorder` seconds late."""
    write_sample(job, Maker(partial(_lines, disorder)), rows, output, seed)


def _lines(disorder: int, part: Part) -> str:
    """Log lines of 50 customers and 4 paths over 31 days, each up to `disorder` seconds later than those around it."""
    uniform, lines = random.Random(part.seed).random, []
    for row in range(part.first, part.first + part.rows):
        second = row * DAYS * 86_400 // part.total - int(uniform() * disorder)
        lines.append(
            f"{FIRST_DAY + timedelta(seconds=max(second, 0))} cust_{1 + int(uniform() * 50)} "
            f"/api/v1/resource{1 + int(uniform() * 4)} {_STATUSES[int(uniform() * 100)]} {uniform() ** 3 * 2:.3f}\n"
        )
    return "".join(lines)
