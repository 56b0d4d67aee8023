"""Makes the reference when the site is built: jobs from Click, tables from the catalog, reports from their class."""

from __future__ import annotations

import re
import runpy
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from importlib import import_module
from inspect import cleandoc
from pathlib import Path
from types import ModuleType
from typing import Any

import click
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from sluice import errors
from sluice.catalog.catalog import BUILT_IN
from sluice.catalog.describe import column_row
from sluice.cli.help import ALL_JOBS, OWN, THIS_RUN
from sluice.ledger import deletes, ingested_files, rejects, runs
from sluice.model.aggregate import Aggregate, Ranking
from sluice.model.table import OWN_COLUMNS, Table
from sluice.runtime.report import NOT_SHOWN, Report

_JOBS = Path(__file__).parents[2] / "jobs"
_SHARED = (THIS_RUN, ALL_JOBS)  # headings whose options are the same wherever they are: shown once


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for name, text in {"jobs": jobs(), "tables": tables(), "reports": reports()}.items():
        files.append(File.generated(config, f"reference/{name}.md", content=text))
    return files


def mains() -> dict[str, click.Command]:
    """The jobs by their names."""
    return {path.stem: runpy.run_path(str(path))["main"] for path in sorted(_JOBS.glob("*.py"))}


def jobs() -> str:
    parts = ["# Jobs and options", "What `./spark-submit.sh JOB --help` shows, of all jobs."]
    commands: dict[str, click.Command] = {}
    for name, main in mains().items():
        parts += [f"## {name}", _text(main)]
        if not isinstance(main, click.Group):
            parts += _command(name, main)
            commands[name] = main
            continue
        for inner, command in main.commands.items():
            parts += [f"### {name} {inner}", _text(command), *_command(f"{name} {inner}", command)]
            commands[f"{name} {inner}"] = command
    return "\n\n".join([*parts, *_shared_options(commands.values())]) + "\n"


def _command(name: str, command: click.Command) -> Iterator[str]:
    """How it is called, its examples and its own options."""
    usage = " ".join(command.collect_usage_pieces(click.Context(command)))
    examples = "\n".join(f"./spark-submit.sh {example}" for example in command.examples)
    yield f"```text\n./spark-submit.sh {name} {usage}\n```"
    yield f"For example:\n\n```text\n{examples}\n```"
    groups = _groups(command)
    for heading, options in groups.items():
        if heading not in _SHARED:
            yield f"**{heading}**\n\n{_options(options)}"
    links = " and ".join(f"[{heading.lower()}](#{_anchor(heading)})" for heading in _SHARED if heading in groups)
    yield f"Options of {links} are below."


def _shared_options(commands: Iterable[click.Command]) -> Iterator[str]:
    groups: dict[str, dict[str, click.Option]] = {heading: {} for heading in _SHARED}
    for command in commands:
        for heading in groups:
            groups[heading] |= {option.opts[0]: option for option in _groups(command).get(heading, ())}
    for heading, options in groups.items():
        yield f"## Options of {heading.lower()}\n\n{_options([*options.values()])}"


def _anchor(heading: str) -> str:
    return f"options of {heading.lower()}".replace(" ", "-")


def _groups(command: click.Command) -> dict[str, list[click.Option]]:
    """The options by their headings."""
    groups: dict[str, list[click.Option]] = {}
    for option in command.params:
        if isinstance(option, click.Option):
            groups.setdefault(getattr(option, "heading", OWN), []).append(option)
    return groups


def _options(options: Sequence[click.Option]) -> str:
    rows = []
    for option in options:
        shown = option.get_help_extra(click.Context(click.Command(""), show_default=True))
        names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
        value = "" if option.is_flag else f" `{option.make_metavar(click.Context(click.Command('')))}`"
        rows.append((names + value, option.help, shown.get("default", ""), _code(option.envvar)))
    return _table(("option", "meaning", "default", "environment variable"), rows)


def tables() -> str:
    parts = ["# Tables", "The built-in tables with their aggregates, then the tables that Sluice keeps for itself."]
    for table in BUILT_IN.values():
        parts += [f"## {table.name}", _documented(import_module(f"sluice.tables.{table.name}")), *_built_in(table)]
    for module in (runs, ingested_files, rejects):
        rows = [(_code(column.name), str(column.type)) for column in module.SCHEMA]
        parts += [f"## {module.NAME}", _documented(module), _table(("column", "type"), rows)]
    parts += [f"## {deletes.NAME}", _documented(deletes)]
    return "\n\n".join(parts) + "\n"


def _built_in(table: Table) -> Iterator[str]:
    named = {"key": table.key, "partitioned by": table.partition_by, "replaced as a whole": table.replaces}
    yield "\n".join(f"* {what}: {_codes(columns)}" for what, columns in named.items() if columns)
    rows = [column_row(table, column) for column in table.columns]
    yield _table(("column", "type", "made of"), [(_code(r["column"]), r["type"], _code(r["made_of"])) for r in rows])
    yield f"Rows also have {_codes(OWN_COLUMNS)}."
    for aggregate in table.aggregates:
        yield f"### {aggregate.name}"
        yield from _aggregate(aggregate) if isinstance(aggregate, Aggregate) else _ranking(aggregate)


def _aggregate(aggregate: Aggregate) -> Iterator[str]:
    yield f"One row for each {_codes(aggregate.by)}."
    made_of = {name: aggregate.inputs.get(name, name) for name in aggregate.by}
    made_of |= {**aggregate.measures, **aggregate.derived}
    yield _table(("column", "made of"), [(_code(name), _code(text)) for name, text in made_of.items()])
    measured = {name: sql for name, sql in aggregate.inputs.items() if name not in aggregate.by}
    if measured:
        yield "What is measured, but no column of the table:"
        yield _table(("name", "SQL"), [(_code(name), _code(sql)) for name, sql in measured.items()])


def _ranking(ranking: Ranking) -> Iterator[str]:
    yield f"The first {ranking.size:,} rows by {_codes(ranking.order)} (`-`: descending)."
    yield f"Columns: {_codes((*ranking.key, *ranking.columns))}."


def reports() -> str:
    """The fields of the reports, each with the jobs in whose reports it always is; then the exit codes."""
    has = {job: Report(job, "").document().keys() for job in mains()}
    rows = []
    for item in fields(Report):
        if item.name not in NOT_SHOWN:
            of = [job for job in has if item.name in has[job]]
            where = "all" if len(of) == len(has) else ", ".join(of) or "where there is something to show"
            rows.append((_code(item.name), _code(item.type), where))
    kinds = sorted(errors.SluiceError.__subclasses__(), key=lambda kind: kind.exit_code)
    codes = [(str(kind.exit_code), _code(kind.__name__), kind.__doc__) for kind in kinds]
    return "\n\n".join(
        (
            "# Reports",
            "What the fields mean is in [running jobs](../running.md#the-report).",
            _table(("field", "type", "in reports of"), rows),
            "## Errors",
            "[What to do](../operations.md) at each exit code. In Python, `sluice.errors` has these classes.",
            _table(("exit code", "class", "meaning"), codes),
        )
    )


def _documented(module: ModuleType) -> str:
    """What a module says first of its table, below its name."""
    text = (module.__doc__ or "").partition(": ")[2].partition("\n\nEverything")[0]
    return text[:1].upper() + text[1:].strip()


def _text(command: click.Command) -> str:
    return cleandoc(command.help or "")


def _code(text: Any) -> str:
    """Text as code, with control characters written as escapes."""
    written = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in str(text or ""))
    quote = "``" if "`" in written else "`"
    return f"{quote}{written}{quote}" if written else ""


def _codes(texts: Iterable[str]) -> str:
    return ", ".join(map(_code, texts))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *(map(_cell, row) for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(text: str) -> str:
    """Text of Markdown as a cell of a table: `|` outside of code would end it."""
    return re.sub(r"(`+).*?\1|\|", lambda found: found[0] if found[1] else "\\|", text)
