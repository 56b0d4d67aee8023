"""A job's start: from its arguments to a Click command that runs, or to a report that says what is wrong with them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NoReturn

import click

from sluice.cli.listeners import listeners
from sluice.cli.options import KEYS
from sluice.errors import SluiceError, UsageError
from sluice.runtime import settings, wrapper
from sluice.runtime.exit import Listener, end, tell
from sluice.runtime.given import given
from sluice.runtime.report import Report


class StartUp:
    """A job before Click has read its arguments. `log_style` is known by then: wrong usage is logged in it too."""

    def __init__(self, job: str, arguments: Sequence[str]) -> None:
        self.job = job
        self.arguments = list(arguments)
        self.log_style = settings.log_style(job, self.arguments, {})
        self._set: dict[str, Any] = {}  # by `sluice.toml`, once it is read

    def run(self, command: click.Command, main: Callable[..., Any], **extra: Any) -> NoReturn:
        """Runs the command by its `main`; a job ends itself there, so what is left are help and wrong usage."""
        failure: SluiceError | None = None
        try:
            _refuse_lost_letters(self.arguments)
            extra["default_map"] = self._defaults(command)
            main(self.arguments, f"./spark-submit.sh {self.job}", standalone_mode=False, **extra)
        except click.UsageError as error:
            failure = self._wrong_usage(error)
        except SluiceError as error:
            failure = error
        if failure is None:
            sys.exit(0)
        report = Report(self.job, self.log_style.run_id)
        tell(self._listeners(), report, failure, self.log_style)
        end(report, failure, self.log_style)

    def _listeners(self) -> Sequence[Listener]:
        """Those that have the report of wrong usage too, by the options as far as they can be read."""
        lake = tables = ""
        with suppress(SluiceError):  # it may be what is wrong
            lake = settings.lake(given(self.arguments, "--lake"))
            tables = settings.declarations(settings.before_click("tables", self.arguments, self._set))
        return listeners(settings.before_click("metrics_file", self.arguments, self._set), lake, tables)

    def _defaults(self, command: click.Command) -> dict[str, Any]:
        """What `conf/sluice.toml` sets, for Click. From here on the log style follows it too."""
        self._set = settings.defaults(KEYS)
        values = {"run_id": self.log_style.run_id} | self._set
        self.log_style = settings.log_style(self.job, self.arguments, values)
        wrapper.introduce(self.log_style)
        return dict.fromkeys(command.commands, values) if isinstance(command, click.Group) else values

    def _wrong_usage(self, error: click.UsageError) -> UsageError:
        path = error.ctx.command_path if error.ctx else f"./spark-submit.sh {self.job}"
        likely = getattr(error, "possibilities", None)  # closest first, for an option or a command that is unknown
        message = f"{error.message} Did you mean {likely[0]!r}?" if likely else error.format_message()
        return UsageError(f"{message} (see {path} --help)")


def _refuse_lost_letters(arguments: Sequence[str]) -> None:
    """Raises UsageError where spark-submit, called without the wrapper, may have changed arguments.

    In a locale without letters beyond ASCII, as cron's, its launcher turns each byte of them into `?`: a glob.
    """
    by_spark_submit = "PYSPARK_GATEWAY_PORT" in os.environ and "SLUICE_WRAPPER" not in os.environ
    if by_spark_submit and sys.flags.utf8_mode and any("?" in argument for argument in arguments):
        raise UsageError("arguments may have lost letters in this locale: set LC_ALL=C.UTF-8, or use ./spark-submit.sh")
