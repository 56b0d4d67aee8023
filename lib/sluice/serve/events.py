"""What happens to uploads while their job runs, kept for those who follow it (server-sent events)."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_KEPT = 2000  # uploads
_AT_MOST = 1000  # events of one


@dataclass(frozen=True)
class Event:
    """`id` names its place among those of an upload, for a client that connects again."""

    id: str
    name: str
    data: Mapping[str, Any]

    def __str__(self) -> str:
        return f"id: {self.id}\nevent: {self.name}\ndata: {json.dumps(self.data)}\n\n"


class Events:
    """The events of the last uploads, as long as this server lives."""

    def __init__(self) -> None:
        self._of: OrderedDict[str, list[Event]] = OrderedDict()
        self._life = uuid.uuid4().hex[:8]  # ids of another server's life mean nothing here
        self._news = asyncio.Condition()

    def has(self, run_id: str) -> bool:
        """Whether there are events of an upload."""
        return run_id in self._of

    async def publish(self, run_ids: Iterable[str], name: str, data: Mapping[str, Any]) -> None:
        """Adds an event to each of the uploads."""
        for run_id in run_ids:
            events = self._of.setdefault(run_id, [])
            if len(events) < _AT_MOST or name in ("state", "end"):
                events.append(Event(f"{self._life}-{len(events)}", name, data))
        while len(self._of) > _KEPT:
            self._of.popitem(last=False)
        async with self._news:
            self._news.notify_all()

    async def follow(self, run_id: str, last_id: str, patience: float) -> AsyncIterator[Event | None]:
        """The events of an upload after the one with an id, without end; None whenever so many seconds bring none."""
        place = self.after(last_id)
        while True:
            events = self._of.get(run_id, [])
            for event in events[place:]:
                yield event
            place = max(place, len(events))
            if not await self._more(run_id, place, patience):
                yield None

    async def _more(self, run_id: str, place: int, seconds: float) -> bool:
        """Waits for an event at a place; whether one has come in time."""
        try:
            async with asyncio.timeout(seconds), self._news:
                await self._news.wait_for(lambda: len(self._of.get(run_id, ())) > place)
        except TimeoutError:
            return False
        return True

    def after(self, last_id: str) -> int:
        """The place after the event with an id; 0 if the id is not of this server's life."""
        life, _, number = last_id.partition("-")
        return int(number) + 1 if life == self._life and number.isdecimal() else 0
