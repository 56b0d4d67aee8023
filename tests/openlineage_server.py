"""A server of OpenLineage that checks each event against the specification."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

SPECIFICATION = {
    schema["$id"]: schema
    for schema in (json.loads(path.read_text()) for path in Path(__file__).parent.glob("lineage/specification/*.json"))
}
REGISTRY = Registry().with_resources((uri, Resource.from_contents(schema)) for uri, schema in SPECIFICATION.items())


def check(value: dict, uri: str) -> None:
    """Raises for what is not as the specification says, and for a part of it that is not kept here."""
    assert uri.split("#")[0] in SPECIFICATION, f"keep {uri} in tests/lineage/specification"
    validator = Draft202012Validator(
        {"$ref": uri}, registry=REGISTRY, format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    validator.validate(value)


def facets(value: Any) -> Iterator[dict]:
    if isinstance(value, dict):
        if "_schemaURL" in value:
            yield value
        value = list(value.values())
    for part in value if isinstance(value, list) else ():
        yield from facets(part)


class OpenLineageServer:
    """`texts`: what has come, with its headers. `answer`: the status that all get; None: it never answers."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.answer: int | None = 201
        self.over = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                outer.texts.append(body)
                if outer.answer is None:
                    outer.over.wait(30)
                self.send_response(outer.answer or 201)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.http.server_port}"

    @property
    def events(self) -> list[dict]:
        """The events that have come, checked."""
        events = [json.loads(text) for text in self.texts]
        for event in events:
            check(event, event["schemaURL"])
            for facet in facets(event):
                check(facet, facet["_schemaURL"])
        return events

    def stop(self) -> None:
        self.over.set()
        self.http.shutdown()
        self.http.server_close()
