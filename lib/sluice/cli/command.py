"""What all jobs share at the command line: options, the report on standard output, errors and exit codes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click

from sluice.errors import SluiceError, UsageError
from sluice.runtime import settings, wrapper
from sluice.runtime.exit import end
from sluice.runtime.log_lines import LogStyle
from sluice.runtime.report import Report


def _answered(
    name: str,
    main: Callable[..., Any],
    args: Any,
    extra: dict[str, Any],
    defaults: Callable[[dict[str, Any]], dict[str, Any]] = dict,
) -> NoReturn:
    """Runs a Click command so that wrong usage too ends in a report."""
    wrapper.attach()
    given = sys.argv[1:] if args is None else list(args)
    lines = settings.lines(given, {})
    try:
        values = settings.defaults()
        lines = LogStyle(settings.lines(given, values).log_format, lines.run_id)
        wrapper.introduce(lines.log_format, lines.run_id)
        extra["default_map"] = defaults({**values, "run_id": lines.run_id})
        extra.update(standalone_mode=False)
        main(args=given, prog_name=f"./spark-submit.sh {name}", **extra)
    except click.UsageError as error:
        hint = f" (see ./spark-submit.sh {name} --help)"
        end(Report(name, lines.run_id), UsageError(f"{error.format_message()}{hint}"), lines)
    except SluiceError as error:
        end(Report(name, lines.run_id), error, lines)
    sys.exit(0)


class JobCommand(click.Command):
    """A command whose outcome is always one JSON document on standard output and one of the exit codes."""

    def main(self, args: Any = None, prog_name: str | None = None, **extra: Any) -> NoReturn:  # type: ignore[override]
        _answered(_job_name(self, prog_name), super().main, args, extra)


class JobGroup(click.Group):
    """A job of several commands, like `JobCommand`; without one it is the command `default`, if there is such."""

    def __init__(self, *arguments: Any, default: str = "", **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._default = default

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if self._default and not (args and (args[0] == "--help" or not args[0].startswith("-"))):
            args = [self._default, *args]
        return super().parse_args(ctx, args)

    def main(self, args: Any = None, prog_name: str | None = None, **extra: Any) -> NoReturn:  # type: ignore[override]
        _answered(
            _job_name(self, prog_name), super().main, args, extra, lambda values: dict.fromkeys(self.commands, values)
        )


def _job_name(command: click.Command, prog_name: str | None) -> str:
    return Path(command.callback.__code__.co_filename if command.callback else prog_name or sys.argv[0]).stem
