"""TLS and tokens: files that can't be used are refused early, and only given authorities count."""

from __future__ import annotations

import os
import socket
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from certificates import Authority, serving
from middleman import Relay
from sidecars import Visit, opa_server, reply, said

from bspec_opa.engine.address import parse_address
from bspec_opa.engine.credentials import Credentials, check_use, read_token, tls_context
from bspec_opa.engine.rest import RestEngine
from bspec_opa.foundation.errors import BspecError, ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sidecars import Server

    Serve = Callable[..., Server]

DECISION = {"said": 1}


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "ours")


@pytest.fixture
def rogue(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "rogue")


def answer(visit: Visit) -> None:
    visit.send(reply(said(DECISION)))


def outcome(url: str, *, deadline_s: float = 30, **named: Any) -> Any:
    try:
        with RestEngine(url, revision="r1", deadline_s=deadline_s, **named) as engine:
            return [engine.decide({}).decision for _ in range(2)][1]
    except BspecError as e:
        return e.code, e.exit_code, str(e).removeprefix(f"no trusted connection to {url}: ")


def test_a_server_of_a_given_authority(serve: Serve, authority: Authority) -> None:
    server = serve(answer, serving(authority.issue("127.0.0.1")))
    assert outcome(server.url, ca=authority.file) == DECISION
    assert len(server.requests) == 2


UNKNOWN = (
    "engine.untrusted-server",
    ExitCode.ENGINE,
    "the certificate is not signed by a known authority, or not valid now",
)


@pytest.mark.attack("A57")
def test_rogue_authority(serve: Serve, authority: Authority, rogue: Authority) -> None:
    server = serve(answer, serving(rogue.issue("127.0.0.1")))
    assert outcome(server.url, ca=authority.file) == UNKNOWN
    assert server.requests == []


@pytest.mark.attack("A57")
@pytest.mark.parametrize("name", ["127.0.0.2", "localhost", "opa.example.com"])
def test_certificate_for_another_host(serve: Serve, authority: Authority, name: str) -> None:
    server = serve(answer, serving(authority.issue(name)))
    words = "the certificate is for another address"
    assert outcome(server.url, ca=authority.file) == ("engine.untrusted-server", ExitCode.ENGINE, words)
    assert server.requests == []


@pytest.mark.attack("A57")
def test_certificate_for_another_host_name(serve: Serve, authority: Authority) -> None:
    server = serve(answer, serving(authority.issue("other.example.com")))

    def resolver(host: str, port: int) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", server.port))]

    words = "the certificate is for another host"
    found = outcome("https://opa.example.com:443", ca=authority.file, resolver=resolver)
    assert found == ("engine.untrusted-server", ExitCode.ENGINE, words)


@pytest.mark.attack("A57")
def test_client_certificate(serve: Serve, authority: Authority, rogue: Authority) -> None:
    server = serve(answer, serving(authority.issue("127.0.0.1"), authority.file))
    cert, key = authority.issue("client")
    other_cert, other_key = rogue.issue("client")
    assert outcome(server.url, ca=authority.file, cert=cert, key=key) == DECISION
    refused = [
        outcome(server.url, ca=authority.file),
        outcome(server.url, ca=authority.file, cert=other_cert, key=other_key),
    ]
    assert {r[0] for r in refused} <= {"engine.untrusted-server", "engine.unreachable"}
    assert len(server.requests) == 2


def test_certificate_and_key_in_one_file(serve: Serve, authority: Authority) -> None:
    server = serve(answer, serving(authority.issue("127.0.0.1"), authority.file))
    cert, key = authority.issue("client")
    cert.write_bytes(cert.read_bytes() + key.read_bytes())
    assert outcome(server.url, ca=authority.file, cert=cert) == DECISION


@pytest.mark.attack("A58")
def test_authorities_of_the_environment_dont_count(
    serve: Serve, rogue: Authority, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(answer, serving(rogue.issue("127.0.0.1")))
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(rogue.file))
    monkeypatch.setenv("SSL_CERT_DIR", str(rogue.directory))
    assert outcome(server.url) == UNKNOWN
    assert outcome(server.url, ca=authority.file) == UNKNOWN


def test_old_protocol(serve: Serve, authority: Authority) -> None:
    context = serving(authority.issue("127.0.0.1"))
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1 is deprecated"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1_1 is deprecated"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    found = outcome(serve(answer, context).url, ca=authority.file)
    assert found[0] in {"engine.untrusted-server", "engine.unreachable"}


def test_a_server_that_speaks_no_tls(serve: Serve, authority: Authority) -> None:
    server = serve(answer)
    assert outcome(server.url.replace("http", "https"), ca=authority.file, deadline_s=0.3)[0] == "engine.timeout"


def drip_over_tls(visit: Visit) -> None:
    visit.drip(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000)


@pytest.mark.attack("A61")
@pytest.mark.parametrize("behaviour", [drip_over_tls, Visit.hang])
def test_deadline_over_tls(serve: Serve, authority: Authority, behaviour: Callable[[Visit], None]) -> None:
    server = serve(behaviour, serving(authority.issue("127.0.0.1")))
    with (
        RestEngine(server.url, revision="r1", ca=authority.file, deadline_s=0.3) as engine,
        pytest.raises(BspecError) as caught,
    ):
        engine.decide({})
    assert caught.value.code == "engine.timeout"


@pytest.mark.attack("A61")
def test_deadline_covers_the_handshake(authority: Authority) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        with (
            RestEngine(url, revision="r1", ca=authority.file, deadline_s=0.3) as engine,
            pytest.raises(BspecError) as caught,
        ):
            engine.decide({})
    assert caught.value.code == "engine.timeout"


REQUEST: dict[str, Any] = {"nonce": "n", "environment": "staging", "tools": []}


@pytest.mark.parametrize("tls", ["none", "server", "mutual"])
def test_one_connection_to_a_real_opa_for_many_decisions(
    opa_path: Path, gate_bundle: Path, authority: Authority, tls: str
) -> None:
    """Counted between us and OPA. When it has ended in the meantime, another one is made, and nothing is asked twice."""
    cert, key = authority.issue("127.0.0.1", "localhost")
    ours, our_key = authority.issue("client")
    options = [] if tls == "none" else [f"--tls-cert-file={cert}", f"--tls-private-key-file={key}"]
    files: dict[str, Any] = {} if tls == "none" else {"ca": authority.file}
    if tls == "mutual":
        options += ["--authentication=tls", f"--tls-ca-cert-file={authority.file}"]
        files |= {"cert": ours, "key": our_key}
    with (
        opa_server(opa_path, gate_bundle, *options, tls=tls != "none") as (url, _),
        Relay(url) as relay,
        RestEngine(relay.url, revision="r1", **files) as engine,
    ):
        versions = {engine.decide(REQUEST).facts[0].version for _ in range(100)}
        assert (relay.accepted, versions) == (1, {"1.22.2"})
        relay.hang_up()
        assert engine.decide(REQUEST).facts[0].version == "1.22.2"
        assert relay.accepted == 2


CERT, KEY, CA, TOKEN = ("cert", "key", "ca", "token_file")
MISUSE = [
    ("http://localhost", {CA}),
    ("http://localhost", {CERT, KEY}),
    ("unix:///run/opa.sock", {CA}),
    ("https://opa", {KEY}),
    ("http://opa.example.com", {TOKEN}),
]


@pytest.mark.parametrize(("url", "given"), MISUSE)
def test_credentials_that_would_not_be_used_or_be_given_away(url: str, given: set[str], tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        check_use(Credentials(**dict.fromkeys(given, tmp_path)), parse_address(url))
    assert (caught.value.code, caught.value.exit_code) == ("engine.bad-credentials", ExitCode.USAGE)


def test_credentials_that_may_be_used(tmp_path: Path) -> None:
    for url in ("http://localhost", "http://127.0.0.1", "http://[::1]", "unix:///run/opa.sock", "https://opa"):
        check_use(Credentials(token_file=tmp_path), parse_address(url))
    check_use(Credentials(ca=tmp_path, cert=tmp_path, key=tmp_path), parse_address("https://opa"))


def test_files_that_cant_be_used(tmp_path: Path, authority: Authority, capfd: pytest.CaptureFixture[str]) -> None:
    nothing, junk = tmp_path / "nothing", tmp_path / "junk"
    junk.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    cert, key = authority.issue("client")
    _, other_key = authority.issue("other")
    _, locked = authority.issue("locked", passphrase=b"s3cret")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    bad = [
        Credentials(ca=nothing),
        Credentials(ca=pipe),
        Credentials(ca=Path("/dev/zero")),
        Credentials(ca=authority.file, cert=pipe, key=key),
        Credentials(ca=authority.file, cert=cert, key=pipe),
        Credentials(ca=authority.file, cert=pipe),
        Credentials(ca=junk),
        Credentials(ca=key),
        Credentials(ca=authority.file, cert=nothing, key=key),
        Credentials(ca=authority.file, cert=cert),
        Credentials(ca=authority.file, cert=cert, key=nothing),
        Credentials(ca=authority.file, cert=cert, key=other_key),
        Credentials(ca=authority.file, cert=cert, key=locked),
    ]
    codes = []
    for credentials in bad:
        with pytest.raises(UsageError) as caught:
            tls_context(credentials)
        codes.append(caught.value.code)
    assert codes == ["engine.bad-credentials"] * len(bad)
    assert capfd.readouterr() == ("", "")


def test_authorities_behind_a_link_and_with_remarks(tmp_path: Path, authority: Authority) -> None:
    remarked, link = tmp_path / "remarked", tmp_path / "link"
    remarked.write_text("Stammzertifikat für alle\n" + authority.file.read_text(), encoding="utf-8")
    link.symlink_to(remarked)
    assert tls_context(Credentials(ca=link)).cert_store_stats()["x509"] == 1


@pytest.mark.parametrize("text", ["", "\n", "two words", "line\nbreak", "t\u00f6ken", "a\r\nX: y", "=", "x" * 20_000])
@pytest.mark.attack("A71")
def test_no_token(tmp_path: Path, text: str) -> None:
    path = tmp_path / "token"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        read_token(path)
    assert caught.value.code == "engine.bad-credentials"
    assert text.strip() == "" or text[:5] not in str(caught.value).replace(str(path), "")


def test_no_token_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read_token(tmp_path / "token")
    assert caught.value.code == "engine.bad-credentials"


def test_token_behind_links_as_kubernetes_mounts_it(tmp_path: Path) -> None:
    (tmp_path / "..2026").mkdir()
    (tmp_path / "..2026" / "token").write_text("abc.def-_~+/9==\r\n")
    (tmp_path / "..data").symlink_to("..2026")
    (tmp_path / "token").symlink_to("..data/token")
    assert read_token(tmp_path / "token") == "abc.def-_~+/9=="
