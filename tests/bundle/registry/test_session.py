from __future__ import annotations

import socket
import threading
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING

import pytest
from certificates import Authority, serving
from registries import Answer, Front, front_server
from sidecars import Server, Visit

from bspec_opa.bundle.registry import session as sessions
from bspec_opa.bundle.registry.session import WHOLE_S, Session
from bspec_opa.foundation.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.attack("A61")
def test_a_reply_that_never_ends() -> None:
    """However much comes: a whole reply has to be there in time."""
    front = Front("")
    front.answer = lambda *_: Answer(200, {}, b"x" * 1_000_000)  # type: ignore[method-assign] # nobody is behind it
    times = count(0.0, WHOLE_S / 3)
    with front_server(front) as host, Session(host, "http", clock=lambda: next(times)) as session:
        with pytest.raises(StoreError) as caught:
            session.request("GET", f"http://{host}/v2/")
        assert str(caught.value) == f"{host} gave no whole answer within 300 s"


def drip_head(visit: Visit) -> None:
    visit.drip(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000)


def drip_continuations(visit: Visit) -> None:
    visit.drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000)


def drip_body(visit: Visit) -> None:
    visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n")
    visit.drip(b" " * 10_000)


@pytest.mark.attack("A61")
@pytest.mark.parametrize("behaviour", [drip_head, drip_continuations, drip_body])
@pytest.mark.parametrize(
    ("bound", "message"),
    [("WHOLE_S", "gave no whole answer within 0.3 s"), ("TOTAL_S", "is too slow: not done within")],
)
def test_a_server_that_drips(
    behaviour: Callable[[Visit], None], bound: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Byte by byte, in the head or the body: no pause is ever long, and the whole ends all the same."""
    monkeypatch.setattr(sessions, bound, 0.3)
    with Server(behaviour) as server:
        host = server.url.removeprefix("http://")
        with Session(host, "http") as session, pytest.raises(StoreError, match=message) as caught:
            session.request("GET", f"{server.url}/v2/")
    assert caught.value.code == "registry.unreachable"


@pytest.mark.attack("A61")
def test_a_server_that_drips_over_tls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sessions, "WHOLE_S", 0.5)
    authority = Authority(tmp_path, "authority")
    with Server(drip_head, serving(authority.issue("127.0.0.1"))) as server:
        host = server.url.removeprefix("https://")
        with Session(host, "https") as session, pytest.raises(StoreError, match="gave no whole answer") as caught:
            session.request("GET", f"{server.url}/v2/", verify=str(authority.file))
    assert caught.value.code == "registry.unreachable"


@pytest.mark.attack("A61")
def test_a_server_that_drips_the_handshake(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record of TLS whose bytes come one by one, before any request is sent."""
    monkeypatch.setattr(sessions, "WHOLE_S", 0.3)
    leave = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.sendall(b"\x16\x03\x03\x3f\xff")
                while not leave.wait(0.01):
                    connection.sendall(b"\0")

        thread = threading.Thread(target=drip)
        thread.start()
        host = f"127.0.0.1:{listener.getsockname()[1]}"
        with Session(host, "https") as session, pytest.raises(StoreError, match="gave no whole answer") as caught:
            session.request("GET", f"https://{host}/v2/")
        leave.set()
        thread.join()
    assert caught.value.code == "registry.unreachable"


@pytest.mark.parametrize(("seconds", "message"), [(0.05, "gave no answer within 0.05 s"), (30.0, "can't be reached")])
def test_a_server_that_is_silent_or_hangs_up(seconds: float, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "SILENCE_S", seconds)
    with Server(lambda visit: visit.hang() if seconds < 1 else visit.reset()) as server:
        host = server.url.removeprefix("http://")
        with Session(host, "http") as session, pytest.raises(StoreError) as caught:
            session.request("GET", f"{server.url}/v2/")
    assert message in str(caught.value)
    assert caught.value.code == "registry.unreachable"
