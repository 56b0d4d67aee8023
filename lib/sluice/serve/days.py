"""The parameters `from` and `to` of endpoints whose rows are of days."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import Query

from sluice.serve.problems import unfit

From = Annotated[date | None, Query(alias="from", description="the first day, such as 2026-01-31 (UTC)")]
To = Annotated[date | None, Query(alias="to", description="the last day")]


def check_order(first: date | None, last: date | None) -> None:
    """Raises a Problem if the first day is after the last."""
    if first and last and first > last:
        raise unfit([("from", f"{first} is after {last}, which is `to`")])
