"""Scores of ids."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from sluice.generate.sample_file import Maker, Part, write

if TYPE_CHECKING:
    from sluice.runtime.job import Job

_IDS, _STEP = 90_000_000, 61_803_401  # a step without a common divisor comes to every id once


def generate(job: Job, rows: int, output: str, seed: int) -> None:
    write(job, Maker(_lines, rows_per_part=200_000), rows, output, seed)


def _lines(part: Part) -> str:
    """Lines of an id of 8 digits and its value; of 100 ids one has come before, of 10 values one is no integer."""
    chance, lines = random.Random(part.seed), []
    some = chance.random
    for row in range(part.first, part.first + part.rows):
        known = int(some() * row) if some() < 0.01 else row
        value, kind = int(some() * 1_000_000), some()
        text = value if kind < 0.85 else -value if kind < 0.9 else f"{value / 1000 - 100:.3f}"
        lines.append(f"{10_000_000 + known * _STEP % _IDS}_{text}\n")
    return "".join(lines)
