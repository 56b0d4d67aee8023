"""A log of requests."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from functools import partial

import click

from sluice.cli.command import Job
from sluice.generate.sample_file import Maker, Part, write

OPTIONS = {
    "disorder": click.option(
        "--disorder",
        type=click.IntRange(min=0),
        default=3600,
        show_default=True,
        help="Seconds by which lines of a log may be late.",
    ),
}
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
