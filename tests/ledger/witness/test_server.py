"""A witness on a real socket: what strangers, and clients that mean no good, get."""

from __future__ import annotations

import asyncio
import http.client
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from witnesses import FORKED, ORIGIN, WAIT_S, head, named, proof
from world import key_of

from bspec_opa.bundle.serving.limits import Limits
from bspec_opa.bundle.serving.listening import bind
from bspec_opa.bundle.serving.secrets import Secrets
from bspec_opa.ledger.witness import answers as answering
from bspec_opa.ledger.witness.answers import Answers
from bspec_opa.ledger.witness.cosignature import cosigned_at
from bspec_opa.ledger.witness.metrics import Metrics
from bspec_opa.ledger.witness.request import MAX_REQUEST_BYTES, AddCheckpoint, parse_cosignatures
from bspec_opa.ledger.witness.server import Server
from bspec_opa.ledger.witness.state import begin_state, held_state

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bspec_opa.ledger.checkpoint import Checkpoint
    from bspec_opa.ledger.witness.log import Event

W1 = named("w1")
NOW = 1_780_000_000
TOKEN = "token-0123456789abcdef"


@dataclass
class Reply:
    status: int
    media_type: str
    body: bytes


@dataclass
class Served:
    """A running witness; ``events`` is its log."""

    port: int
    answers: Answers
    events: list[Event]
    loop: asyncio.AbstractEventLoop
    server: Server
    headers: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        try:
            connection.request(method, path, body, self.headers | {k.replace("_", "-"): v for k, v in headers.items()})
            reply = connection.getresponse()
            return Reply(reply.status, reply.headers.get("Content-Type", ""), reply.read())
        finally:
            connection.close()

    def add(self, old: int, new: Checkpoint, shown: tuple[bytes, ...] = ()) -> Reply:
        return self.ask("POST", "/add-checkpoint", AddCheckpoint(old, shown, new).to_bytes())

    def kinds(self) -> list[str]:
        return [e.kind for e in self.events]

    def raw(self, data: bytes) -> bytes:
        """All that comes back before the server closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=WAIT_S) as connection:
            connection.sendall(data)
            found = b""
            try:
                while block := connection.recv(65536):
                    found += block
            except ConnectionError:
                pass
            return found


@contextmanager
def serving(place: Path, token_file: Path | None = None, limits: Limits | None = None) -> Iterator[Served]:
    events: list[Event] = []
    made: list[Served] = []
    ready = threading.Event()

    async def run() -> None:
        with held_state(place, W1) as state, bind("127.0.0.1", 0) as bound:
            keys = {ORIGIN: [key_of("ledger").public]}
            answers = Answers(W1, key_of("w1"), keys, state, Metrics(), events.append, lambda: NOW)
            server = Server(answers, Secrets(None, token_file), limits or Limits())
            await server.open(bound)
            made.append(Served(bound.getsockname()[1], answers, events, asyncio.get_running_loop(), server))
            ready.set()
            await server.run()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    assert ready.wait(WAIT_S)
    try:
        yield made[0]
    finally:
        made[0].loop.call_soon_threadsafe(made[0].server.stop)
        thread.join(WAIT_S)
        assert not thread.is_alive()
        assert events[-1].kind == "stopping"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    begin_state(tmp_path / "state", W1)
    return tmp_path / "state"


@pytest.fixture
def served(place: Path) -> Iterator[Served]:
    with serving(place) as running:
        yield running


def test_every_answer_of_the_protocol(served: Served) -> None:
    reply = served.add(0, head(5))
    assert (reply.status, reply.media_type) == (200, "text/plain; charset=utf-8")
    (line,) = parse_cosignatures(reply.body)
    assert cosigned_at(head(5), line, W1) == NOW
    conflict = Reply(409, "text/x.tlog.size", b"5\n")
    assert served.add(0, head(8)) == conflict
    assert served.add(5, head(5, FORKED)).status == 200  # the first five are the same in both
    assert served.add(5, head(8), proof(5, 8)).status == 200
    assert served.add(8, head(8, FORKED)) == Reply(409, "text/x.tlog.size", b"8\n")
    assert served.add(8, head(12, FORKED), proof(8, 12, FORKED)).status == 422
    assert served.add(8, head(5)).status == 400
    assert served.add(0, head(3, by="mallory")).status == 403
    assert served.add(0, head(3, origin="other.example/log")).status == 404
    assert served.ask("POST", "/add-checkpoint", b"hello").status == 400
    assert served.kinds() == ["cosigned", "cosigned", "cosigned", "misbehaved", "unproven"]
    text = served.ask("GET", "/metrics").body.decode()
    counted = dict(li.rsplit(" ", 1) for li in text.splitlines() if not li.startswith("#"))
    assert counted[f'bspec_witness_tree_size{{log="{ORIGIN}"}}'] == "8.0"
    assert counted[f'bspec_witness_misbehaved_logs_total{{log="{ORIGIN}"}}'] == "1.0"
    assert counted[f'bspec_witness_unproven_checkpoints_total{{log="{ORIGIN}"}}'] == "1.0"
    codes = {c: counted[f'bspec_witness_requests_total{{code="{c}"}}'] for c in (200, 400, 403, 404, 409, 422)}
    assert codes == {200: "3.0", 400: "2.0", 403: "1.0", 404: "1.0", 409: "2.0", 422: "1.0"}


def test_nothing_else_is_answered(served: Served) -> None:
    assert served.ask("GET", "/health").body == b"ok\n"
    assert served.ask("GET", "/add-checkpoint").status == 405
    assert served.ask("POST", "/health").status == 405
    for path in ("/", "/state", "/add-checkpoint/", "//add-checkpoint", "/x/../add-checkpoint"):
        assert served.ask("POST", path, b"").status == 404


def test_a_token_is_demanded_where_there_are_some(place: Path, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text(f"{TOKEN}\n", encoding="ascii")
    tokens.chmod(0o600)
    with serving(place, tokens) as served:
        assert served.add(0, head(5)).status == 401
        assert served.ask("GET", "/metrics").status == 401
        assert served.ask("GET", "/health").status == 200
        served.headers = {"Authorization": f"Bearer {TOKEN}x"}
        assert served.add(0, head(5)).status == 401
        served.headers = {"Authorization": f"Bearer {TOKEN}"}
        assert served.add(0, head(5)).status == 200


POST = b"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\n"
HUGE = {
    "said to be huge": (POST + b"Content-Length: 1000000000\r\n\r\nx", b"413"),
    "huge in chunks": (POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"1000\r\n" + b"x" * 4096 + b"\r\n", b"413"),
    "a long header": (POST + b"X: " + b"x" * 20_000 + b"\r\n\r\n", b"400"),
    "many headers": (POST + b"".join(b"X%d: x\r\n" % n for n in range(1000)) + b"\r\n", b"400"),
    "a broken chunk": (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
    "compressed": (POST + b"Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx", b"415"),
    "two lengths": (POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", b"400"),
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500), b"400"),
}


@pytest.mark.parametrize("case", HUGE)
def test_requests_that_are_too_large_or_none(served: Served, case: str) -> None:
    data, status = HUGE[case]
    if case == "huge in chunks":
        chunk = b"1000\r\n" + b"x" * 4096 + b"\r\n"
        data += chunk * (MAX_REQUEST_BYTES // 4096 + 1)
    assert served.raw(data).split(b" ", 2)[1] == status
    assert served.add(0, head(5)).status == 200
    assert served.kinds() == ["cosigned"]


def test_a_body_that_never_ends_is_not_waited_for(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "BODY_S", 0.2)
    assert served.raw(POST + b"Content-Length: 100\r\n\r\nold 0").startswith(b"HTTP/1.1 408 ")
    assert served.add(0, head(5)).status == 200


def test_a_header_that_never_ends_is_not_waited_for(place: Path) -> None:
    with serving(place, limits=Limits(quiet_s=0.2)) as served:
        assert served.raw(b"POST /add-checkpoint HTTP/1.1\r\nX: ") == b""


@pytest.mark.attack("A71")
def test_a_bug_says_nothing_to_the_client_and_does_not_end_the_witness(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bug(*_: object) -> None:
        raise RuntimeError("a secret")

    with monkeypatch.context() as patch:
        patch.setattr(answering, "judge", bug)
        reply = served.add(0, head(5))
    assert (reply.status, reply.body) == (500, b"Internal Server Error\n")
    assert served.kinds() == ["failed"]
    assert served.add(0, head(5)).status == 200


def test_what_can_not_be_written_is_not_given_away(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    from bspec_opa.foundation import files

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(files, "_write_exclusive", full)
        assert served.add(0, head(5)).status == 500
    assert [(e.kind, e.code) for e in served.events] == [("failed", "file.unwritable")]
    assert served.answers.state.known == {}
    assert served.add(0, head(8)).status == 200


@pytest.mark.attack("A45")
def test_of_two_at_once_one_is_compared_after_the_other_was_kept(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The race that the specification describes; and whoever leaves in the middle does not open the door."""
    at_keep, go_on = threading.Event(), threading.Event()
    keep = type(served.answers.state).keep

    def slowly(state: object, checkpoint: Checkpoint) -> None:
        at_keep.set()
        assert go_on.wait(WAIT_S)
        keep(state, checkpoint)  # type: ignore[arg-type]

    monkeypatch.setattr(type(served.answers.state), "keep", slowly)
    with socket.create_connection(("127.0.0.1", served.port), timeout=WAIT_S) as leaving:
        body = AddCheckpoint(0, (), head(8)).to_bytes()
        leaving.sendall(POST + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        assert at_keep.wait(WAIT_S)
    replies: list[Reply] = []
    second = threading.Thread(target=lambda: replies.append(served.add(0, head(5))))
    second.start()
    # The second waits for its turn: health is answered meanwhile, and it has not been judged.
    assert served.ask("GET", "/health").status == 200
    assert replies == []
    go_on.set()
    second.join(WAIT_S)
    assert replies == [Reply(409, "text/x.tlog.size", b"8\n")]
    assert served.answers.state.known[ORIGIN].size == 8


def test_more_connections_than_allowed_are_closed_at_once(place: Path) -> None:
    with serving(place, limits=Limits(connections=2)) as served:
        held = [socket.create_connection(("127.0.0.1", served.port), timeout=WAIT_S) for _ in range(2)]
        for connection in held:
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(12) == b"HTTP/1.1 200"
        assert served.raw(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n") == b""
        for connection in held:
            connection.close()
