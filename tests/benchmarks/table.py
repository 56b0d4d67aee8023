"""The results as text: a table for each case, and RESULTS.md, which keeps the newest of each."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from statistics import median

from benchmarks.cases import CASES, Case
from benchmarks.inputs import PROJECT

RESULTS = Path(__file__).parent / "RESULTS.md"
_BESIDE = "sluice"
_INTRODUCTION = """# Benchmarks

`make bench` writes this file; CONTRIBUTING.md says how. Compare only the figures of one table.

* seconds: the sum of a tool's steps, each a cold process. to Sluice: how many times as long as Sluice's.
* peak memory: the most that all processes of a step have at one moment; pages that they share count once.
* written: new and changed files in the tool's folder.
* rows: of the result, which was the same for all tools in each round.

PostgreSQL, one for all, is not part of memory and bytes. `warm` is Sluice with `--keep-warm`: the process that stays is
started in the first round, and not part of the memory after it.
"""


@dataclass(frozen=True)
class Run:
    """A tool's run of a case. `rows`: of the result, None where there is none. `problem`: why it does not count."""

    seconds: float = 0
    peak_bytes: int = 0
    written_bytes: int = 0
    rows: int | None = None
    problem: str | None = None


def section(case: Case, runs: Mapping[str, Sequence[Run]], how: str) -> str:
    """A case's heading, how it was measured, and a row for each tool."""
    of_sluice = _seconds(runs.get(_BESIDE, ()))
    lines = [
        f"## {case.name}",
        "",
        f"{case.title[0].upper()}{case.title[1:]}. {how}",
        "",
        "| tool | seconds | to Sluice | peak memory | written | rows |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [_row(tool, of_tool, of_sluice) for tool, of_tool in runs.items()]
    return "\n".join(lines) + "\n"


def _row(tool: str, runs: Sequence[Run], of_sluice: float | None) -> str:
    problem, seconds = next((run.problem for run in runs if run.problem), None), _seconds(runs)
    if problem or seconds is None:
        return f"| {tool} | {problem} |"
    spread = f" ({min(run.seconds for run in runs):.1f} to {max(run.seconds for run in runs):.1f})" if runs[1:] else ""
    ratio = f"{seconds / of_sluice:.2f}" if of_sluice else ""
    memory, written = (
        median(each) for each in zip(*((run.peak_bytes, run.written_bytes) for run in runs), strict=True)
    )
    rows = f"{runs[-1].rows:,}" if runs[-1].rows is not None else ""
    return f"| {tool} | {seconds:.1f}{spread} | {ratio} | {_megabytes(memory)} | {_megabytes(written)} | {rows} |"


def _seconds(runs: Sequence[Run]) -> float | None:
    """The median; None without a run, or if one failed."""
    return None if not runs or any(run.problem for run in runs) else median(run.seconds for run in runs)


def _megabytes(count: float) -> str:
    return f"{count / 1_000_000:,.1f} MB"


def how_measured(times: int, cores: int, scale: float) -> str:
    """When, by which versions and on what machine."""
    pins = dict(re.findall(r"^(dlt|duckdb|polars|deltalake)==(\S+)$", _requirements(), re.MULTILINE))
    pins |= {name: version(name) for name in ("pyspark", "delta-spark")}
    versions = ", ".join(f"{name} {number}" for name, number in sorted(pins.items()))
    medians = "One run" if times == 1 else f"Medians of {times} (least to most)"
    medians += f" at {scale:g} of the rows" if scale != 1 else ""
    return f"{medians}, {datetime.now(UTC):%Y-%m-%d}, commit {_commit()}, {cores} of {_machine()}; {versions}."


def _requirements() -> str:
    return (Path(__file__).parent / "requirements.txt").read_text()


@cache
def _commit() -> str:
    """The commit at the start: what is kept of the first case is a change already."""
    command = ["git", "describe", "--always", "--dirty"]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True).stdout.strip() or "unknown"


def _machine() -> str:
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {model[1] if model else os.uname().machine}, {memory:.0f} GiB"


def keep(sections: Mapping[str, str], path: Path = RESULTS) -> None:
    """Puts sections in the place of those of the same cases; the others stay."""
    _, *kept = re.split(r"^(?=## )", path.read_text() if path.exists() else "", flags=re.MULTILINE)
    by_name = {text.split()[1]: text.rstrip() + "\n" for text in kept} | sections
    path.write_text("\n".join([_INTRODUCTION, *(by_name[name] for name in CASES if name in by_name)]))
