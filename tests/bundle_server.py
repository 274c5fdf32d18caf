"""A bundle server in a thread, and bundles that decide differently.

with serving(Settings(named={"acme/production": file}), limits) as served:
    served.get("/bundles/acme/production")
    served.wait_for("switched", 2)      # until there are so many events of the kind
"""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from bspec_opa.bundle.build.building import repack
from bspec_opa.bundle.read import Bundle, read_bundle
from bspec_opa.bundle.serving.listening import bind
from bspec_opa.bundle.serving.server import Server
from bspec_opa.bundle.shipped import shipped_bundle
from bspec_opa.foundation.canonical import canonical_bytes

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from pathlib import Path

    from bspec_opa.bundle.serving.log import Event
    from bspec_opa.bundle.serving.settings import Settings

WAIT_S = 120.0
NAME = "acme/production"


@cache
def shipped() -> Bundle:
    """The default bundle, read."""
    return read_bundle(shipped_bundle().read_bytes(), "default")


@cache
def edition(number: int) -> bytes:
    """The shipped rules with data of another organisation for each number; only even ones allow any provider."""
    organisation: dict[str, Any] = json.loads(canonical_bytes(shipped().organisation))
    organisation["name"] = f"acme-{number}"
    if number % 2:
        organisation["providers"] = ["nobody"]
    return repack(shipped(), canonical_bytes(organisation), "data.json")


@cache
def revision(number: int) -> str:
    """Its revision."""
    return read_bundle(edition(number), "edition").revision


def put(path: Path, data: bytes) -> None:
    """Replace a file by renaming, as everybody should."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    beside.write_bytes(data)
    beside.replace(path)


@dataclass(frozen=True)
class Reply:
    """What a server answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Served:
    """A running server."""

    port: int
    diagnostic_port: int
    events: list[Event]
    loop: asyncio.AbstractEventLoop
    server: Server
    tls: ssl.SSLContext | None = None
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def get(self, path: str, method: str = "GET", *, port: int = 0, body: bytes = b"", **headers: str) -> Reply:
        """One request on a connection of its own; underscores in header names are dashes."""
        connection: http.client.HTTPConnection
        if self.tls and not port:
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=self.tls, timeout=WAIT_S)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=WAIT_S)
        try:
            connection.request(method, path, body or None, {k.replace("_", "-"): v for k, v in headers.items()})
            reply = connection.getresponse()
            return Reply(reply.status, dict(reply.getheaders()), reply.read())
        finally:
            connection.close()

    def metrics(self, prefix: str = "bspec_serve_") -> dict[str, float]:
        """Samples by name and labels."""
        text = self.get("/metrics", port=self.diagnostic_port).body.decode()
        lines = [line.rpartition(" ") for line in text.splitlines() if line.startswith(prefix)]
        return {name: float(value) for name, _, value in lines}

    def metric(self, name: str) -> float:
        """One sample; 0 if there is none yet."""
        return self.metrics().get(f"bspec_serve_{name}", 0.0)

    def until_metric(self, name: str, value: float) -> None:
        """Wait until a sample has a value."""
        until(lambda: self.metric(name) == value, name)

    def kinds(self) -> list[str]:
        """What has happened so far."""
        return [e.kind for e in self.events]

    def wait_for(self, kind: str, number: int = 1) -> Event:
        """The so-manieth event of a kind."""
        with self.changed:
            came = self.changed.wait_for(lambda: self.kinds().count(kind) >= number, WAIT_S)
        assert came, (kind, number, self.events)
        return [e for e in self.events if e.kind == kind][number - 1]

    def stop(self) -> None:
        """As a signal does."""
        self.loop.call_soon_threadsafe(self.server.stop)

    def look(self) -> None:
        """As SIGHUP does."""
        self.loop.call_soon_threadsafe(self.server.look)


def until(condition: Any, what: object = "") -> None:
    """Wait for something that can only be asked for."""
    pause, end = threading.Event(), time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end, what
        pause.wait(0.01)


@contextmanager
def serving(settings: Settings, tls: ssl.SSLContext | None = None) -> Iterator[Served]:
    """A server in a thread; whatever it raises is raised here when it ends."""
    made: list[Served] = []
    failed: list[BaseException] = []
    events: list[Event] = []
    ready, changed = threading.Event(), threading.Condition()

    def log(event: Event) -> None:
        with changed:
            events.append(event)
            changed.notify_all()

    async def run() -> None:
        server = Server(settings, log=log, clock=lambda: int(time.time()))
        with bind("127.0.0.1", 0) as bound, bind("127.0.0.1", 0) as diagnostic:
            await server.load()
            ports = bound.getsockname()[1], diagnostic.getsockname()[1]
            made.append(Served(*ports, events, asyncio.get_running_loop(), server, tls, changed))
            asyncio.get_running_loop().call_soon(ready.set)
            await server.run(bound, diagnostic)

    def target() -> None:
        try:
            asyncio.run(run())
        except BaseException as e:  # noqa: BLE001 - handed over to the test
            failed.append(e)
        finally:
            ready.set()

    thread = threading.Thread(target=target)
    thread.start()
    ready.wait()
    try:
        if made:
            yield made[0]
    finally:
        if made and thread.is_alive():
            made[0].stop()
        thread.join(WAIT_S)
        assert not thread.is_alive()
    if failed:
        raise failed[0]
