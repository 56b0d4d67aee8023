"""`make bench`: cases, each by several tools in turn, compared. `make bench ARGS=--help` shows the options."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click
from benchmarks import rounds, table
from benchmarks.cases import CASES, TOOLS
from benchmarks.measuring import usable_cores
from benchmarks.starting import BENCH
from sluice.export import embedded


class _Names(click.ParamType):
    """Names, comma-separated, of those known."""

    name = "NAME,…"

    def __init__(self, known: Sequence[str]) -> None:
        self._known = known

    def convert(self, value: str | Sequence[str], parameter: object, context: object) -> Sequence[str]:
        names = value.split(",") if isinstance(value, str) else value
        for name in names:
            if name not in self._known:
                self.fail(f"{name!r} is none of {', '.join(self._known)}")
        return [name for name in self._known if name in names]


@click.command()
@click.option("--cases", type=_Names([*CASES]), default=[*CASES], help=f"Measure these of {', '.join(CASES)}.")
@click.option("--tools", type=_Names(TOOLS), default=TOOLS, help=f"Measure these of {', '.join(TOOLS)}.")
@click.option("--times", type=click.IntRange(min=1), default=3, show_default=True, help="Run each so often, in turn.")
@click.option("--scale", type=float, default=1.0, show_default=True, help="Multiply the rows of all inputs by this.")
def main(cases: Sequence[str], tools: Sequence[str], times: int, scale: float) -> None:
    """Measures Sluice beside other tools, each step of each in a cold process.

    A case of full scale with all its tools replaces its section of tests/benchmarks/RESULTS.md. The exit code is 1 if
    a tool fails or makes other rows than the first one.
    """
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # what it has started ends with it
    if (cores := max(CASES[name].cores for name in cases)) > len(usable_cores()):
        raise click.UsageError(f"these cases need {cores} cores, and this machine gives {len(usable_cores())}")
    good = True
    shutil.rmtree(BENCH / "logs", ignore_errors=True)
    _forget_all_but(set())
    with _postgres() as url:
        for place, name in enumerate(cases):
            case = CASES[name]
            runs = rounds.run(case, [tool for tool in case.steps if tool in tools], times, scale, url)
            text = table.section(case, runs, table.how_measured(times, case.cores, scale))
            click.echo(text)
            failed = any(run.problem for of_tool in runs.values() for run in of_tool)
            good = good and not failed
            if scale == 1 and not failed and runs.keys() == case.steps.keys():
                table.keep({name: text})
            _forget_all_but({CASES[later].on for later in cases[place + 1 :]})
    sys.exit(not good)


@contextmanager
def _postgres() -> Iterator[str]:
    url, _ = embedded.start(BENCH / "postgres")
    try:
        yield url
    finally:
        embedded.stop(BENCH / "postgres")


def _forget_all_but(kept: set[str | None]) -> None:
    """Removes the tables of cases that no later case goes on with."""
    for folder in (BENCH / "work").glob("*"):
        if folder.name not in kept:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
