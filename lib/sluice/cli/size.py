"""The type of sizes at the command line."""

from __future__ import annotations

import re
from typing import Any

import click

_UNITS = {unit: 1 << bits for unit, bits in zip(("", "K", "M", "G", "T"), range(0, 50, 10), strict=True)}
_SIZE = re.compile(r"([0-9]{1,15}) ?([KMGT]?)(?:i?B)?", re.IGNORECASE)


class SizeType(click.ParamType):
    """A number of bytes, or of `K`, `M`, `G` or `T`, which are powers of 1024 as in Spark's own settings: `100G`."""

    name = "SIZE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        match = _SIZE.fullmatch(str(value).strip())
        if match is None or not int(match[1]):
            self.fail(f"{value!r} is not a size such as 512M or 100G", param, ctx)
        return int(match[1]) * _UNITS[match[2].upper()]
