"""An S3 server (moto's), behind a proxy that writes down each request and makes the faults that a test asks for."""

from __future__ import annotations

import http.client
import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

STALL = 3600.0  # seconds


@dataclass(frozen=True)
class Request:
    """`kind`: GET, PUT, …, or LIST; `path`: bucket and key; `credential`: the access key that signed it."""

    kind: str
    path: str
    headers: dict[str, str]
    credential: str = ""


@dataclass
class Fault:
    """What happens to requests: an error answer (`status`), `drop`: the answer is lost after the server has acted,
    `cut`: it ends in the middle of its body, `stall`: seconds before it comes, `strip`: a header that is ignored."""

    applies: Callable[[Request], bool]
    times: float = 1
    status: int = 0
    drop: bool = False
    cut: bool = False
    stall: float = 0
    strip: tuple[str, ...] = ()


@dataclass
class Proxy:
    """Listens on a port of this machine and passes requests on to another."""

    port: int
    backend: int
    requests: list[Request] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def start(self) -> None:
        handler = type("Handler", (_Handler,), {"proxy": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def clear(self) -> None:
        self.requests.clear()
        self.faults.clear()

    def fail(self, kind: str, path: str, **fault: object) -> None:
        """Makes a fault of requests of a kind (`*`: any) whose path contains a text."""
        self.faults.append(Fault(lambda r: kind in ("*", r.kind) and path in r.path, **fault))  # type: ignore[arg-type]

    def counted(self) -> Counter[str]:
        return Counter(request.kind for request in self.requests)

    def due(self, request: Request) -> Fault | None:
        for fault in self.faults:
            if fault.times > 0 and fault.applies(request):
                fault.times -= 1
                return fault
        return None


class _Handler(BaseHTTPRequestHandler):
    proxy: Proxy
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        pass

    def _pass_on(self) -> None:
        body = self._body()
        request = self._request()
        self.proxy.requests.append(request)
        fault = self.proxy.due(request) or Fault(lambda _: False)
        time.sleep(fault.stall)
        if fault.status:
            self._answer(fault.status, {}, b"<Error><Code>SlowDown</Code><Message>Slow down.</Message></Error>")
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() not in fault.strip}
        headers = {n: v for n, v in headers.items() if n.lower() not in ("transfer-encoding", "expect", "connection")}
        connection = http.client.HTTPConnection("127.0.0.1", self.proxy.backend, timeout=STALL)
        connection.request(self.command, self.path, body, headers)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        if fault.drop:
            self.close_connection = True
            return
        self._answer(answer.status, dict(answer.getheaders()), data, cut=fault.cut)

    def _body(self) -> bytes | None:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            chunks = iter(lambda: self.rfile.read(int(self.rfile.readline(), 16) + 2)[:-2], b"")
            return b"".join(itertools.chain(chunks))
        length = int(self.headers.get("Content-Length") or 0)
        return self.rfile.read(length) if length else None

    def _request(self) -> Request:
        url = urlsplit(self.path)
        query = parse_qs(url.query)
        kind = "LIST" if "list-type" in query else self.command
        path = (
            unquote(url.path).strip("/") + "/" + query.get("prefix", [""])[0] if kind == "LIST" else unquote(url.path)
        )
        authorization = self.headers.get("Authorization", "")
        credential = authorization.partition("Credential=")[2].partition("/")[0]
        return Request(kind, path.lstrip("/"), {n.lower(): v for n, v in self.headers.items()}, credential)

    def _answer(self, status: int, headers: dict[str, str], data: bytes, *, cut: bool = False) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        length = headers.get("Content-Length") if self.command == "HEAD" else str(len(data))
        self.send_header("Content-Length", length or "0")
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if cut else data)
        if cut:
            self.close_connection = True

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _pass_on
