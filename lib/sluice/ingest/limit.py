"""How many records of a file may be rejected."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import click


@dataclass(frozen=True)
class Limit:
    """How many records of a file may be rejected: a number or a share in percent."""

    number: float
    percent: bool

    @property
    def everything(self) -> bool:
        return self.percent and self.number >= 100

    def exceeded(self, rejected: int, read: int) -> bool:
        return rejected > (read * self.number / 100 if self.percent else self.number)

    def __str__(self) -> str:
        return f"{self.number:g}%" if self.percent else f"{self.number:g}"


class LimitType(click.ParamType):
    """`N` or `P%`."""

    name = "N|P%"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Limit:
        if isinstance(value, Limit):
            return value
        match = re.fullmatch(r"(\d+(?:\.\d+)?)(%?)", str(value).strip())
        if not match or (match[2] and float(match[1]) > 100) or (not match[2] and "." in match[1]):
            self.fail(f"{value!r} is neither a number of records nor a share such as 1%", param, ctx)
        return Limit(float(match[1]), bool(match[2]))
