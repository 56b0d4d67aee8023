"""A shop's catalogue, made by Faker."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from sluice.generate.sample_file import Maker, Part, write

if TYPE_CHECKING:
    from sluice.runtime.job import Job


def generate(job: Job, rows: int, output: str, seed: int) -> None:
    write(job, Maker(_records, "name,sku,description\n"), rows, output, seed)


def _records(part: Part) -> str:
    """CSV records of name, sku and description; descriptions hold newlines, some skus and names come again."""
    from faker import Faker

    fake = Faker("en_US")
    fake.seed_instance(part.seed)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows((fake.name(), fake.slug(), fake.text()) for _ in range(part.rows))
    return text.getvalue()
