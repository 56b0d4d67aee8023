"""What is late: tables that no run brought up to date in time, aggregates and exports that are behind for too long."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sluice.errors import SluiceError
from sluice.status import words
from sluice.status.lag import hours_between


def refuse_late(rows: Sequence[dict[str, Any]], named: Sequence[str], most: timedelta, now: datetime) -> None:
    """Raises SluiceError, which names all that is late, if anything is.

    `rows` as `Tables.rows` gives them. What is not in the lake is late if it was `named`; without names, if nothing is.
    """
    late = [line for row in rows for line in _late(row, named, most, now)]
    if not named and all(row["version"] is None for row in rows):
        late.append("no table is in the lake")
    if late:
        raise SluiceError(f"older than {words.duration(most.total_seconds())}: {'; '.join(late)}")


def _late(row: dict[str, Any], named: Sequence[str], most: timedelta, now: datetime) -> Iterator[str]:
    name, hours = row["table"], most.total_seconds() / 3600
    if row["version"] is None:
        if row["error"]:
            yield f"{name} ({row['error']})"
        elif name in named:
            yield f"{name} (not in the lake)"
        return
    if row["aggregate_of"] is None:
        updated = row["updated_at"]
        if updated is None or now - updated > most:
            yield f"{name} ({_since(updated, now)})"
    elif _is_late(row["lag"], hours):
        yield f"{name} (behind {row['aggregate_of']}: {words.lag(row['lag'])})"
    for export in row["exports"]:
        if _is_late(export["lag"], hours):
            yield f"{name} in PostgreSQL, schema {export['schema']} (behind {name}: {words.lag(export['lag'])})"


def _since(updated: datetime | None, now: datetime) -> str:
    if updated is None:
        return "never brought up to date"
    ago = words.duration(hours_between(updated, now) * 3600)
    return f"brought up to date {ago} ago, {words.moment(updated)}"


def _is_late(lag: dict[str, Any] | None, hours: float) -> bool:
    """Whether it is behind for longer; also where nobody knows for how long."""
    return lag is not None and lag["versions"] != 0 and (lag["hours"] is None or lag["hours"] > hours)
