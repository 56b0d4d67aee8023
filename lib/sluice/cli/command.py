"""Click classes of the jobs: however a job is called, its outcome is a report and one of the exit codes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from sluice.cli.help import write_examples, write_options
from sluice.cli.start_up import StartUp


class JobCommand(click.Command):
    """A job, or one command of a job. `examples` are its arguments, as `--help` shows them: `ingest products a.csv`."""

    def __init__(self, *arguments: Any, examples: Sequence[str] = (), **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.context_settings.update(show_default=True, max_content_width=100)
        self.examples = examples

    def main(self, args: Any = None, prog_name: str | None = None, **extra: Any) -> NoReturn:  # type: ignore[override]
        _start_up(self, args).run(self, super().main, **extra)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_options(ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_examples(self.examples, formatter)


class JobGroup(click.Group):
    """A job of several commands. Without one it runs the command `default`, if it has one."""

    command_class = JobCommand

    def __init__(self, *arguments: Any, default: str = "", **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.no_args_is_help = False
        self.default = default

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        asks_for_help = args[:1] == ["--help"]
        names_a_command = bool(args) and not args[0].startswith("-")
        if self.default and not asks_for_help and not names_a_command and (args or not ctx.resilient_parsing):
            args = [self.default, *args]
        elif not args and not ctx.resilient_parsing:
            ctx.fail(f"Missing command: choose one of {', '.join(sorted(self.commands))}.")
        return super().parse_args(ctx, args)

    def main(self, args: Any = None, prog_name: str | None = None, **extra: Any) -> NoReturn:  # type: ignore[override]
        _start_up(self, args).run(self, super().main, **extra)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        commands = [command for command in self.commands.values() if isinstance(command, JobCommand)]
        write_examples([example for command in commands for example in command.examples[:1]], formatter)


def _start_up(command: click.Command, args: Sequence[str] | None) -> StartUp:
    assert command.callback is not None
    name = Path(command.callback.__code__.co_filename).stem  # a job is named as its file
    return StartUp(name, sys.argv[1:] if args is None else args)
