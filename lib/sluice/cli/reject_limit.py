"""The type of `--max-rejects` at the command line."""

from __future__ import annotations

import re
from typing import Any

import click

from sluice.ingest.limit import RejectLimit


class RejectLimitType(click.ParamType):
    """`N`, a number of records, or `P%`, a share of a file's records."""

    name = "N|P%"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> RejectLimit:
        if isinstance(value, RejectLimit):
            return value
        text = str(value).strip()
        if re.fullmatch(r"\d+", text):
            return RejectLimit(float(text), percent=False)
        if re.fullmatch(r"\d+(\.\d+)?%", text) and float(text[:-1]) <= 100:
            return RejectLimit(float(text[:-1]), percent=True)
        self.fail(f"{value!r} is neither a number of records nor a share such as 1%", param, ctx)
