"""The rounds of a case: in each, every tool does its steps in turn, and what they make is compared."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
from benchmarks import results
from benchmarks.cases import CASES, Case
from benchmarks.inputs import input_file
from benchmarks.measuring import Measured, measure
from benchmarks.starting import BENCH, Place, command
from benchmarks.table import Run


class _Failed(Exception):
    """A step ended with an error."""


def run(case: Case, tools: Sequence[str], times: int, scale: float, url: str) -> dict[str, list[Run]]:
    """The runs of each tool."""
    runs: dict[str, list[Run]] = {tool: [] for tool in tools}
    for number in range(1, times + 1):
        file, made = input_file(BENCH / "data", case.input, scale, number), {}
        for tool in tools:
            print(f"{case.name}, round {number} of {times}: {tool}", file=sys.stderr)
            place = Place.of(tool, case, url)
            try:
                _begin(case, tool, place, scale)
                done, made[tool] = _run(case, tool, place, file)
            except _Failed as failed:
                done = Run(problem=str(failed))
            runs[tool].append(done)
        compare(runs, made)
    return runs


def _begin(case: Case, tool: str, place: Place, scale: float) -> None:
    """Makes the tool's folder and schema anew; a case that goes on with another one keeps that one's."""
    if case.on and place.folder.exists():
        return
    shutil.rmtree(place.folder, ignore_errors=True)
    place.folder.mkdir(parents=True)
    results.execute(place.url, f"DROP SCHEMA IF EXISTS {place.schema} CASCADE; CREATE SCHEMA {place.schema}")
    if case.on:
        first = CASES[case.on]
        _run(first, tool, place, input_file(BENCH / "data", first.input, scale, 1))


def _run(case: Case, tool: str, place: Place, file: Path | None) -> tuple[Run, pa.Table | None]:
    """A run, and what it made. Raises _Failed."""
    before = _files(place.folder)
    steps = [_step(case, tool, step, place, file) for step in case.steps[tool]]
    written = sum(size for _, (size, _) in _files(place.folder).items() - before.items())
    made = _made(case, tool, place)
    rows = None if made is None else made.num_rows
    return Run(sum(step.seconds for step in steps), max(step.peak_bytes for step in steps), written, rows), made


def _step(case: Case, tool: str, step: str, place: Place, file: Path | None) -> Measured:
    answer, log = _output(case, tool)
    log.parent.mkdir(exist_ok=True)
    measured = measure(command(tool, step, case, file), place.environment(tool), answer, log)
    if measured.exit_code:
        line = next((line for line in reversed(log.read_text().splitlines()) if line.strip()), "")
        raise _Failed(f"exit {measured.exit_code} of `{step}`: {line} (see {log})")
    return measured


def _output(case: Case, tool: str) -> tuple[Path, Path]:
    """The files of a tool's standard output and standard error."""
    return BENCH / "logs" / f"{case.name}.{tool}.out", BENCH / "logs" / f"{case.name}.{tool}.err"


def _made(case: Case, tool: str, place: Place) -> pa.Table | None:
    if case.result is None:
        return None
    answer, _ = _output(case, tool)
    if tool == "duckdb" and case.result.where == "folder":  # nothing else reads its file
        _step(case, tool, f"show {case.result.name}", place, None)
    return results.read(case.result, place.folder, answer, place.schema, place.url)


def _files(folder: Path) -> dict[Path, tuple[int, int]]:
    """The files below a folder: size and time of change."""
    stats = {path: path.stat() for path in folder.rglob("*") if path.is_file()}
    return {path: (stat.st_size, stat.st_mtime_ns) for path, stat in stats.items()}


def compare(runs: dict[str, list[Run]], made: dict[str, pa.Table | None]) -> None:
    """Gives the last runs of tools that did not make what the first did a problem."""
    first = next(iter(made), None)
    for tool, rows in made.items():
        if first and rows is not None and (other := results.difference(made[first], rows)):
            runs[tool][-1] = Run(problem=f"not what {first} made: {other}")
