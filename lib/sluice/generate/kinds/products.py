"""Sample products: a shop's catalogue in CSV, made by Faker."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from sluice.generate.sample_file import Maker, Part, write_sample

if TYPE_CHECKING:
    from sluice.runtime.job import Job


def generate(job: Job, rows: int, output: str, seed: int) -> None:
    """Writes `rows` products to the file `output`."""
    write_sample(job, Maker(_records, "name,sku,description\n"), rows, output, seed)


def _records(part: Part) -> str:
    """CSV records of name, sku and description. Descriptions hold newlines; some skus and names come more than once."""
    from faker import Faker

    fake = Faker("en_US")
    fake.seed_instance(part.seed)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows((fake.name(), fake.slug(), fake.text()) for _ in range(part.rows))
    return text.getvalue()
