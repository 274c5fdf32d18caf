"""What a server may do wrong, one thing at a time; none of it is an answer."""

from __future__ import annotations

import gzip
import json
import re
import socket
import threading
import traceback
import zlib
from contextlib import ExitStack
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest
from certificates import Authority, serving
from sidecars import Server, Visit, free_port, opa_server, reply, said

from bspec_opa.engine.deadline import PlainSocket
from bspec_opa.engine.rest import RestEngine
from bspec_opa.foundation.errors import BspecError, ExitCode
from bspec_opa.foundation.limits import MAX_REPLY_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Serve = Callable[..., Server]

ALLOWED: dict[str, Any] = {"contract": "bspec.decision/v1", "nonce": "n1"}
SHORT_S = 0.3
WHOLE = reply(said(ALLOWED))


def refusal(url: str, *, deadline_s: float = 30.0, **named: Any) -> BspecError:
    with RestEngine(url, revision="r1", deadline_s=deadline_s, **named) as engine, pytest.raises(BspecError) as caught:
        engine.decide({"nonce": "n1"})
    return caught.value


def answering(data: bytes) -> Callable[[Visit], None]:
    return lambda visit: visit.send(data)


def test_a_good_reply(serve: Serve) -> None:
    server = serve(answering(reply(said(ALLOWED, decision_id="x", metrics={}))))
    with RestEngine(server.url, revision="r1") as engine:
        assert engine.decide({"nonce": "n1"}).decision == ALLOWED
        assert engine.notes == ()
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /v1/data/bspec/gate/decision?strict-builtin-errors=true&provenance=true HTTP/1.1"
    assert {n.split(":")[0].lower() for n in lines[1:]} == {
        "host",
        "accept",
        "accept-encoding",
        "content-length",
        "content-type",
        "user-agent",
    }
    assert body == b'{"input":{"nonce":"n1"}}'


def test_another_path(serve: Serve) -> None:
    server = serve(answering(reply(said(ALLOWED))))
    with RestEngine(server.url, revision="r1", decision_path="acme/gate") as engine:
        engine.decide({})
    assert server.requests[0].startswith(b"POST /v1/data/acme/gate?strict-builtin-errors=true&provenance=true HTTP")


def test_the_connection_is_kept(serve: Serve) -> None:
    server = serve(answering(WHOLE))
    with RestEngine(server.url, revision="r1") as engine:
        for _ in range(50):
            engine.decide({})
    assert (len(server.requests), server.accepted) == (50, 1)


def test_a_connection_that_the_server_closed_is_opened_again(serve: Serve) -> None:
    closed = threading.Semaphore(0)

    def answer(visit: Visit) -> None:
        visit.send(reply(said(ALLOWED)))
        visit.connection.shutdown(socket.SHUT_RDWR)
        closed.release()

    server = serve(answer)
    with RestEngine(server.url, revision="r1") as engine:
        for _ in range(3):
            assert engine.decide({}).decision == ALLOWED
            assert closed.acquire(timeout=30)
    assert len(server.requests) == 3


def provenance(**changed: Any) -> bytes:
    found: dict[str, Any] = {"version": "1.22.2", "bundles": {"bspec": {"revision": "r1"}}}
    return json.dumps(
        {"result": ALLOWED, "provenance": {k: v for k, v in (found | changed).items() if v is not ...}}
    ).encode()


BODIES = {
    "nothing": (b"{}", "engine.undefined"),
    "no result": (b'{"provenance": {"version": "1.22.2", "bundles": {"bspec": {"revision": "r1"}}}}', "engine.undefined"),
    "null": (said(None), "engine.undefined"),
    "an empty decision": (said({}), "engine.undefined"),
    "a warning": (said(ALLOWED, warning={"code": "api_usage_warning", "message": "input"}), "engine.warning"),
    "an empty warning": (said(ALLOWED, warning=None), "engine.warning"),
    "an explanation": (said(ALLOWED, explanation=[]), "engine.bad-reply"),
    "an error beside the result": (said(ALLOWED, errors=[]), "engine.bad-reply"),
    "a list": (b"[]", "engine.bad-reply"),
    "two results": (b'{"result": {"a": 1}, "result": {"a": 2}}', "engine.bad-reply"),
    "trailing bytes": (said(ALLOWED) + b"{}", "engine.bad-reply"),
    "NaN": (b'{"result": NaN}', "engine.bad-reply"),
    "half of it": (said(ALLOWED)[:-9], "engine.bad-reply"),
    "no bytes": (b"", "engine.bad-reply"),
    "no provenance": (json.dumps({"result": ALLOWED}).encode(), "engine.bad-provenance"),
    "provenance of another kind": (json.dumps({"result": ALLOWED, "provenance": []}).encode(), "engine.bad-provenance"),
    "no bundles": (provenance(bundles=...), "engine.bad-provenance"),
    "bundles of another kind": (provenance(bundles=["bspec"]), "engine.bad-provenance"),
    "a bundle of another kind": (provenance(bundles={"bspec": "r1"}), "engine.bad-provenance"),
    "another bundle": (provenance(bundles={"other": {"revision": "r1"}}), "engine.bad-provenance"),
    "another bundle beside ours": (provenance(bundles={"bspec": {"revision": "r1"}, "x": {"revision": "r1"}}), "engine.bad-provenance"),
    "more about the bundle": (provenance(bundles={"bspec": {"revision": "r1", "x": 1}}), "engine.bad-provenance"),
    "no revision": (provenance(bundles={"bspec": {}}), "engine.bad-provenance"),
    "a revision of another kind": (provenance(bundles={"bspec": {"revision": 1}}), "engine.bad-provenance"),
    "no version": (provenance(version=...), "engine.bad-provenance"),
    "a version of another kind": (provenance(version=1), "engine.bad-provenance"),
    "a version that isn't": (provenance(version="1.0\x1b[31m"), "engine.bad-provenance"),
}  # fmt: skip


@pytest.mark.attack("A21")
@pytest.mark.attack("A23")
@pytest.mark.attack("A24")
@pytest.mark.parametrize("name", BODIES)
def test_reply_with(serve: Serve, name: str) -> None:
    body, code = BODIES[name]
    error = refusal(serve(answering(reply(body))).url)
    assert (error.code, error.exit_code) == (code, ExitCode.ENGINE)


@pytest.mark.attack("A27")
@pytest.mark.parametrize(
    "body",
    [said(ALLOWED, "r0"), said({}, "r0"), provenance(bundles={"bspec": {"revision": ""}})],
    ids=["another", "another without the rule", "empty"],
)
def test_stale_bundle(serve: Serve, body: bytes) -> None:
    error = refusal(serve(answering(reply(body))).url)
    assert (error.code, error.exit_code) == ("engine.stale-bundle", ExitCode.TRUST)


@pytest.mark.attack("A27")
def test_which_bundle_the_server_has_and_which_is_wanted(serve: Serve) -> None:
    wanted, other = "sha256:" + "0c" * 32, "sha256:" + "ab" * 32
    server = serve(answering(reply(said(ALLOWED, other))))
    with (
        RestEngine(server.url, revision=wanted, exported="default") as engine,
        pytest.raises(BspecError) as caught,
    ):
        engine.decide({})
    assert caught.value.problems[0].message == (
        f"{server.url} decides on another revision of the bundle bspec than the accepted one: "
        "it has sha256:abababababab…, wanted is sha256:0c0c0c0c0c0c…"
    )
    assert caught.value.problems[0].hint == (
        "bspec-opa bundle export default -o FILE writes it; let the server load that"
    )


GO_HEAD = b"HTTP/1.0 400 Bad Request\r\n\r\n"  # as Go's net/http has it


def test_a_server_that_wants_https(serve: Serve, tmp_path: Path) -> None:
    """Whether or not there is a token."""
    token = tmp_path / "token"
    token.write_text("s3cret")
    bodies = [
        (GO_HEAD + b"Client sent an HTTP request to an HTTPS server.\n", "; perhaps it demands https"),
        (reply(b"<html>The plain HTTP request was sent to HTTPS port", "400 No", media_type="text/html"), "; perhaps it demands https"),
        (reply(b'{"code": "invalid_parameter"}', "400 Bad Request"), " (invalid_parameter)"),
    ]  # fmt: skip
    for data, words in bodies:
        for file in (None, token):
            server = serve(leaving(data))
            expected = f"{server.url} answered with HTTP status 400{words}"
            assert str(refusal(server.url, token_file=file)) == expected


def test_a_bad_request_over_tls_is_no_lack_of_it(serve: Serve, tmp_path: Path) -> None:
    authority = Authority(tmp_path, "ours")
    server = serve(answering(reply(b"", "400 No")), serving(authority.issue("127.0.0.1")))
    assert str(refusal(server.url, ca=authority.file)) == f"{server.url} answered with HTTP status 400"


@pytest.mark.attack("A71")
def test_whether_a_token_was_sent_is_told(serve: Serve, tmp_path: Path) -> None:
    token, authority = tmp_path / "token", Authority(tmp_path, "ours")
    token.write_text("s3cret")
    cert, key = authority.issue("gate")
    server = serve(answering(reply(b'{"code": "unauthorized"}', "401 No")), serving(authority.issue("127.0.0.1")))
    ours: Any = {"cert": cert, "key": key}
    words = []
    for given in ({}, ours, {"token_file": token}, {"token_file": token, **ours}):
        text = str(refusal(server.url, ca=authority.file, **given))
        words.append(text.removeprefix(f"{server.url} answered with HTTP status 401 (unauthorized): "))
    missing = "no engine.token_file was given; give one, or look at the server's system.authz"
    assert words == [
        missing,
        missing,
        "the token in engine.token_file was refused; look at the server's system.authz",
        "the token in engine.token_file or our certificate (engine.cert) was refused; look at the server's system.authz",
    ]


def test_real_opa_with_another_revision_or_name(opa_urls: tuple[str, str]) -> None:
    request: Any = {"nonce": "n1", "environment": "staging", "tools": []}
    found = []
    for revision, name in (("r2", "bspec"), ("r1", "other")):
        with (
            RestEngine(opa_urls[1], revision=revision, bundle_name=name) as engine,
            pytest.raises(BspecError) as caught,
        ):
            engine.decide(request)
        found.append((caught.value.code, caught.value.exit_code))
    assert found == [("engine.stale-bundle", ExitCode.TRUST), ("engine.bad-provenance", ExitCode.ENGINE)]


NO_BODY = {204, 304}
STATUSES = [f"{s.value} {s.phrase}" for s in HTTPStatus if s.value not in {100, 200}] + [
    "299 Own",
    "600 Beyond",
    "999 Far",
]


@pytest.mark.attack("A24")
@pytest.mark.parametrize("status", STATUSES)
def test_status(serve: Serve, status: str) -> None:
    body = b"" if int(status[:3]) in NO_BODY or status[0] == "1" else said(ALLOWED)
    error = refusal(serve(answering(reply(body, status))).url)
    assert (error.code, error.exit_code) == ("engine.bad-status", ExitCode.ENGINE)
    assert f"HTTP status {status[:3]}" in str(error)


@pytest.mark.attack("A71")
def test_of_an_error_only_opas_own_code_is_repeated(serve: Serve) -> None:
    bodies = [
        (b'{"code": "evaluation_error", "message": "s3cret"}', "application/json", " (evaluation_error)"),
        (b'{"code": "s3cret"}', "application/json", ""),
        (b'{"code": 7}', "application/json", ""),
        (b'["evaluation_error"]', "application/json", ""),
        (b"{", "application/json", ""),
        (b'{"code": "evaluation_error"}', "text/plain", ""),
    ]
    for body, media_type, shown in bodies:
        server = serve(answering(reply(body, "500 Oops", media_type=media_type)))
        assert str(refusal(server.url)) == f"{server.url} answered with HTTP status 500{shown}"


@pytest.mark.attack("A24")
@pytest.mark.parametrize("media_type", ["text/html", "text/plain; charset=utf-8", "application/json-seq", ""])
def test_media_type(serve: Serve, media_type: str) -> None:
    assert refusal(serve(answering(reply(said(ALLOWED), media_type=media_type))).url).code == "engine.bad-reply"


@pytest.mark.attack("A59")
@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent"]
)
def test_redirects_are_not_followed(serve: Serve, status: str) -> None:
    other = serve(answering(reply(said(ALLOWED))))
    for target in (f"{other.url}/v1/data", f"//127.0.0.1:{other.port}/"):
        assert refusal(serve(answering(reply(b"", status, f"Location: {target}"))).url).code == "engine.bad-status"
    assert other.requests == []


def chunked(body: bytes, *, end: bytes = b"0\r\n\r\n") -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"%x\r\n%b\r\n" % (len(body), body) + end


def test_chunked_reply(serve: Serve) -> None:
    with RestEngine(serve(answering(chunked(said(ALLOWED)))).url, revision="r1") as engine:
        assert [engine.decide({}).decision for _ in range(2)] == [ALLOWED, ALLOWED]


def leaving(data: bytes) -> Callable[[Visit], None]:
    def behave(visit: Visit) -> None:
        visit.send(data)
        visit.connection.shutdown(socket.SHUT_RDWR)

    return behave


BROKEN = {
    "before the reply": b"",
    "in the status line": WHOLE[:9],
    "in the body": WHOLE[:-5],
    "before the body": WHOLE[: WHOLE.index(b"\r\n\r\n") + 4],
    "in a chunk": chunked(said(ALLOWED))[:-30],
    "before the last chunk": chunked(said(ALLOWED), end=b""),
    "with a chunk that isn't": chunked(said(ALLOWED), end=b"zz\r\n"),
    "with another protocol": b"SSH-2.0-OpenSSH\r\n",
    "with a head without end": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5000,
    "with a line without end": b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000,
    "with a length that isn't": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5, 6\r\n\r\n" + said(ALLOWED),
}  # fmt: skip


@pytest.mark.attack("A63")
@pytest.mark.parametrize("name", BROKEN)
def test_connection_ends(serve: Serve, name: str) -> None:
    error = refusal(serve(leaving(BROKEN[name])).url)
    assert (error.code, error.exit_code) == ("engine.unreachable", ExitCode.ENGINE)


@pytest.mark.attack("A63")
@pytest.mark.parametrize("length", range(20, WHOLE.index(b"{")))
def test_a_head_cut_off_is_no_answer(serve: Serve, length: int) -> None:
    """``http.client`` takes the end of the connection for the end of the head."""
    assert refusal(serve(leaving(WHOLE[:length])).url).code in {"engine.unreachable", "engine.bad-reply"}


@pytest.mark.attack("A25")
def test_reset(serve: Serve) -> None:
    assert refusal(serve(Visit.reset).url).code == "engine.unreachable"


def test_a_broken_exchange_is_not_repeated_and_leaves_nothing(serve: Serve) -> None:
    first = threading.Event()

    def answer(visit: Visit) -> None:
        if not first.is_set():
            first.set()
            visit.reset()
        else:
            visit.send(WHOLE)

    server = serve(answer)
    with RestEngine(server.url, revision="r1") as engine:
        with pytest.raises(BspecError) as caught:
            engine.decide({})
        assert caught.value.code == "engine.unreachable"
        assert len(server.requests) == 1
        assert engine.decide({}).decision == ALLOWED


def drip_head(visit: Visit) -> None:
    visit.drip(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000)


def drip_body(visit: Visit) -> None:
    head, _, body = WHOLE.partition(b"\r\n\r\n")
    visit.send(head.replace(b"Content-Length: ", b"Content-Length: 9") + b"\r\n\r\n")
    visit.drip(body + b" " * 10_000)


@pytest.mark.attack("A25")
@pytest.mark.attack("A61")
@pytest.mark.parametrize("behaviour", [Visit.hang, drip_head, drip_body])
def test_deadline_is_total(serve: Serve, behaviour: Callable[[Visit], None]) -> None:
    error = refusal(serve(behaviour).url, deadline_s=SHORT_S)
    assert (error.code, error.exit_code) == ("engine.timeout", ExitCode.ENGINE)


@pytest.mark.attack("A61")
def test_deadline_covers_a_server_that_doesnt_read() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=1) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with RestEngine(url, revision="r1", deadline_s=SHORT_S) as engine, pytest.raises(BspecError) as caught:
            engine.decide({"text": "x" * 20_000_000})
    assert caught.value.code == "engine.timeout"


@pytest.mark.attack("A61")
def test_deadline_covers_name_resolution() -> None:
    asked, leave = threading.Event(), threading.Event()

    def resolver(host: str, port: int) -> list[Any]:
        asked.set()
        leave.wait()
        return []

    error = refusal("http://opa.example.com:1", deadline_s=SHORT_S, resolver=resolver)
    leave.set()
    assert error.code == "engine.timeout"
    assert asked.is_set()


def test_deadline_starts_anew_with_each_request(serve: Serve) -> None:
    with RestEngine(serve(answering(WHOLE)).url, revision="r1", deadline_s=30) as engine:
        engine._transport._dialler.deadline.start(-1)
        assert engine.decide({}).decision == ALLOWED


@pytest.mark.attack("A62")
def test_body_over_the_limit(serve: Serve) -> None:
    huge = b'{"result": "' + b"x" * MAX_REPLY_BYTES + b'"}'
    for data in (reply(huge), chunked(huge), b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + huge):
        error = refusal(serve(leaving(data)).url)
        assert (error.code, error.exit_code) == ("engine.reply-too-large", ExitCode.ENGINE)


@pytest.mark.attack("A62")
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, gzip", "zstd", "x-unknown"])
def test_compressed_bomb_is_not_opened(serve: Serve, encoding: str) -> None:
    bomb = gzip.compress(b" " * 50_000_000 + said(ALLOWED))
    error = refusal(serve(answering(reply(bomb, "200 OK", f"Content-Encoding: {encoding}"))).url)
    assert error.code == "engine.bad-reply"


@pytest.mark.attack("A59")
@pytest.mark.attack("A62")
@pytest.mark.parametrize("status", ["200 OK", "302 Found", "307 Temporary Redirect", "500 No"])
@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_endless_body_of_a_redirect(serve: Serve, status: str, encoding: str) -> None:
    """``requests.Session.send`` reads and decompresses the whole body of a redirect, also of one not followed."""
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Encoding: {encoding}\r\nLocation: /x\r\n\r\n"
    )
    packer = zlib.compressobj(wbits=31)
    block = packer.compress(b" " * 1_000_000) + packer.flush(zlib.Z_FULL_FLUSH) if encoding == "gzip" else b" " * 65536

    def behave(visit: Visit) -> None:
        visit.send(head.encode())
        while not visit.leave.is_set():
            visit.send(block)

    code = "engine.bad-reply" if encoding == "gzip" else "engine.reply-too-large"
    assert refusal(serve(behave).url).code == code


EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
UNASKED = {
    "in one piece": (WHOLE + b"\0", None),
    "a whole reply more": (WHOLE + WHOLE, None),
    "as much as fits nowhere": (WHOLE + b" " * 300_000, None),
    "behind the last chunk": (chunked(said(ALLOWED)) + b"x", None),
    "behind hints": (EARLY + WHOLE, "engine.bad-status"),
}


@pytest.mark.attack("A24")
@pytest.mark.parametrize("over", ["http", "https"])
@pytest.mark.parametrize("name", UNASKED)
def test_more_than_one_reply(serve: Serve, tmp_path: Path, name: str, over: str) -> None:
    """It is no answer, and never becomes the answer to the next question."""
    data, code = UNASKED[name]
    authority = Authority(tmp_path, "ours")
    server = serve(answering(data), serving(authority.issue("127.0.0.1")) if over == "https" else None)
    with RestEngine(server.url, revision="r1", ca=authority.file if over == "https" else None) as engine:
        for asked in (1, 2):
            with pytest.raises(BspecError) as caught:
                engine.decide({})
            assert caught.value.code in {code, "engine.bad-reply"}
            assert (len(server.requests), server.accepted) == (asked, asked)


@pytest.mark.attack("A24")
def test_bytes_that_come_between_two_questions(serve: Serve) -> None:
    """The connection is given up before the second question is sent: nothing on it is its answer."""
    ready, sent = threading.Event(), threading.Event()

    def answer(visit: Visit) -> None:
        visit.send(WHOLE)
        if len(server.requests) == 1:
            assert ready.wait(30)
            visit.send(reply(said({"a": "lie"})))
            sent.set()

    server = serve(answer)
    with RestEngine(server.url, revision="r1") as engine:
        assert engine.decide({}).decision == ALLOWED
        ready.set()
        assert sent.wait(30)
        assert engine.decide({}).decision == ALLOWED
    assert (len(server.requests), server.accepted) == (2, 2)


def test_a_connection_is_not_kept_after_another_status(serve: Serve) -> None:
    server = serve(answering(reply(b"{}", "503 Busy")))
    with RestEngine(server.url, revision="r1") as engine:
        for _ in range(3):
            with pytest.raises(BspecError, match="503"):
                engine.decide({})
    assert (len(server.requests), server.accepted) == (3, 3)


@pytest.mark.attack("A24")
def test_two_lengths(serve: Serve) -> None:
    data = chunked(said(ALLOWED)).replace(b"Transfer", b"Content-Length: 5\r\nTransfer")
    assert refusal(serve(answering(data)).url).code == "engine.bad-reply"


def continuing(visit: Visit) -> None:
    while not visit.leave.is_set():
        visit.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


def trailing(visit: Visit) -> None:
    visit.send(chunked(said(ALLOWED), end=b"0\r\n"))
    visit.drip(b"X: y\r\n" * 100_000)


def chunk_line(visit: Visit) -> None:
    visit.send(chunked(said(ALLOWED), end=b""))
    visit.drip(b"1;" + b"x" * 60_000)


@pytest.mark.attack("A61")
@pytest.mark.parametrize("behaviour", [continuing, trailing, chunk_line])
def test_a_reply_that_never_gets_to_its_point(serve: Serve, behaviour: Callable[[Visit], None]) -> None:
    assert refusal(serve(behaviour).url, deadline_s=SHORT_S).code == "engine.timeout"


@pytest.mark.attack("A62")
@pytest.mark.parametrize(
    "endless", [b"X: " + b"y" * 65_536, b"X: y\r\n", b"1;" + b"x" * 65_536], ids=["line", "lines", "chunk"]
)
def test_a_head_without_end(serve: Serve, endless: bytes) -> None:
    """``http.client`` counts lines and their length; nothing is collected until the deadline."""

    def behave(visit: Visit) -> None:
        visit.send(b"HTTP/1.1 200 OK\r\n", b"Transfer-Encoding: chunked\r\n\r\n" if endless[:1] == b"1" else b"")
        while not visit.leave.is_set():
            visit.send(endless)

    assert refusal(serve(behave).url).code == "engine.unreachable"


def test_a_server_of_http_1_0(serve: Serve) -> None:
    server = serve(leaving(WHOLE.replace(b"HTTP/1.1", b"HTTP/1.0")))
    with RestEngine(server.url, revision="r1") as engine:
        assert [engine.decide({}).decision for _ in range(2)] == [ALLOWED, ALLOWED]
    assert server.accepted == 2


@pytest.mark.attack("A63")
def test_a_reply_whose_end_is_the_connections(serve: Serve) -> None:
    """HTTP can't tell that it was cut off; JSON can."""
    data = re.sub(rb"Content-Length: \d+\r\n", b"", WHOLE.replace(b"HTTP/1.1", b"HTTP/1.0"))
    with RestEngine(serve(leaving(data)).url, revision="r1") as engine:
        assert engine.decide({}).decision == ALLOWED
    assert refusal(serve(leaving(data[:-1])).url).code == "engine.bad-reply"


@pytest.mark.attack("A25")
def test_nobody_listens() -> None:
    error = refusal(f"http://127.0.0.1:{free_port()}")
    assert (error.code, error.exit_code) == ("engine.unreachable", ExitCode.ENGINE)
    assert "Connection refused" in str(error)


@pytest.mark.attack("A25")
def test_no_such_socket(tmp_path: Path) -> None:
    error = refusal(f"unix://{tmp_path}/none")
    assert error.code == "engine.unreachable"
    assert "No such file" in str(error)


@pytest.mark.parametrize("failure", [socket.gaierror(2, "s3cret"), UnicodeError("s3cret"), None])
def test_no_such_host(failure: Exception | None) -> None:
    asked: list[str] = []

    def resolver(host: str, port: int) -> list[Any]:
        asked.append(host)
        if failure is not None:
            raise failure
        return []

    error = refusal("http://opa.example.com:1", resolver=resolver)
    assert str(error) == "http://opa.example.com:1 can't be reached: no such host; start OPA there"
    assert error.code == "engine.unreachable"
    assert asked == ["opa.example.com"]


def test_next_address_of_a_host_is_tried(serve: Serve) -> None:
    server = serve(answering(WHOLE))
    here = (socket.AF_INET, socket.SOCK_STREAM, 0, "")

    def resolver(host: str, port: int) -> list[Any]:
        return [(*here, ("127.0.0.1", free_port())), (*here, ("127.0.0.1", server.port))]

    with RestEngine("http://opa.example.com:1", revision="r1", resolver=resolver) as engine:
        assert engine.decide({}).decision == ALLOWED
    assert b"Host: opa.example.com:1\r\n" in server.requests[0]


@pytest.mark.attack("A25")
def test_an_address_that_is_silent_leaves_time_for_the_next(serve: Serve) -> None:
    """A listener whose queue of callers is full lets callers wait; so does a firewall that drops what it gets."""
    server = serve(answering(WHOLE))
    here = (socket.AF_INET, socket.SOCK_STREAM, 0, "")
    with ExitStack() as stack:
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            caller = stack.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(full.getsockname())

        def resolver(host: str, port: int) -> list[Any]:
            return [(*here, full.getsockname()), (*here, ("127.0.0.1", server.port))]

        with RestEngine("http://opa.example.com:1", revision="r1", deadline_s=3, resolver=resolver) as engine:
            assert engine.decide({}).decision == ALLOWED


def pause_with(engine: RestEngine, pause: Callable[[float], None]) -> None:
    engine._transport._pause = pause


def test_waits_a_little_for_a_server_that_starts() -> None:
    port = free_port()
    started: list[Server] = []

    def start(_: float) -> None:
        started.append(Server(answering(WHOLE), port=port))

    with RestEngine(f"http://127.0.0.1:{port}", revision="r1") as engine:
        pause_with(engine, start)
        assert engine.decide({}).decision == ALLOWED
    assert len(started) == 1
    started[0].close()


def test_waits_only_so_often() -> None:
    pauses: list[float] = []
    with RestEngine(f"http://127.0.0.1:{free_port()}", revision="r1") as engine:
        pause_with(engine, pauses.append)
        with pytest.raises(BspecError) as caught:
            engine.decide({})
    assert caught.value.code == "engine.unreachable"
    assert pauses == [0.05, 0.2]


def test_doesnt_wait_longer_than_the_deadline() -> None:
    pauses: list[float] = []
    with RestEngine(f"http://127.0.0.1:{free_port()}", revision="r1", deadline_s=0.04) as engine:
        pause_with(engine, pauses.append)
        with pytest.raises(BspecError) as caught:
            engine.decide({})
    assert caught.value.code in {"engine.unreachable", "engine.timeout"}
    assert pauses == []


def before_the_reply(visit: Visit) -> None:
    visit.reset()


def in_the_reply(visit: Visit) -> None:
    visit.send(WHOLE[:30])
    visit.reset()


def without_a_word(visit: Visit) -> None:
    visit.connection.close()


@pytest.mark.attack("A25")
@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("behaviour", [before_the_reply, in_the_reply, without_a_word])
def test_what_may_have_been_evaluated_is_not_asked_again(
    serve: Serve, behaviour: Callable[[Visit], None], kept: bool
) -> None:
    """On a kept connection, too: that the server closes it now doesn't say that it has not read the question."""

    def answer(visit: Visit) -> None:
        behaviour(visit) if len(server.requests) == 1 + kept else visit.send(WHOLE)

    server = serve(answer)
    with RestEngine(server.url, revision="r1") as engine:
        pause_with(engine, lambda _: pytest.fail("waits for another try"))
        if kept:
            engine.decide({})
        with pytest.raises(BspecError) as caught:
            engine.decide({})
        assert caught.value.code == "engine.unreachable"
        assert (len(server.requests), server.accepted) == (1 + kept, 1)
        assert engine.decide({}).decision == ALLOWED
    assert (len(server.requests), server.accepted) == (2 + kept, 2)


def test_an_interrupted_question_leaves_no_answer_behind(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal's handler may raise anywhere; the answer that comes late is not taken for that to the next question."""

    class InterruptionError(BaseException):
        pass

    def interrupt(*_: Any) -> int:
        raise InterruptionError

    def count(visit: Visit) -> None:
        visit.send(reply(said({"n": len(server.requests)})))

    server = serve(count)
    with RestEngine(server.url, revision="r1") as engine:
        assert engine.decide({}).decision == {"n": 1}
        with monkeypatch.context() as patch:
            patch.setattr(PlainSocket, "recv_into", interrupt)
            with pytest.raises(InterruptionError):
                engine.decide({})
        assert engine.decide({}).decision == {"n": len(server.requests)}
        assert server.accepted == 2


@pytest.mark.attack("A58")
@pytest.mark.attack("A60")
def test_environment_is_ignored(serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    proxy, server = serve(answering(WHOLE)), serve(answering(WHOLE))
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login user password s3cret\n")
    netrc.chmod(0o600)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url)
        monkeypatch.setenv(name.lower(), proxy.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    with RestEngine(server.url, revision="r1") as engine:
        engine.decide({})
    assert proxy.requests == []
    assert len(server.requests) == 1
    assert b"uthorization" not in server.requests[0]


def test_cookies_are_not_kept(serve: Serve) -> None:
    server = serve(answering(reply(said(ALLOWED), "200 OK", "Set-Cookie: a=b; Path=/")))
    with RestEngine(server.url, revision="r1") as engine:
        engine.decide({})
        engine.decide({})
    assert [b"ookie" in r for r in server.requests] == [False, False]


@pytest.mark.attack("A71")
def test_token_is_sent_and_never_shown(serve: Serve, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret.token~+/==\n")
    echo = b'{"code": "s3cret.token~+/==", "s3cret.token~+/==": 1, "s3cret.token~+/==": 2}'
    replies = [
        reply(echo, "401 s3cret.token"),
        reply(echo),
        reply(said(ALLOWED, warning="s3cret.token")),
        WHOLE[:-4] + b"s3cret",
        b"HTTP/s3cret\r\n\r\n",
    ]
    errors: list[BspecError] = []
    requests: list[bytes] = []
    for data in replies:
        server = serve(leaving(data))
        errors.append(refusal(server.url, token_file=token))
        requests += server.requests
    assert [e.code for e in errors] == [
        "engine.bad-status",
        "engine.bad-reply",
        "engine.warning",
        "engine.bad-reply",
        "engine.unreachable",
    ]
    assert [b"Authorization: Bearer s3cret.token~+/==\r\n" in r for r in requests] == [True] * 5
    for error in errors:
        assert "s3cret" not in str(error)
        assert "s3cret" not in "".join(traceback.format_exception(error))


def test_token_is_read_again(serve: Serve, tmp_path: Path) -> None:
    token, server = tmp_path / "token", serve(answering(WHOLE))
    with RestEngine(server.url, revision="r1", token_file=token) as engine:
        for text in ("first", "second"):
            token.write_text(text)
            engine.decide({})
    assert [r.partition(b"Bearer ")[2].partition(b"\r")[0] for r in server.requests] == [b"first", b"second"]


def test_real_opa_demands_the_token(opa_path: Path, gate_bundle: Path, tmp_path: Path) -> None:
    authz = tmp_path / "authz.rego"
    authz.write_text(
        'package system.authz\n\ndefault allow := false\n\nallow if input.identity == "right"\n\nallow if input.path == ["health"]\n'
    )
    token = tmp_path / "token"
    codes: list[str] = []
    with opa_server(opa_path, gate_bundle, "--authentication=token", "--authorization=basic", str(authz)) as (url, _):
        for text in ("right", "wrong"):
            token.write_text(text)
            with RestEngine(url, revision="r1", token_file=token) as engine:
                try:
                    engine.decide({"nonce": "n", "environment": "staging", "tools": []})
                    codes.append("answered")
                except BspecError as e:
                    codes.append(str(e).removeprefix(url))
    refused = "the token in engine.token_file was refused; look at the server's system.authz"
    assert codes == ["answered", f" answered with HTTP status 401 (unauthorized): {refused}"]


def test_plain_http_over_a_network_is_told() -> None:
    with RestEngine("http://opa.example.com:8181", revision="r1") as engine:
        assert engine.notes == ("http://opa.example.com:8181 is not https: anybody on the way can answer in its place",)


@pytest.mark.attack("A74")
def test_secrets_that_everybody_may_read_are_told(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "ours")
    cert, key = authority.issue("client")
    token, link = tmp_path / "token", tmp_path / "link"
    token.write_text("s3cret", encoding="utf-8")
    link.symlink_to(token)
    for path in (key, token):
        path.chmod(0o640)
    with RestEngine("https://opa:1", revision="r1", cert=cert, key=key, token_file=link) as engine:
        quiet = engine.notes
        key.chmod(0o644)
        token.chmod(0o604)
        told = engine.notes
    words = "is a secret, and every user of this machine may read it"
    assert (quiet, told) == ((), (f"{link} {words}", f"{key} {words}"))


def test_closed_and_forked() -> None:
    engine = RestEngine(f"http://127.0.0.1:{free_port()}", revision="r1")
    engine._process += 1
    with pytest.raises(BspecError) as forked:
        engine.decide({})
    engine._process -= 1
    engine.close()
    engine.close()
    with pytest.raises(BspecError) as closed:
        engine.decide({})
    assert (forked.value.code, closed.value.code) == ("engine.closed", "engine.closed")


def test_request_that_cant_be_sent_is_not(serve: Serve) -> None:
    server = serve(answering(WHOLE))
    with RestEngine(server.url, revision="r1") as engine, pytest.raises(BspecError) as caught:
        engine.decide({"share": 0.5})  # type: ignore[dict-item]
    assert caught.value.code == "engine.unsendable"
    assert server.requests == []
