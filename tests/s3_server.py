"""An S3 server in a process of its own, behind a proxy that notes each request and makes faults on demand.

In a process of its own, since some calls of delta-rs keep Python's lock while they wait for an answer. The server is
moto's or, with `SLUICE_TEST_S3` the path of its program, versitygw: a real one, which keeps plain files.
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

from processes import free_port, wait_for

CONTROL = "/-control"


@dataclass(frozen=True)
class Request:
    """`kind`: GET, PUT, …, or LIST; `path`: bucket and key; `credential`: the access key that signed it."""

    kind: str
    path: str
    credential: str


@dataclass
class Fault:
    """What happens `times` times to requests of a `kind` (`*`: any) whose path contains a text.

    `status` and `code`: the answer is this error. `drop`: the answer is lost after the server has acted. `cut`: it ends
    in the middle of its body. `stall`: seconds before the request is passed on. `strip`: headers that are ignored.
    `page`: a listing gives so many keys at a time.
    """

    kind: str
    path: str
    times: int = 1
    status: int = 0
    code: str = "SlowDown"
    drop: bool = False
    cut: bool = False
    stall: float = 0
    strip: tuple[str, ...] = ()
    page: int = 0


class S3Server:
    """What a test says to the server and asks of it."""

    def __init__(self, port: int) -> None:
        """Starts it on a port of this machine."""
        self.port = port
        arguments = [sys.executable, __file__, str(port), os.environ.get("SLUICE_TEST_S3", "")]
        self._process = subprocess.Popen(  # which ends with this process: then its standard input does
            arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def stop(self) -> None:
        self._process.communicate()  # closes its standard input

    def fail(self, kind: str, path: str, **fault: object) -> None:
        """Asks for a `Fault`."""
        self._ask("POST", asdict(Fault(kind, path, **fault)))  # type: ignore[arg-type]

    def clear(self) -> None:
        """Forgets requests and faults."""
        self._ask("DELETE")

    @property
    def requests(self) -> list[Request]:
        return [Request(*request) for request in self._ask("GET")["requests"]]

    @property
    def faults_left(self) -> int:
        """How often the faults that were asked for are still to happen."""
        return int(self._ask("GET")["faults_left"])

    def counted(self) -> Counter[str]:
        return Counter(request.kind for request in self.requests)

    def _ask(self, method: str, body: object = None) -> dict:
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request(method, CONTROL, json.dumps(body))
        return json.loads(connection.getresponse().read())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # an answer in one piece
    backend = 0
    requests: ClassVar[list[Request]] = []
    faults: ClassVar[list[Fault]] = []
    guard = threading.Lock()

    def log_message(self, *_: object) -> None:
        pass

    def handle_expect_100(self) -> bool:
        super().handle_expect_100()
        self.wfile.flush()
        return True

    def _handle(self) -> None:
        body = self._body()
        if self.path == CONTROL:
            self._control(body)
            return
        request = self._request()
        with self.guard:
            self.requests.append(request)
            fault = next(
                (f for f in self.faults if f.times and f.kind in ("*", request.kind) and f.path in request.path), None
            )
            if fault:
                fault.times -= 1
        self._pass_on(body, fault or Fault("", ""))

    def _control(self, body: bytes | None) -> None:
        with self.guard:
            if self.command == "POST":
                self.faults.append(Fault(**json.loads(body or b"")))
            elif self.command == "DELETE":
                self.faults.clear()
                self.requests.clear()
            requests = [(r.kind, r.path, r.credential) for r in self.requests]
            state = {"requests": requests, "faults_left": sum(fault.times for fault in self.faults)}
        self._answer(200, {}, json.dumps(state).encode())

    def _pass_on(self, body: bytes | None, fault: Fault) -> None:
        time.sleep(fault.stall)
        if fault.status:
            error = f"<Error><Code>{fault.code}</Code><Message>As the test asks.</Message></Error>"
            self._answer(fault.status, {}, error.encode())
            return
        left_out = ("transfer-encoding", "expect", "connection", *fault.strip)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in left_out}
        connection = http.client.HTTPConnection("127.0.0.1", self.backend)
        path = f"{self.path}&max-keys={fault.page}" if fault.page else self.path
        connection.request(self.command, path, body, headers)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        if fault.drop:
            self.close_connection = True
        else:
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
        path = unquote(url.path).lstrip("/")
        if kind == "LIST":
            path = path.rstrip("/") + "/" + query.get("prefix", [""])[0]
        authorization = self.headers.get("Authorization", "")
        return Request(kind, path, authorization.partition("Credential=")[2].partition("/")[0])

    def _answer(self, status: int, headers: dict[str, str], data: bytes, *, cut: bool = False) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        length = headers.get("Content-Length") if self.command == "HEAD" else str(len(data))
        self.send_header("Content-Length", length or "0")
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if cut else data)
        self.wfile.flush()
        if cut:
            self.close_connection = True

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _handle


def _moto() -> int:
    """Starts moto's server and gives its port."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    return int(server.get_host_and_port()[1])


def _answers(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def _versitygw(program: str) -> Iterator[int]:
    """Runs versitygw on an empty folder and gives its port."""
    port = free_port()
    with tempfile.TemporaryDirectory() as files, tempfile.TemporaryDirectory() as attributes:
        options = ["--access", "testing", "--secret", "testing", "--port", f"127.0.0.1:{port}"]
        process = subprocess.Popen([program, *options, "posix", "--sidecar", attributes, files], stdout=sys.stderr)
        wait_for(lambda: _answers(port))
        yield port
        process.kill()
        process.wait()


def _serve(port: int, program: str) -> None:
    with _versitygw(program) if program else nullcontext(0) as backend:
        _Handler.backend = backend or _moto()
        proxy = ThreadingHTTPServer(("127.0.0.1", port), _Handler)
        proxy.daemon_threads = True
        print("ready", flush=True)
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        sys.stdin.read()


if __name__ == "__main__":
    _serve(int(sys.argv[1]), sys.argv[2])
