"""Servers to ask: real OPAs, and ones that misbehave in exactly one way."""

from __future__ import annotations

import json
import socket
import subprocess
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Sequence

    Behaviour = Callable[["Visit"], None]

STEP_S = 0.01
START_S = 30.0
ATTEMPTS = 3
"""A port that was free when it was looked for may be taken by the time that OPA listens."""


class Visit:
    """One request that a server got, and the connection to answer on."""

    def __init__(self, connection: socket.socket, request: bytes, leave: threading.Event) -> None:
        self.connection = connection
        self.request = request
        self.leave = leave

    def send(self, *parts: bytes) -> None:
        for part in parts:
            self.connection.sendall(part)

    def hang(self) -> None:
        """Until the server is closed."""
        self.leave.wait()

    def drip(self, data: bytes) -> None:
        """One byte at a time, until the server is closed or the client has had enough."""
        for byte in data:
            if self.leave.wait(STEP_S):
                return
            self.connection.sendall(bytes([byte]))

    def reset(self) -> None:
        """Close so that the client gets a reset."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.connection.close()


class Server:
    """Answers each request on a loopback port as it is told to; ``requests`` has all it got."""

    def __init__(self, behaviour: Behaviour, context: ssl.SSLContext | None = None, port: int = 0) -> None:
        self._behaviour = behaviour
        self._context = context
        self._leave = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self.requests: list[bytes] = []
        self._connections: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"{'https' if self._context else 'http'}://127.0.0.1:{self.port}"

    @property
    def accepted(self) -> int:
        """How many connections were made."""
        return len(self._connections)

    def close(self) -> None:
        self._leave.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._connections.append(connection)
                thread = threading.Thread(target=self._serve, args=(connection,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(30)
        with suppress(OSError):
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
            with connection:
                while not self._leave.is_set():
                    request = read_request(connection)
                    if not request:
                        return
                    self.requests.append(request)
                    self._behaviour(Visit(connection, request, self._leave))
        connection.close()


def read_request(connection: socket.socket) -> bytes:
    """Head and body of one request; empty if the client has left."""
    data = b""
    while b"\r\n\r\n" not in data:
        block = connection.recv(65536)
        if not block:
            return b""
        data += block
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [int(h.partition(b":")[2]) for h in head.split(b"\r\n") if h.lower().startswith(b"content-length:")]
    while len(body) < sum(lengths):
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def reply(body: bytes, status: str = "200 OK", *headers: str, media_type: str = "application/json") -> bytes:
    """A whole HTTP reply."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {media_type}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def said(decision: Any, revision: str = "r1", **members: Any) -> bytes:
    """The body of an OPA's good reply."""
    provenance = {"version": "1.22.2", "build_commit": "", "bundles": {"bspec": {"revision": revision}}}
    return json.dumps({"result": decision, "provenance": provenance, **members}).encode()


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def opa_server(opa: Path, bundle: Path | None, *options: str, tls: bool = False) -> Iterator[tuple[str, str]]:
    """A real OPA with a bundle named ``bspec``, with an empty environment; its URLs for TCP and socket file.

    Without a bundle the options say where it is from.

    With ``tls`` the options make it speak TLS. If it authorizes callers, its policy must let everybody ask for health.
    """
    resource = [f"--set=bundles.bspec.resource=file://{bundle}"] if bundle is not None else []
    with running_opa(opa, *resource, *options, tls=tls) as urls:
        yield urls


@contextmanager
def running_opa(opa: Path, *options: str, tls: bool = False) -> Iterator[tuple[str, str]]:
    """The same with all its bundles in the options; it has activated them."""
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        path = str(Path(directory) / "opa.sock")
        for attempt in range(1, ATTEMPTS + 1):
            port = free_port()
            addresses = [f"--addr=127.0.0.1:{port}", f"--addr=unix://{path}"]
            command = [str(opa), "run", "--server", *addresses, "--log-level=error", *options]
            process = stack.enter_context(_running(command))
            if _ready(port, path, process):
                break
            if attempt == ATTEMPTS:
                raise RuntimeError(f"OPA has not started; it ended with {process.returncode}")
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}", f"unix://{path}"


@contextmanager
def _running(command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, env={}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _ready(port: int, path: str, process: subprocess.Popen[bytes]) -> bool:
    """Wait until OPA listens on both and has activated its bundle; False if it has ended, as when the port is taken."""
    pause = threading.Event()
    until = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < until:
        with suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
            connection.connect(path)
            connection.sendall(b"GET /health?bundles HTTP/1.0\r\n\r\n")
            if connection.recv(64).startswith(b"HTTP/1.0 200"):
                socket.create_connection(("127.0.0.1", port)).close()
                return process.poll() is None
        pause.wait(STEP_S)
    return False
