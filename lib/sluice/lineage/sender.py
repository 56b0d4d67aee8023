"""Events on their way to a server, in a thread: however it answers, a run waits for it a few seconds at most."""

from __future__ import annotations

import logging
import os
import queue
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import RunEvent
from openlineage.client.transport import Transport

from sluice.runtime.job import ENDING

SECONDS = 5.0  # which the end of a run waits at most
_WHY = {  # by the names of the client's errors, whose texts may show a password
    "RetryError": "it answered with errors, again and again",
    "ConnectionError": "it could not be reached, or did not answer",
    "ConnectTimeout": "it could not be reached",
    "ReadTimeout": "it did not answer",
    "SSLError": "its certificate is not accepted",
}


class Sender:
    """Sends events in their order; after one that was not taken, no more."""

    def __init__(self, client: OpenLineageClient) -> None:
        self._client = client
        self._events: queue.SimpleQueue[RunEvent | None] = queue.SimpleQueue()
        self._ended = threading.Event()
        self._why = f"not within {SECONDS:g} s"  # if nothing else is known
        self._is_done = False
        self._thread = threading.Thread(target=self._send, daemon=True)

    def send(self, event: RunEvent) -> None:
        """Sends an event after the earlier ones, without waiting for it."""
        if self._thread.ident is None:
            self._thread.start()
        self._events.put(event)

    def _send(self) -> None:
        try:
            while event := self._events.get():
                self._client.emit(event)
            self._client.close()
            self._is_done = True
        except Exception as error:
            self._why = _why(error)
        finally:
            self._ended.set()

    def end(self) -> str | None:
        """Waits until all events have arrived, but not long; gives what to tell the user if they have not."""
        if self._thread.ident is None:
            return None
        self._events.put(None)
        with _signals_end(self._ended):
            self._ended.wait(SECONDS)
        if self._is_done:
            return None
        return f"OpenLineage: {_address(self._client.transport)} did not take the events of this run: {self._why}"


def client() -> OpenLineageClient:
    """The client by its own settings. Raises ValueError for settings that name nobody to send events to."""
    if not os.environ.get("OPENLINEAGE_CLIENT_LOGGING"):
        logging.getLogger("openlineage").addHandler(logging.NullHandler())  # else its warnings are lines of the run
    before = set(os.environ)
    try:
        made = OpenLineageClient()
        made.config.facets.source_code_location.disabled = True  # the folder's repository, with a password in its URL
        children: list[Transport] = getattr(made.transport, "transports", [])
        if len(children) == 1:
            made.transport = children[0]  # which says what failed; the one around it does not
    except Exception as error:  # whatever a setting can be wrong in
        raise ValueError(f"its settings are not valid ({type(error).__name__})") from None
    finally:
        for name in set(os.environ) - before:
            del os.environ[name]  # what the client has added would outlive this run
    if made.transport.kind == "console":
        raise ValueError("its settings name no transport that Sluice can use")
    return made


@contextmanager
def _signals_end(waiting: threading.Event) -> Iterator[None]:
    """A signal ends the waiting: the run itself has ended, and its report is still to be printed."""
    before = {number: signal.signal(number, lambda *_: waiting.set()) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _why(error: Exception) -> str:
    response = getattr(error, "response", None)
    if response is not None:
        return f"it answered {response.status_code}"
    return _WHY.get(type(error).__name__, type(error).__name__)


def _address(transport: Transport) -> str:
    """Where events go to, without what may be secret in its URL."""
    url = getattr(transport, "url", None)
    if not isinstance(url, str):
        return f"transport {transport.kind}"
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
