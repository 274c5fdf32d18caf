"""A server that an OPA is told to use: it gives out bundles and collects status and decision logs."""

from __future__ import annotations

import gzip
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

WAIT_S = 30.0


@dataclass
class Collector:
    """What is given out, by path, and what has come.

    Attributes:
        tokens: the bearer token that a path wants; paths without one are answered 404.
        bundles: path to bytes.
    """

    tokens: dict[str, str]
    bundles: dict[str, bytes]
    events: list[dict[str, Any]] = field(default_factory=list)
    statuses: list[dict[str, Any]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    came: threading.Condition = field(default_factory=threading.Condition)
    host: str = ""

    def take(self, path: str, document: Any) -> None:
        with self.came:
            if path == "/logs":
                self.events += document
            else:
                self.statuses.append(document)
            self.came.notify_all()

    def wait_for(self, condition: Callable[[], Any]) -> Any:
        """Until something that has come is as it is waited for."""
        with self.came:
            assert self.came.wait_for(condition, WAIT_S), f"{len(self.events)} events, {len(self.statuses)} statuses"
            return condition()


@contextmanager
def collecting(collector: Collector, context: ssl.SSLContext) -> Iterator[Collector]:
    """Serve over TLS on a loopback port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self, status: int, body: bytes = b"{}") -> None:
            self.send_response_only(status)
            self.send_header("Content-Type", "application/gzip" if self.command == "GET" else "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def let_in(self) -> bool:
            token = collector.tokens.get(self.path)
            if token is not None and self.headers.get("Authorization") == f"Bearer {token}":
                return True
            collector.refused.append(f"{self.command} {self.path}")
            self.answer(404 if token is None else 401)
            return False

        def do_GET(self) -> None:
            if self.let_in():
                self.answer(200, collector.bundles[self.path])

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.let_in():
                plain = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
                collector.take(self.path, json.loads(plain))
                self.answer(200)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """An OPA that is killed hangs up."""

    with Quiet(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        collector.host = f"127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()
