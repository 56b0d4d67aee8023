"""Sizes and times as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def size(value: int | None) -> str:
    """`820 B`, `1.2 MB`: powers of 1000."""
    if value is None:
        return ""
    amount, unit = float(value), 0
    while amount >= 999.5 and unit < 5:
        amount, unit = amount / 1000, unit + 1
    return f"{amount:.3g} {('B', 'kB', 'MB', 'GB', 'TB', 'PB')[unit]}" if unit else f"{value} B"


def duration(seconds: float) -> str:
    """`40 s`, `12 min`, `3.5 h`, `12 days`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    if seconds < 72 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.0f} days"


def lag(values: dict[str, Any] | None) -> str:
    """`current`, `2 versions, 3.5 h`, or why it cannot be counted."""
    if values is None:
        return ""
    if values["versions"] is None:
        return str(values["why"])
    if values["versions"] == 0:
        return "current"
    versions = f"{values['versions']:,} version{'s' if values['versions'] > 1 else ''}"
    return versions if values["hours"] is None else f"{versions}, {duration(values['hours'] * 3600)}"


def last_run(run: dict[str, Any] | None) -> str:
    """`ingest succeeded 3.5 h ago`, `ingest running for 40 s`."""
    return "" if run is None else f"{run['job']} {run['status'].replace('_', ' ')} {since(run)}"


def since(run: Mapping[str, Any]) -> str:
    """`3.5 h ago`, `for 40 s`."""
    time = duration(run["hours_ago"] * 3600)
    return f"for {time}" if run["status"] == "running" else f"{time} ago"


def moment(time: datetime | None) -> str:
    """`2024-10-15 13:55:36 UTC`."""
    return "" if time is None else f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def short_number(value: int) -> str:
    """`820`, `1.2 k`, `34 M`."""
    amount, unit = float(value), 0
    while amount >= 999.5 and unit < 4:
        amount, unit = amount / 1000, unit + 1
    return f"{amount:.3g} {('', 'k', 'M', 'G', 'T')[unit]}".rstrip()
