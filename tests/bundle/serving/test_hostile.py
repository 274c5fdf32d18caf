"""Clients that mean no good take no more than their share, and the others are answered."""

from __future__ import annotations

import socket
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest
from bundle_server import NAME, WAIT_S, Served, edition, put, serving
from certificates import Authority

from bspec_opa.bundle.serving.edition import edition_of
from bspec_opa.bundle.serving.limits import Limits
from bspec_opa.bundle.serving.settings import Settings
from bspec_opa.bundle.serving.tls import TlsFiles

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATH = f"/bundles/{NAME}"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    put(tmp_path / "acme.tar.gz", edition(0))
    return tmp_path / "acme.tar.gz"


@contextmanager
def connected(served: Served) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", served.port), timeout=WAIT_S) as connection:
        yield connection


def until_closed(connection: socket.socket) -> bytes:
    """Everything that comes before the server closes."""
    found = b""
    try:
        while block := connection.recv(65536):
            found += block
    except ConnectionError:
        pass
    return found


@pytest.mark.parametrize("said", [b"", b"GET", b"GET /health HTTP/1.1\r\nHost: x\r\nX: "])
def test_who_never_finishes_a_request_is_let_go(file: Path, said: bytes) -> None:
    with serving(Settings({NAME: file}, limits=Limits(quiet_s=1.0))) as served, connected(served) as connection:
        connection.sendall(said)
        assert until_closed(connection) == b""
        assert served.get(PATH).status == 200


def drip(connection: socket.socket) -> int:
    """Send one byte after the other until the server has had enough; returns how many it was sent."""
    connection.settimeout(0.01)
    for sent in range(100_000):
        try:
            connection.sendall(b"x")
            if connection.recv(1) == b"":
                return sent
        except TimeoutError:
            continue
        except ConnectionError:
            return sent
    raise AssertionError("the server takes everything")


def test_dripping_a_header_gains_no_time(file: Path) -> None:
    with serving(Settings({NAME: file}, limits=Limits(quiet_s=1.0))) as served, connected(served) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nX: ")
        assert drip(connection) > 2  # it was dripping, and was closed all the same


def test_an_idle_connection_is_closed(file: Path) -> None:
    with serving(Settings({NAME: file}, limits=Limits(quiet_s=1.0))) as served, connected(served) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert until_closed(connection).startswith(b"HTTP/1.1 200 OK\r\n")


HUGE = {
    "line": b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "header": b"GET /health HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
    "headers": b"GET /health HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X%d: x\r\n" % n for n in range(1000)) + b"\r\n",
    "not HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    "two lengths": b"GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "length and chunks": b"POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
}


@pytest.mark.parametrize("case", HUGE)
def test_requests_that_are_too_large_or_none_are_refused(file: Path, case: str) -> None:
    with serving(Settings({NAME: file})) as served, connected(served) as connection:
        connection.sendall(HUGE[case])
        assert until_closed(connection).startswith((b"HTTP/1.1 400 Bad Request\r\n", b"HTTP/1.0 400 Bad Request\r\n"))
        assert served.get(PATH).status == 200


def test_a_body_is_not_waited_for(file: Path) -> None:
    with serving(Settings({NAME: file})) as served, connected(served) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\nx")
        assert until_closed(connection).startswith(b"HTTP/1.1 413 ")


def test_more_connections_than_allowed_are_closed_at_once(file: Path) -> None:
    limits = Limits(connections=5)
    with serving(Settings({NAME: file}, limits=limits)) as served, ExitStack() as stack:
        held = [stack.enter_context(connected(served)) for _ in range(limits.connections)]
        served.until_metric("connections", limits.connections + 1)  # and the one that asks, on another address
        with connected(served) as more:
            more.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            assert until_closed(more) == b""
        assert served.metric("connections_turned_away_total") == 1
        held[0].sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert until_closed(held[0]).startswith(b"HTTP/1.1 200 OK\r\n")
        served.until_metric("connections", limits.connections)
        assert served.get(PATH).status == 200  # there is room again


def test_many_long_polls_on_few_connections_leave_room(file: Path) -> None:
    """Whoever pipelines waits for one answer at a time, so a connection is one long poll at most."""
    etag = edition_of(edition(0), "x", 0).etag
    poll = f"GET {PATH} HTTP/1.1\r\nHost: x\r\nPrefer: wait=100\r\nIf-None-Match: {etag}\r\n\r\n".encode()
    with serving(Settings({NAME: file}, limits=Limits(connections=64))) as served, ExitStack() as stack:
        for _ in range(60):
            stack.enter_context(connected(served)).sendall(poll * 20)
        served.until_metric(f'open_long_polls{{bundle="{NAME}"}}', 48)
        assert served.get(PATH).body == edition(0)
        assert served.get("/health").status == 200


def test_who_does_not_take_his_answer_is_let_go(file: Path) -> None:
    with serving(Settings({NAME: file}, limits=Limits(send_s=0.3, connections=8))) as served, ExitStack() as stack:
        for _ in range(4):
            connection = stack.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(WAIT_S)
            connection.connect(("127.0.0.1", served.port))
            connection.sendall(f"GET {PATH} HTTP/1.1\r\nHost: x\r\n\r\n".encode() * 30)
        served.until_metric("connections", 1)


def test_a_handshake_that_never_ends_is_ended(file: Path, tmp_path: Path) -> None:
    tls = TlsFiles(*Authority(tmp_path, "ca").issue("127.0.0.1"))
    with (
        serving(Settings({NAME: file}, tls=tls, limits=Limits(handshake_s=0.2))) as served,
        connected(served) as connection,
    ):
        assert until_closed(connection) == b""
    with serving(Settings({NAME: file}, tls=tls)) as served, connected(served) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200 OK" not in until_closed(connection)
