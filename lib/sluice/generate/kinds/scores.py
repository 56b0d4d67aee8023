"""Sample scores: lines of an id and a value."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from sluice.generate.sample_file import Maker, Part, write_sample

if TYPE_CHECKING:
    from sluice.runtime.job import Job

_IDS, _STEP = 90_000_000, 61_803_401  # they have no common divisor, so that steps come to every id once


def generate(job: Job, rows: int, output: str, seed: int) -> None:
    """Writes `rows` scores to the file `output`."""
    write_sample(job, Maker(_lines, rows_per_part=200_000), rows, output, seed)


def _lines(part: Part) -> str:
    """Lines of an id of 8 digits and its value. One id in 100 came before; one value in 10 is not an integer."""
    uniform, lines = random.Random(part.seed).random, []
    for row in range(part.first, part.first + part.rows):
        id_number = int(uniform() * row) if uniform() < 0.01 else row
        value, kind = int(uniform() * 1_000_000), uniform()
        text = value if kind < 0.85 else -value if kind < 0.9 else f"{value / 1000 - 100:.3f}"
        lines.append(f"{10_000_000 + id_number * _STEP % _IDS}_{text}\n")
    return "".join(lines)
