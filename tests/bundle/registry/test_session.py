from __future__ import annotations

from itertools import count

import pytest
from registries import Answer, Front, front_server
from sidecars import Server

from bspec_opa.bundle.registry import session as sessions
from bspec_opa.bundle.registry.session import WHOLE_S, Session
from bspec_opa.foundation.errors import StoreError


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


@pytest.mark.attack("A61")
@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, b"HTTP/1.1 200 OK\r\nX-A: " + b"x" * 10_000],
    ids=["continue", "field"],
)
def test_a_head_that_never_ends(head: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is ever whole, and nothing is ever silent."""
    monkeypatch.setattr(sessions, "WHOLE_S", 0.3)
    with Server(lambda visit: visit.drip(head)) as server:
        host = server.url.removeprefix("http://")
        with Session(host, "http") as session, pytest.raises(StoreError) as caught:
            session.request("GET", f"{server.url}/v2/")
    assert str(caught.value) == f"{host} gave no whole answer within 0.3 s"
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
