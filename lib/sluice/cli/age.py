"""The type of ages at the command line."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import click

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_AGE = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?) ?([mhd])")


class AgeType(click.ParamType):
    """A number of minutes, hours or days: `90m`, `26h`, `2d`."""

    name = "AGE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        match = _AGE.fullmatch(str(value).strip())
        if match is None or not float(match[1]):
            self.fail(f"{value!r} is not an age such as 90m, 26h or 2d", param, ctx)
        return timedelta(**{_UNITS[match[2]]: float(match[1])})
