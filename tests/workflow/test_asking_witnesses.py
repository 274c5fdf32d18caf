"""Asking witnesses that mean no good, or that can't be asked at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hostile_witness import SIZE, giving, reply
from witnesses import FORKED, head, named, proof
from world import key_of, refused

from bspec_opa.ledger.witness.cosignature import sign_cosignature
from bspec_opa.workflow.checkout.config import Config, load_config
from bspec_opa.workflow.witness import asking
from bspec_opa.workflow.witness.asking import Head, ask_all

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.ledger.checkpoint import Checkpoint
    from bspec_opa.workflow.checkout.config import Value
    from bspec_opa.workflow.witness.asking import Answer

NOW = 1_780_000_000
HEAD = Head(head(8), lambda old: proof(old, 8), [named("w1"), named("w2")], 300)


def asked(*urls: str, **more: Value) -> tuple[Answer, ...]:
    values: dict[str, Value] = {"witness.urls": urls, **{f"witness.{k}": v for k, v in more.items()}}
    return ask_all(Config(values), HEAD, lambda: NOW)


def line(name: str, at: int = NOW, by: str = "", of: Checkpoint = HEAD.checkpoint) -> bytes:
    return f"{sign_cosignature(of, f'{name}.example', key_of(by or name), at).line()}\n".encode()


def test_what_counts_is_taken_and_what_does_not_is_left() -> None:
    body = line("w9") + line("w2") + line("w1", by="mallory") + line("w1", at=NOW + 300)
    with giving(reply("200 OK", body)) as url:
        (answer,) = asked(url)
    assert (answer.problem, answer.url) == (None, url)
    assert [(c.witness.name, c.at) for c in answer.cosigned] == [("w1.example", NOW + 300), ("w2.example", NOW)]


def test_what_is_sent_is_the_checkpoint_and_a_proof() -> None:
    heard: list[bytes] = []
    with giving(
        reply("409 Conflict", b"5\n", SIZE, "Connection: close\r\n"), reply("200 OK", line("w1")), heard=heard
    ) as url:
        assert asked(url)[0].problem is None
    heads, bodies = zip(*(h.split(b"\r\n\r\n") for h in heard), strict=True)
    named_in = {h.partition(b":")[0].lower() for head in heads for h in head.split(b"\r\n")[1:]}
    assert all(head.startswith(b"POST /add-checkpoint HTTP/1.1\r\n") for head in heads)
    known = {b"host", b"user-agent", b"accept", b"accept-encoding", b"content-type", b"content-length", b"connection"}
    assert named_in <= known
    note = HEAD.checkpoint.to_bytes()
    assert bodies[0] == b"old 0\n\n" + note
    assert bodies[1].startswith(b"old 5\n")
    assert bodies[1].endswith(b"=\n\n" + note)
    assert bodies[1].count(b"\n") == 1 + len(proof(5, 8)) + 1 + note.count(b"\n")


HOSTILE: dict[str, tuple[str, bytes]] = {
    "another key": ("witness.bad-answer", reply("200 OK", line("w1", by="mallory"))),
    "another tree": ("witness.bad-answer", reply("200 OK", line("w1", of=head(8, FORKED)))),
    "a smaller tree": ("witness.bad-answer", reply("200 OK", line("w1", of=head(5)))),
    "an unknown witness": ("witness.bad-answer", reply("200 OK", line("w9"))),
    "an old cosignature": ("witness.clock", reply("200 OK", line("w1", at=NOW - 301))),
    "one from the future": ("witness.clock", reply("200 OK", line("w1", at=NOW + 301))),
    "garbage": ("witness.bad-answer", reply("200 OK", b"\x00\xff" * 100)),
    "nothing": ("witness.bad-answer", reply("200 OK", b"")),
    "HTML": ("witness.bad-answer", reply("200 OK", b"<html>welcome</html>", "text/html")),
    "huge": ("witness.unreachable", reply("200 OK", b"x" * 1_000_000)),
    "a redirect": ("witness.bad-answer", reply("302 Found", line("w1"), more="Location: http://127.0.0.1:1/\r\n")),
    "no HTTP": ("witness.unreachable", b"SSH-2.0-OpenSSH_9.9\r\n"),
    "hanging up": ("witness.unreachable", b""),
    "compressed": ("witness.unreachable", reply("200 OK", line("w1"), more="Content-Encoding: gzip\r\n")),
    "a bug": ("witness.bad-answer", reply("500 Internal Server Error", b"")),
    "not known": ("witness.refused", reply("404 Not Found", b"")),
    "not trusted": ("witness.refused", reply("403 Forbidden", b"")),
    "no token": ("witness.refused", reply("401 Unauthorized", b"")),
    "a size without a type": ("witness.bad-answer", reply("409 Conflict", b"1\n")),
    "no size": ("witness.bad-answer", reply("409 Conflict", b"many\n", SIZE)),
    "more than there is": ("witness.other-history", reply("409 Conflict", b"999999999999999\n", SIZE)),
    "the same size": ("witness.other-history", reply("409 Conflict", b"0\n", SIZE)),
    "another history": ("witness.other-history", reply("422 Unprocessable Entity", b"")),
}


@pytest.mark.attack("A24")
@pytest.mark.attack("A59")
@pytest.mark.attack("A62")
@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_witness_gains_nothing(case: str) -> None:
    code, answer = HOSTILE[case]
    with giving(answer) as url:
        (found,) = asked(url)
    assert found.problem is not None
    assert (found.cosigned, found.problem.reason.code) == ((), code)
    told = f"{found.problem.message} {found.problem.hint}"
    assert url in told
    assert "engine" not in told
    assert "OPA" not in told.replace("BSPEC_OPA", "")


@pytest.mark.attack("A61")
def test_a_witness_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "DEADLINE_S", 0.2)
    with giving(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nx") as url:
        (found,) = asked(url)
    assert found.problem is not None
    assert found.problem.reason.code == "witness.unreachable"


def test_a_witness_that_never_agrees_is_given_up() -> None:
    sizes = (reply("409 Conflict", b"%d\n" % n, SIZE, "Connection: close\r\n") for n in (1, 2, 1, 2, 1, 2))
    with giving(*sizes) as url:
        (found,) = asked(url)
    assert found.problem is not None
    assert "cosigned others 5 times" in found.problem.message


@pytest.mark.attack("A60")
@pytest.mark.parametrize(
    "url",
    ["127.0.0.1:80", "ftp://w1.example", "https://user:secret@w1.example", "https://w1.example/a/path", "http://["],
)
def test_urls_that_can_not_be_asked(url: str) -> None:
    with refused("witness.bad-settings") as raised:
        asked(url)
    assert "secret" not in str(raised.value)


@pytest.mark.attack("A71")
def test_a_token_is_not_given_away(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("token-0123456789abcdef\n", encoding="ascii")
    with refused("witness.bad-settings") as raised:
        asked("http://w1.example", token_file=str(token))
    assert "in the clear" in str(raised.value)
    # Where a checkout says whom to ask, nobody gets a token.
    (tmp_path / "bspec-opa.toml").write_text('[witness]\nurls = ["https://w1.example"]\n', encoding="utf-8")
    config = load_config(tmp_path, {"BSPEC_OPA_WITNESS_TOKEN_FILE": str(token)}, {})
    with refused("witness.bad-settings") as raised:
        ask_all(config, HEAD, lambda: NOW)
    assert "is not sent where bspec-opa.toml says" in str(raised.value)
    (tmp_path / "bspec-opa.toml").write_text('[witness]\ntoken_file = "token"\n', encoding="utf-8")
    with refused("config.bad-value") as raised:
        load_config(tmp_path, {}, {})
    assert "witness.token_file is not accepted here" in str(raised.value)


def test_where_urls_may_stand(tmp_path: Path) -> None:
    (tmp_path / "bspec-opa.toml").write_text('[witness]\nurls = ["https://w1", "https://w2"]\n', encoding="utf-8")
    assert load_config(tmp_path, {}, {}).texts("witness.urls") == ("https://w1", "https://w2")
    variables = {"BSPEC_OPA_WITNESS_URLS": "  https://w3\thttps://w4 "}
    config = load_config(tmp_path, variables, {})
    assert (config.texts("witness.urls"), config.from_checkout) == (("https://w3", "https://w4"), frozenset())
    flags: dict[str, Value | None] = {"witness.urls": ("https://w5",)}
    assert load_config(tmp_path, variables, flags).texts("witness.urls") == ("https://w5",)
    for wrong in ('"https://w1"', "[]", "[1]", '[""]'):
        (tmp_path / "bspec-opa.toml").write_text(f"[witness]\nurls = {wrong}\n", encoding="utf-8")
        with refused("config.bad-value"):
            load_config(tmp_path, {}, {})
    with refused("config.bad-value"):
        load_config(None, {"BSPEC_OPA_WITNESS_URLS": " "}, {})
