"""A log of requests."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from sluice.generate.sample_file import Maker, Part, write

if TYPE_CHECKING:
    from sluice.runtime.job import Job

FIRST_DAY, DAYS = datetime(2024, 10, 1), 31
_STATUSES = [200] * 80 + [201] * 5 + [301] * 2 + [400] * 5 + [404] * 5 + [500] * 3


def generate(job: Job, rows: int, output: str, seed: int, *, disorder: int) -> None:
    write(job, Maker(partial(_lines, disorder)), rows, output, seed)


def _lines(disorder: int, part: Part) -> str:
    """Log lines of 50 customers and 4 paths over 31 days, each up to `disorder` seconds later than those around it."""
    chance, lines = random.Random(part.seed), []
    some = chance.random
    for row in range(part.first, part.first + part.rows):
        second = row * DAYS * 86_400 // part.total - int(some() * disorder)
        lines.append(
            f"{FIRST_DAY + timedelta(seconds=max(second, 0))} cust_{1 + int(some() * 50)} "
            f"/api/v1/resource{1 + int(some() * 4)} {_STATUSES[int(some() * 100)]} {some() ** 3 * 2:.3f}\n"
        )
    return "".join(lines)
