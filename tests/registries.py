"""Registries to push to: a real one, alone or behind a front that adds TLS, logins or exactly one fault."""

from __future__ import annotations

import base64
import http.client
import json
import subprocess
import threading
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sidecars import ATTEMPTS, free_port

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Mapping

REGISTRY = Path(__file__).parents[1] / ".tools" / "bin" / "registry"
USER, PASSWORD, TOKEN = "ann", "open sesame", "t0ken"
STEP_S, STEPS = 0.02, 1500


@contextmanager
def registry_server() -> Iterator[str]:
    """A real registry, in memory; its host and port."""
    for attempt in range(1, ATTEMPTS + 1):
        port = free_port()
        command = [str(REGISTRY), "-port", str(port)]
        process = subprocess.Popen(command, env={}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            if _answers(port, process):
                yield f"127.0.0.1:{port}"
                return
            if attempt == ATTEMPTS:
                raise RuntimeError(f"the registry has not started; it ended with {process.returncode}")
        finally:
            process.kill()
            process.wait()


def _answers(port: int, process: subprocess.Popen[bytes]) -> bool:
    pause = threading.Event()
    for _ in range(STEPS):
        if process.poll() is not None:
            return False
        connection = http.client.HTTPConnection("127.0.0.1", port)
        with closing(connection), suppress(OSError):
            connection.request("GET", "/v2/")
            return connection.getresponse().status == 200
        pause.wait(STEP_S)
    return False


@dataclass
class Answer:
    """What a registry answers, before the front hands it on."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Front:
    """A server before a registry.

    Attributes:
        upstream: host and port of the real one.
        login: "", "basic" or "token".
        alter: changes an answer; gets method and path, too.
        seen: method, path and headers of every request.
    """

    upstream: str
    login: str = ""
    alter: Callable[[str, str, Answer], Answer] = lambda _method, _path, answer: answer
    seen: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    url: str = ""

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        self.seen.append((method, path, {k.lower(): v for k, v in headers.items()}))
        if path.startswith("/token"):
            return self._token(headers)
        refused = self._refused(headers)
        return refused or self.alter(method, path, self._forward(method, path, headers, body))

    def _token(self, headers: Mapping[str, str]) -> Answer:
        if headers.get("Authorization") == basic():
            return Answer(200, {}, json.dumps({"token": TOKEN}).encode())
        return Answer(401, {}, b"{}")

    def _refused(self, headers: Mapping[str, str]) -> Answer | None:
        wanted = {"": None, "basic": basic(), "token": f"Bearer {TOKEN}"}[self.login]
        if wanted is None or headers.get("Authorization") == wanted:
            return None
        token = f'Bearer realm="{self.url}/token",service="registry",scope="repository:acme/bspec:pull,push"'
        challenge = token if self.login == "token" else 'Basic realm="Registry"'
        return Answer(401, {"WWW-Authenticate": challenge}, b'{"errors":[{"message":"who are you"}]}')

    def _forward(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        connection = http.client.HTTPConnection(self.upstream)
        try:
            kept = {k: v for k, v in headers.items() if k in {"Accept", "Content-Type"}}
            connection.request(method, path, body=body, headers=kept)
            response = connection.getresponse()
            dropped = {"date", "transfer-encoding", "connection"}
            found = {k: v for k, v in response.getheaders() if k.lower() not in dropped}
            return Answer(response.status, found, response.read())
        finally:
            connection.close()


def basic() -> str:
    return "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


@contextmanager
def front_server(front: Front, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve a front; its host and port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = front.answer(self.command, self.path, dict(self.headers.items()), body)
            self.send_response_only(answer.status)
            length = {"Content-Length": str(len(answer.body))}
            for name, value in (length | answer.headers).items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)

        do_GET = do_HEAD = do_POST = do_PUT = answer  # noqa: N815 - http.server's names

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """A client that hangs up in the middle is what some tests are about."""

    with Quiet(("127.0.0.1", 0), Handler) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        host = f"127.0.0.1:{server.server_port}"
        front.url = f"{'https' if context else 'http'}://{host}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield host
        finally:
            server.shutdown()
            thread.join()
