"""Sample products: a shop's catalogue in CSV, of Faker's names and words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from sluice.generate.faker_lists import Names, Words
from sluice.generate.sample_file import Maker, Part, text, write_sample

if TYPE_CHECKING:
    from sluice.runtime.job import Job

_BEFORE, _BEHIND = pa.array([",", ',"']), pa.array(["\n", '"\n'])  # of a description in one line, in several


def generate(job: Job, rows: int, output: str, seed: int) -> None:
    """Writes `rows` products to the file `output`. Raises UsageError if Faker is not installed."""
    names, words = Names(), Words()

    def records(part: Part) -> pa.Buffer:
        """CSV records of name, sku and description. Descriptions hold newlines; some skus and names come repeatedly."""
        dice = part.dice()
        name, sku = names.drawn(dice, part.rows), words.slugs(dice, part.rows)
        description, has_lines = words.texts(dice, part.rows)
        quoted = pa.array(has_lines.astype(np.int8))
        return text(name, ",", sku, _BEFORE.take(quoted), description, _BEHIND.take(quoted))

    write_sample(job, Maker(records, "name,sku,description\n"), rows, output, seed)
