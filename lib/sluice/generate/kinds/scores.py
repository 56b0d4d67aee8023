"""Sample scores: lines of an id and a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from sluice.generate.sample_file import Maker, Part, text, write_sample

if TYPE_CHECKING:
    from sluice.runtime.job import Job

_IDS, _STEP = 90_000_000, 61_803_401  # they have no common divisor, so that steps come to every id once
_SIGNS = pa.array(["_", "_-"])
_FRACTIONS = pa.array(["\n", *(f".{thousandths:03}\n" for thousandths in range(1000))])


def generate(job: Job, rows: int, output: str, seed: int) -> None:
    """Writes `rows` scores to the file `output`."""
    write_sample(job, Maker(_lines), rows, output, seed)


def _lines(part: Part) -> pa.Buffer:
    """Lines of an id of 8 digits and its value. One id in 100 came before; one value in 10 is not an integer."""
    dice, row = part.dice(), np.arange(part.first, part.first + part.rows)
    came_before = dice.random(part.rows) < 0.01
    row[came_before] = dice.random(part.rows)[came_before] * row[came_before]
    ids = pa.array(10_000_000 + row * _STEP % _IDS).cast(pa.string())
    value, kind = dice.integers(1_000_000, size=part.rows), dice.random(part.rows)
    is_integer = kind < 0.9
    thousandths = np.where(is_integer, value * np.where(kind < 0.85, 1000, -1000), value - 100_000)
    whole, fraction = np.divmod(np.abs(thousandths), 1000)
    return text(
        ids,
        _SIGNS.take(pa.array((thousandths < 0).astype(np.int8))),
        pa.array(whole).cast(pa.string()),
        _FRACTIONS.take(pa.array(np.where(is_integer, 0, fraction + 1))),
    )
