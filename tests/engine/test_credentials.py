"""TLS and tokens: files that can't be used are refused early, and only given authorities count."""

from __future__ import annotations

import os
import socket
import ssl
import threading
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from certificates import Authority, serving
from middleman import Relay
from sidecars import Visit, opa_server, reply, said

from bspec_opa.engine.address import parse_address
from bspec_opa.engine.credentials import Credentials, check_use, exposed, read_token, tls_context
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


def untrusted(words: str) -> tuple[str, ExitCode, str]:
    return "engine.untrusted-server", ExitCode.ENGINE, words


UNKNOWN = untrusted("the server's certificate is not from an authority in engine.ca; add the one that issued it there")
NOT_PUBLIC = untrusted(
    "the server's certificate is not from a publicly known authority; name its authority with engine.ca"
)
NAMES = "write a name of its subjectAltName into engine.url, or add this one there"


@pytest.mark.attack("A57")
def test_rogue_authority(serve: Serve, authority: Authority, rogue: Authority) -> None:
    server = serve(answer, serving(rogue.issue("127.0.0.1")))
    assert outcome(server.url, ca=authority.file) == UNKNOWN
    assert server.requests == []


@pytest.mark.attack("A57")
@pytest.mark.parametrize("name", ["127.0.0.2", "localhost", "opa.example.com"])
def test_certificate_for_another_host(serve: Serve, authority: Authority, name: str) -> None:
    server = serve(answer, serving(authority.issue(name)))
    words = f"the server's certificate is not for the address 127.0.0.1; {NAMES}"
    assert outcome(server.url, ca=authority.file) == untrusted(words)
    assert server.requests == []


def at(server: Server) -> Callable[[str, int], list[Any]]:
    """A resolver that finds every host at a server of ours."""
    return lambda *_: [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", server.port))]


OPA = "https://opa.example.com:443"
ANOTHER_NAME = untrusted(f"the server's certificate is not for the host opa.example.com; {NAMES}")


@pytest.mark.attack("A57")
def test_certificate_for_another_host_name(serve: Serve, authority: Authority) -> None:
    server = serve(answer, serving(authority.issue("other.example.com")))
    assert outcome(OPA, ca=authority.file, resolver=at(server)) == ANOTHER_NAME
    assert server.requests == []


@pytest.mark.attack("A57")
def test_a_common_name_is_no_name_of_a_host(serve: Serve, authority: Authority) -> None:
    """It is free text, which authorities check for nothing."""
    named = serve(answer, serving(authority.issue("opa.example.com")))
    assert outcome(OPA, ca=authority.file, resolver=at(named)) == DECISION
    server = serve(answer, serving(authority.issue("opa.example.com", alternative=False)))
    assert outcome(OPA, ca=authority.file, resolver=at(server)) == ANOTHER_NAME
    assert server.requests == []


@pytest.mark.parametrize(("days", "words"), [((-3, -1), "has expired; renew it"), ((2, 3), "is not valid yet; wait")])
@pytest.mark.attack("A57")
def test_certificate_of_another_time(serve: Serve, authority: Authority, days: tuple[int, int], words: str) -> None:
    server = serve(answer, serving(authority.issue("127.0.0.1", days=days)))
    said_so = f"the server's certificate, or its authority's, {words}, or correct this machine's clock"
    assert outcome(server.url, ca=authority.file) == untrusted(said_so)
    assert server.requests == []


LOG = "look at the server's log"
WANTED = "the server wants a client certificate; give engine.cert and engine.key"
BROKEN_OFF = "the server broke the handshake off; perhaps it wants a client certificate: engine.cert and engine.key"
REFUSED = f"the server refuses our certificate (engine.cert): not from an authority that it knows; {LOG}"


@pytest.mark.attack("A57")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_client_certificate(serve: Serve, authority: Authority, rogue: Authority, version: ssl.TLSVersion) -> None:
    context = serving(authority.issue("127.0.0.1"), authority.file)
    context.minimum_version = context.maximum_version = version
    server = serve(answer, context)
    cert, key = authority.issue("client")
    other_cert, other_key = rogue.issue("client")
    assert outcome(server.url, ca=authority.file, cert=cert, key=key) == DECISION
    without = outcome(server.url, ca=authority.file)
    assert without == untrusted(WANTED if version is ssl.TLSVersion.TLSv1_3 else BROKEN_OFF)
    assert outcome(server.url, ca=authority.file, cert=other_cert, key=other_key) == untrusted(REFUSED)
    assert len(server.requests) == 2


def hanging_up(listener: socket.socket, said: bytes) -> None:
    """Hears the first bytes of one caller, says something and hangs up."""
    with suppress(OSError):
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(said)


HANGS_UP = {
    "https": "perhaps it demands a client certificate (engine.cert)",
    "https with ours": "perhaps it refuses our certificate (engine.cert)",
    "http": "perhaps it demands https",
    "unix": "",
}


@pytest.mark.parametrize("how", HANGS_UP)
def test_a_server_that_hangs_up_without_a_word(tmp_path: Path, authority: Authority, how: str) -> None:
    """It is guessed why, for which there is a different reason each time."""
    cert, key = authority.issue("client")
    files: dict[str, Any] = {
        "https": {"ca": authority.file},
        "https with ours": {"ca": authority.file, "cert": cert, "key": key},
    }
    unix = how == "unix"
    place: Any = str(tmp_path / "opa.sock") if unix else ("127.0.0.1", 0)
    with socket.create_server(place, family=socket.AF_UNIX if unix else socket.AF_INET) as listener:
        url = f"unix://{place}" if unix else f"{how[:5].strip()}://127.0.0.1:{listener.getsockname()[1]}"
        thread = threading.Thread(target=hanging_up, args=(listener, b""))
        thread.start()
        found = outcome(url, **files.get(how, {}))
        thread.join()
    guess = f"; {HANGS_UP[how]}" if HANGS_UP[how] else ""
    words = f"the connection to {url} broke in the middle; {LOG}{guess}"
    assert found == ("engine.unreachable", ExitCode.ENGINE, words)


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
    assert outcome(server.url) == NOT_PUBLIC
    assert outcome(server.url, ca=authority.file) == UNKNOWN


def test_old_protocol(serve: Serve, authority: Authority) -> None:
    context = serving(authority.issue("127.0.0.1"))
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1 is deprecated"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1_1 is deprecated"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    found = outcome(serve(answer, context).url, ca=authority.file)
    assert found == untrusted("the server offers no TLS of version 1.2 or later; let it offer 1.2 or 1.3")


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH\r\n"])
def test_a_server_that_answers_without_tls(authority: Authority, said: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=hanging_up, args=(listener, said))
        thread.start()
        found = outcome(f"https://127.0.0.1:{listener.getsockname()[1]}", ca=authority.file)
        thread.join()
    assert found == untrusted("no TLS there; perhaps it is http://")


def test_a_server_without_tls_that_waits(serve: Serve, authority: Authority) -> None:
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


@pytest.mark.parametrize("tls", [*(pytest.param(t, marks=pytest.mark.soak) for t in ("none", "server")), "mutual"])
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
NOT_HTTPS = "a CA, certificate or key is given, but the engine URL is not https; write https://, or leave them out"
MISUSE = [
    ("http://localhost", {CA}, NOT_HTTPS),
    ("http://localhost", {CERT, KEY}, NOT_HTTPS),
    ("unix:///run/opa.sock", {CA}, NOT_HTTPS),
    ("https://opa", {KEY}, "a client key (engine.key) is given without its certificate; give engine.cert"),
    ("http://opa.example.com", {TOKEN}, "a token would cross the network in the clear; use https"),
]


@pytest.mark.parametrize(("url", "given", "words"), MISUSE)
def test_credentials_that_would_not_be_used_or_be_given_away(
    url: str, given: set[str], words: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as caught:
        check_use(Credentials(**dict.fromkeys(given, tmp_path)), parse_address(url))
    assert (caught.value.code, caught.value.exit_code) == ("engine.bad-credentials", ExitCode.USAGE)
    assert str(caught.value) == words


def test_credentials_that_may_be_used(tmp_path: Path) -> None:
    for url in ("http://localhost", "http://127.0.0.1", "http://[::1]", "unix:///run/opa.sock", "https://opa"):
        check_use(Credentials(token_file=tmp_path), parse_address(url))
    check_use(Credentials(ca=tmp_path, cert=tmp_path, key=tmp_path), parse_address("https://opa"))


@pytest.fixture
def files(tmp_path: Path, authority: Authority) -> dict[str, Path]:
    """By name; ``nothing`` doesn't exist, and detours and links lead to what does."""
    found = {"nothing": tmp_path / "nothing", "ca": authority.file, "dir": tmp_path, "zero": Path("/dev/zero")}
    found["cert"], found["key"] = authority.issue("client")
    _, found["other key"] = authority.issue("other")
    found["locked"], found["locked key"] = authority.issue("locked", passphrase=b"s3cret")
    found["old locked key"] = tmp_path / "old"
    found["old locked key"].write_text(
        "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END EC PRIVATE KEY-----\n"
    )
    found["junk"] = tmp_path / "junk"
    found["junk"].write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    found["junk key"] = tmp_path / "junk.key"
    found["junk key"].write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    found["locked in one"] = tmp_path / "one"
    found["locked in one"].write_bytes(found["locked"].read_bytes() + found["locked key"].read_bytes())
    found["pipe"] = tmp_path / "pipe"
    os.mkfifo(found["pipe"])
    found["dangling"] = tmp_path / "dangling"
    found["dangling"].symlink_to("gone")
    return found


FIND = "name a regular file of at most 16 MiB that this user may read"
THE_CA, THE_CERT, THE_KEY = "the CA file (engine.ca)", "the certificate (engine.cert)", "the key (engine.key)"
NO_CA = "holds no certificate; give the authority's, as PEM"
NO_CERT = f"{THE_CERT} holds none; give ours, as PEM"
NO_KEY = "holds no private key that can be read; give one, as PEM"
PASSPHRASE = "has a passphrase, and nobody is asked for one; write it without: openssl pkey -in KEY -out NEW"
OTHER = "belongs to another certificate than the one in engine.cert; give the key that was made with it"
BAD = [
    (("nothing", "", ""), "nothing", f"{THE_CA} is not found; correct the path"),
    (("pipe", "", ""), "pipe", f"{THE_CA} can't be read; {FIND}"),
    (("dir", "", ""), "dir", f"{THE_CA} can't be read; {FIND}"),
    (("zero", "", ""), "zero", f"{THE_CA} can't be read; {FIND}"),
    (("dangling", "", ""), "dangling", f"{THE_CA} can't be read; {FIND}"),
    (("junk", "", ""), "junk", f"{THE_CA} {NO_CA}"),
    (("key", "", ""), "key", f"{THE_CA} {NO_CA}"),
    (("ca", "nothing", "key"), "nothing", f"{THE_CERT} is not found; correct the path"),
    (("ca", "pipe", "key"), "pipe", f"{THE_CERT} can't be read; {FIND}"),
    (("ca", "pipe", ""), "pipe", f"{THE_CERT} can't be read; {FIND}"),
    (("ca", "junk", "key"), "junk", NO_CERT),
    (("ca", "key", "key"), "key", NO_CERT),
    (("ca", "key", ""), "key", NO_CERT),
    (("ca", "cert", ""), "cert", f"{THE_CERT} comes without its key; give engine.key"),
    (("ca", "cert", "nothing"), "nothing", f"{THE_KEY} is not found; correct the path"),
    (("ca", "cert", "pipe"), "pipe", f"{THE_KEY} can't be read; {FIND}"),
    (("ca", "cert", "junk"), "junk", f"{THE_KEY} {NO_KEY}"),
    (("ca", "cert", "junk key"), "junk key", f"{THE_KEY} {NO_KEY}"),
    (("ca", "cert", "cert"), "cert", f"{THE_KEY} {NO_KEY}"),
    (("ca", "cert", "other key"), "other key", f"{THE_KEY} {OTHER}"),
    (("ca", "locked", "locked key"), "locked key", f"{THE_KEY} {PASSPHRASE}"),
    (("ca", "cert", "old locked key"), "old locked key", f"{THE_KEY} {PASSPHRASE}"),
    (("ca", "locked in one", ""), "locked in one", f"the key (engine.cert) {PASSPHRASE}"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "guilty", "words"), BAD)
def test_files_that_cant_be_used(
    files: dict[str, Path], capfd: pytest.CaptureFixture[str], given: tuple[str, ...], guilty: str, words: str
) -> None:
    with pytest.raises(UsageError) as caught:
        tls_context(Credentials(*(files[name] if name else None for name in given)))
    assert (caught.value.code, str(caught.value)) == ("engine.bad-credentials", f"{files[guilty]}: {words}")
    assert capfd.readouterr() == ("", "")


def test_a_certificate_with_a_weak_key(tmp_path: Path, authority: Authority) -> None:
    cert, key = authority.weak()
    with pytest.raises(UsageError) as caught:
        tls_context(Credentials(authority.file, cert, key))
    assert str(caught.value) == f"{cert}: {THE_CERT} has a weak key or signature; give a stronger one"


def test_places_are_told_without_detours(tmp_path: Path) -> None:
    """Unless a link makes the detour lead elsewhere."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "link").symlink_to("a/b")
    shown = []
    for path in ("a/../ca.pem", "./a//ca.pem", "link/../ca.pem"):
        with pytest.raises(UsageError) as caught:
            tls_context(Credentials(ca=Path(f"{tmp_path}/{path}")))
        place = caught.value.problems[0].location
        assert place is not None
        shown.append(place.file.removeprefix(f"{tmp_path}/"))
    assert shown == ["ca.pem", "a/ca.pem", "link/../ca.pem"]


@pytest.mark.attack("A71")
@pytest.mark.parametrize("option", ["ca", "cert", "key"])
def test_a_key_in_place_of_its_file_is_not_shown(authority: Authority, option: str) -> None:
    cert, key = authority.issue("client")
    text = key.read_text(encoding="ascii")
    for secret in (text, text.replace("\n", ""), "".join(text.splitlines()[1:-1]), "nul\0s3cret"):
        given = {"ca": authority.file, "cert": cert, "key": key} | {option: Path(secret)}
        with pytest.raises(UsageError) as caught:
            tls_context(Credentials(**given))
        what = {"ca": THE_CA, "cert": THE_CERT, "key": THE_KEY}[option]
        assert str(caught.value) == f"{what} is not found; correct the path"
        assert caught.value.problems[0].location is None
        assert secret[:40] not in "".join(traceback.format_exception(caught.value, chain=True))


def test_authorities_behind_a_link_and_with_remarks(tmp_path: Path, authority: Authority) -> None:
    remarked, link = tmp_path / "remarked", tmp_path / "link"
    remarked.write_text("Stammzertifikat für alle\n" + authority.file.read_text(), encoding="utf-8")
    link.symlink_to(remarked)
    assert tls_context(Credentials(ca=link)).cert_store_stats()["x509"] == 1


FORM = "write one line, the token alone, without 'Bearer '"
NO_TOKENS = {
    "": "is empty",
    "\n": "is empty",
    " \r\n": "is empty",
    "line\nbreak": "has several lines",
    "token\n\n": "has several lines",
    "a\r\nX: y": "has several lines",
    "Bearer abcdef": "begins with 'Bearer '",
    "bearer abcdef\n": "begins with 'Bearer '",
    "two words": "holds no bearer token (RFC 6750)",
    " abcdef": "holds no bearer token (RFC 6750)",
    "t\u00f6ken": "holds no bearer token (RFC 6750)",
    "=": "holds no bearer token (RFC 6750)",
}


@pytest.mark.attack("A71")
@pytest.mark.parametrize("text", NO_TOKENS)
def test_no_token(tmp_path: Path, text: str) -> None:
    path = tmp_path / "file"
    path.write_text(text, encoding="utf-8", newline="")
    with pytest.raises(UsageError) as caught:
        read_token(path)
    assert caught.value.code == "engine.bad-credentials"
    assert str(caught.value) == f"{path}: the token file (engine.token_file) {NO_TOKENS[text]}; {FORM}"


@pytest.mark.parametrize("kind", ["too long", "a directory", "a dangling link"])
def test_a_token_file_that_cant_be_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "token"
    if kind == "too long":
        path.write_text("x" * 20_000, encoding="ascii")
    elif kind == "a directory":
        path.mkdir()
    else:
        path.symlink_to("gone")
    with pytest.raises(UsageError) as caught:
        read_token(path)
    hint = "name a regular file of at most 16384 bytes that this user may read"
    assert str(caught.value) == f"{path}: the token file (engine.token_file) can't be read; {hint}"


@pytest.mark.attack("A71")
@pytest.mark.parametrize(
    "name", ["s3cret.token", "a/b+s3cret==", "s3cret" * 200, "Bearer s3cret", "s3cret\n", "s3cret\0"]
)
def test_a_token_in_place_of_its_file_is_not_shown(tmp_path: Path, name: str) -> None:
    for path in (Path(name), tmp_path / name):
        with pytest.raises(UsageError) as caught:
            read_token(path)
        assert str(caught.value) == (
            "the file named by engine.token_file is not found; "
            "give the path of a file that holds the token, not the token itself"
        )
        assert caught.value.problems[0].location is None
        assert "s3cret" not in "".join(traceback.format_exception(caught.value))
        assert exposed(Credentials(token_file=path)) == []


def test_token_behind_links_as_kubernetes_mounts_it(tmp_path: Path) -> None:
    (tmp_path / "..2026").mkdir()
    (tmp_path / "..2026" / "token").write_text("abc.def-_~+/9==\r\n")
    (tmp_path / "..data").symlink_to("..2026")
    (tmp_path / "token").symlink_to("..data/token")
    assert read_token(tmp_path / "token") == "abc.def-_~+/9=="
