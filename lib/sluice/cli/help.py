"""What `--help` of a job shows: its options under headings, then examples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

Decorator = Callable[[Callable], Callable]

OWN = "Options"
INPUT = "Input"
POSTGRESQL = "PostgreSQL"
THIS_RUN = "This run"
ALL_JOBS = "All jobs"


def option_group(heading: str, *options: Decorator) -> Decorator:
    """A decorator that adds options to a command; `--help` shows them under the heading."""

    def decorate(function: Any) -> Any:
        for option in reversed(options):
            function = option(function)
            function.__click_params__[-1].heading = heading
        return function

    return decorate


def together(*groups: Decorator) -> Decorator:
    """A decorator that adds the options of all groups, in their order."""

    def decorate(function: Callable) -> Callable:
        for group in reversed(groups):
            function = group(function)
        return function

    return decorate


def write_options(ctx: click.Context, formatter: click.HelpFormatter) -> None:
    """Writes a section for each heading: first a job's own options, last those of all jobs, `--help` among them."""
    sections: dict[str, list[tuple[str, str]]] = {OWN: []}
    options = [parameter for parameter in ctx.command.get_params(ctx) if isinstance(parameter, click.Option)]
    for option in options:
        heading = ALL_JOBS if option is ctx.command.get_help_option(ctx) else getattr(option, "heading", OWN)
        if record := option.get_help_record(ctx):
            sections.setdefault(heading, []).append(record)
    for heading, records in sections.items():
        if records:
            with formatter.section(heading):
                formatter.write_dl(records)
    formatter.write_paragraph()
    formatter.write_text(
        "Options of several jobs can also be set by environment variables (--lake by SLUICE_LAKE) and in "
        "conf/sluice.toml (lake)."
    )


def write_examples(examples: Sequence[str], formatter: click.HelpFormatter) -> None:
    """Writes commands as they are typed, each on one line however long it is."""
    if examples:
        with formatter.section("Examples" if len(examples) > 1 else "Example"):
            for example in examples:
                formatter.write(f"{'':{formatter.current_indent}}./spark-submit.sh {example}\n")
