"""The input files: made once by `generate`, then kept; changes are drawn from them."""

from __future__ import annotations

import csv
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

from benchmarks.cases import Input

PROJECT = Path(__file__).parents[2]
_HEADER = ["name", "sku", "description"]


def input_file(folder: Path, wanted: Input | None, scale: float, number: int) -> Path | None:
    """The file of an input at a scale; of changes, those with the number."""
    if wanted is None:
        return None
    rows = max(int(wanted.rows * scale), 1)
    sample = folder / f"{wanted.kind}-{rows}.txt"
    if not sample.exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = ["./spark-submit.sh", "generate", wanted.kind, "--rows", str(rows), "--output", str(sample)]
        subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)
    if not wanted.changed:
        return sample
    changes = folder / f"{wanted.kind}-{rows}-change-{wanted.changed}-{number}.txt"
    if not changes.exists():
        drawn = random.Random(number)
        write = {"products": _write_products, "scores": _write_scores}[wanted.kind]
        write(sample, changes, sorted(drawn.sample(range(rows), min(wanted.changed, rows))), drawn)
    return changes


def _write_products(sample: Path, changes: Path, chosen: list[int], drawn: random.Random) -> None:
    """Records with another's name; one of ten has a new sku."""
    with open(sample, newline="") as file:
        records = list(_of(chosen, iter(csv.DictReader(file))))
    names = [record["name"] for record in records]
    drawn.shuffle(names)
    with open(changes, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_HEADER)
        for number, (record, name) in enumerate(zip(records, names, strict=True)):
            sku = record["sku"] if number % 10 else f"{record['sku']}-{drawn.randrange(10**9)}"
            writer.writerow([name, sku, record["description"]])


def _write_scores(sample: Path, changes: Path, chosen: list[int], drawn: random.Random) -> None:
    with open(sample) as file, open(changes, "w") as out:
        for line in _of(chosen, file):
            out.write(f"{line.split('_')[0]}_{drawn.randrange(1_000_000)}\n")


def _of(chosen: list[int], records: Iterator) -> Iterator:
    """The records at the chosen places, in order."""
    wanted = set(chosen)
    return (record for place, record in enumerate(records) if place in wanted)
