"""Answers over HTTP: bundles, validators, long polls, tokens, TLS, health, metrics, and the end."""

from __future__ import annotations

import shutil
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from bundle_server import NAME, Reply, Served, edition, put, revision, serving, until
from certificates import Authority

from bspec_opa.bundle.serving.edition import edition_of
from bspec_opa.bundle.serving.limits import Limits
from bspec_opa.bundle.serving.settings import Settings
from bspec_opa.bundle.serving.tls import TlsFiles
from bspec_opa.foundation.errors import BspecError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATH = f"/bundles/{NAME}"
POLL = "modes=snapshot,delta;wait=30"
FIRST, SECOND = "first-token-0123456789", "second-token-0123456789"
GZIP, LONG_POLLING = "application/gzip", "application/vnd.openpolicyagent.bundles"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    put(tmp_path / "acme.tar.gz", edition(0))
    return tmp_path / "acme.tar.gz"


@pytest.fixture
def served(file: Path) -> Iterator[Served]:
    with serving(Settings({NAME: file, "acme/staging": file.with_name("missing")}, interval_s=0.05)) as running:
        yield running


def etag(number: int) -> str:
    return edition_of(edition(number), "x", 0).etag


def polled(served: Served, known: int, prefer: str = POLL) -> Reply:
    return served.get(PATH, If_None_Match=etag(known), Prefer=prefer)


def test_a_bundle_is_sent_as_it_is(served: Served) -> None:
    for path in (PATH, f"{PATH}.tar.gz", f"{PATH}?x"):
        reply = served.get(path)
        assert (reply.status, reply.body == edition(0)) == (200, True)
        shown = {k: reply.headers[k] for k in ("ETag", "Content-Type", "Content-Length", "Bspec-Revision", "Server")}
        assert shown == {
            "ETag": etag(0),
            "Content-Type": GZIP,
            "Content-Length": str(len(edition(0))),
            "Bspec-Revision": revision(0),
            "Server": "bspec-opa",
        }
    head = served.get(PATH, "HEAD")
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", str(len(edition(0))))
    assert head.headers["ETag"] == etag(0)


def test_who_has_it_is_told_so(served: Served) -> None:
    for method in ("GET", "HEAD"):
        reply = served.get(PATH, method, If_None_Match=f'"other", {etag(0)}')
        assert (reply.status, reply.headers["ETag"], reply.body) == (304, etag(0), b"")
    assert served.get(PATH, If_None_Match=etag(1)).status == 200
    assert served.get(PATH, If_None_Match="").status == 200  # as OPA asks for the first time


def test_what_is_not_there(served: Served) -> None:
    tricks = ["/", "/bundles", "/bundles/", "/bundles/acme", "/bundles/acme/other", f"{PATH}/", "/bundles/../etc/passwd",
              f"/bundles/acme/../{NAME}", "/bundles/acme%2Fproduction", "/bundles/%2e%2e/%2e%2e/etc/passwd", f"/{PATH}",
              "/bundles/acme.tar.gz/production", "/bundles/acme\\production", "/health/", "/metrics/x"]  # fmt: skip
    answers = {path: served.get(path) for path in tricks}
    assert {p: (a.status, a.body) for p, a in answers.items()} == dict.fromkeys(tricks, (404, b"Not Found\n"))
    waits = served.get("/bundles/acme/staging", Prefer=POLL)
    assert (waits.status, waits.headers["Retry-After"]) == (503, "5")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND"])
def test_nobody_writes(served: Served, method: str) -> None:
    reply = served.get(PATH, method)
    assert (reply.status, reply.headers["Allow"]) == (405, "GET, HEAD")


def test_nobody_sends_a_body(served: Served) -> None:
    reply = served.get(PATH, body=b"x" * 100)
    assert (reply.status, reply.headers["Connection"]) == (413, "close")


# Long polls


def test_who_waits_gets_the_next_revision(served: Served, file: Path) -> None:
    first = served.get(PATH, If_None_Match="", Prefer=POLL)
    assert (first.status, first.headers["Content-Type"]) == (200, LONG_POLLING)
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(polled, served, 0) for _ in range(3)]
        served.until_metric(f'open_long_polls{{bundle="{NAME}"}}', 3)
        put(file, b"half")
        served.wait_for("refused")
        assert [w.done() for w in waiting] == [False] * 3
        put(file, edition(1))
        replies = [w.result() for w in waiting]
    assert [(r.status, r.body == edition(1), r.headers["Content-Type"]) for r in replies] == [
        (200, True, LONG_POLLING)
    ] * 3
    assert served.metric(f'open_long_polls{{bundle="{NAME}"}}') == 0


def test_who_waits_long_enough_is_told_that_nothing_has_changed(file: Path) -> None:
    with serving(Settings({NAME: file}, limits=Limits(wait_s=0.05))) as served:
        reply = polled(served, 0, "wait=100000")
        assert (reply.status, reply.headers["ETag"]) == (304, etag(0))
    with serving(Settings({NAME: file})) as served:
        assert polled(served, 0, "wait=1").status == 304
        assert polled(served, 0, "wait=0").status == 304


def test_a_head_never_waits(served: Served) -> None:
    assert served.get(PATH, "HEAD", If_None_Match=etag(0), Prefer=POLL).status == 304


def test_who_left_does_not_wait(served: Served) -> None:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", served.port)
    connection.request("GET", PATH, headers={"If-None-Match": etag(0), "Prefer": POLL})
    served.until_metric(f'open_long_polls{{bundle="{NAME}"}}', 1)
    connection.close()
    served.until_metric(f'open_long_polls{{bundle="{NAME}"}}', 0)


def test_too_many_long_polls_are_told_to_come_again(file: Path) -> None:
    limits = Limits(connections=20)
    with (
        serving(Settings({NAME: file}, interval_s=0.05, limits=limits)) as served,
        ThreadPoolExecutor(limits.polls) as pool,
    ):
        waiting = [pool.submit(polled, served, 0) for _ in range(limits.polls)]
        served.until_metric(f'open_long_polls{{bundle="{NAME}"}}', limits.polls)
        busy = polled(served, 0)
        assert (busy.status, busy.headers["Retry-After"]) == (503, "5")
        assert served.get(PATH, If_None_Match=etag(0)).status == 304  # who doesn't wait is answered
        assert polled(served, 1).body == edition(0)  # and so is who has another one
        put(file, edition(1))
        assert {w.result().status for w in waiting} == {200}


# Tokens


@pytest.mark.attack("A71")
def test_only_who_has_a_token_learns_anything(file: Path, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    put(tokens, f"{FIRST}\n".encode())
    with serving(Settings({NAME: file}, token_file=tokens, interval_s=0.05)) as served:
        for path in (PATH, "/bundles/other", "/metrics", "/"):
            reply = served.get(path)
            assert (reply.status, reply.headers["WWW-Authenticate"]) == (401, 'Bearer realm="bspec-opa"')
            wrong = served.get(path, Authorization=f"Bearer {SECOND}")
            assert wrong.headers["WWW-Authenticate"] == 'Bearer realm="bspec-opa", error="invalid_token"'
            assert wrong.body == b"Unauthorized\n"
        assert served.get("/health").status == 200
        assert served.get(PATH, Authorization=f"Bearer {FIRST}").body == edition(0)
        assert served.get("/metrics", Authorization=f"Bearer {FIRST}").status == 200
        # Rotation: both are valid, then only the new one; a file that holds none changes nothing.
        put(tokens, f"{FIRST}\n{SECOND}\n".encode())
        served.wait_for("renewed", 1)
        until(lambda: [served.get(PATH, Authorization=f"Bearer {t}").status for t in (FIRST, SECOND)] == [200, 200])
        put(tokens, f"{SECOND}\n".encode())
        served.wait_for("renewed", 2)
        until(lambda: [served.get(PATH, Authorization=f"Bearer {t}").status for t in (FIRST, SECOND)] == [401, 200])
        put(tokens, b"Bearer nonsense\n")
        assert served.wait_for("not-renewed").code == "serving.bad-credentials"
        tokens.unlink()
        assert served.wait_for("not-renewed", 2).code == "file.unreadable"
        assert [served.get(PATH, Authorization=f"Bearer {t}").status for t in (FIRST, SECOND)] == [401, 200]
    said = repr(served.events)
    assert [t for t in (FIRST, SECOND, "nonsense") if t in said] == []


def test_a_token_file_that_holds_none_starts_no_server(file: Path, tmp_path: Path) -> None:
    for data in (b"", b"# nobody\n"):
        put(tmp_path / "tokens", data)
        with pytest.raises(BspecError) as e, serving(Settings({NAME: file}, token_file=tmp_path / "tokens")):
            pass
        assert e.value.code == "serving.bad-credentials"


# TLS


def trusting(authority: Authority, client: tuple[Path, Path] | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(authority.file))
    if client is not None:
        context.load_cert_chain(*client)
    return context


def test_a_renewed_certificate_is_taken_without_a_restart(file: Path, tmp_path: Path) -> None:
    old, new = Authority(tmp_path, "old"), Authority(tmp_path, "new")
    cert, key = tmp_path / "tls.pem", tmp_path / "tls.key"
    for source, target in zip(old.issue("127.0.0.1"), (cert, key), strict=True):
        shutil.copy(source, target)
    with serving(Settings({NAME: file}, tls=TlsFiles(cert, key), interval_s=0.05), trusting(old)) as served:
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(polled, served, 0)
            served.until_metric(f'open_long_polls{{bundle="{NAME}"}}', 1)
            # The certificate first: until its key follows, the old pair stays.
            renewed = new.issue("127.0.0.1")
            put(cert, renewed[0].read_bytes())
            assert served.wait_for("not-renewed").code == "serving.bad-credentials"
            assert served.get(PATH).status == 200
            put(key, renewed[1].read_bytes())
            served.wait_for("renewed")
            served.tls = trusting(new)
            until(lambda: accepts(served))
            assert served.get(PATH).body == edition(0)
            put(file, edition(1))  # who waited on the old connection gets it there
            assert waiting.result().body == edition(1)
        served.tls = trusting(old)
        with pytest.raises(ssl.SSLCertVerificationError):
            served.get(PATH)


def accepts(served: Served) -> bool:
    """Whether the handshake succeeds."""
    try:
        return served.get("/health").status == 200
    except ssl.SSLError:
        return False


def test_clients_may_have_to_show_a_certificate(file: Path, tmp_path: Path) -> None:
    ours, other = Authority(tmp_path, "ours"), Authority(tmp_path, "other")
    pair = ours.issue("127.0.0.1")
    tls = TlsFiles(*pair, client_ca=ours.file)
    with serving(Settings({NAME: file}, tls=tls), trusting(ours, ours.issue("gate"))) as served:
        assert served.get(PATH).body == edition(0)
        for client in (None, other.issue("gate")):
            served.tls = trusting(ours, client)
            with pytest.raises((ssl.SSLError, ConnectionError)):
                served.get(PATH)
        # A probe has no certificate.
        assert served.get("/health", port=served.diagnostic_port).status == 200


@pytest.mark.parametrize("case", ["missing", "no certificate", "no key", "of another", "passphrase", "no authority"])
def test_certificates_that_cannot_be_used_start_no_server(file: Path, tmp_path: Path, case: str) -> None:
    authority = Authority(tmp_path, "ca")
    cert, key = authority.issue("127.0.0.1")
    files = {
        "missing": TlsFiles(tmp_path / "none.pem", key),
        "no certificate": TlsFiles(key, key),
        "no key": TlsFiles(cert),
        "of another": TlsFiles(cert, authority.issue("localhost")[1]),
        "passphrase": TlsFiles(*authority.issue("secret", passphrase=b"x")),
        "no authority": TlsFiles(cert, key, key),
    }[case]
    with pytest.raises(BspecError) as e, serving(Settings({NAME: file}, tls=files)):
        pass
    assert (e.value.code, e.value.exit_code) == ("serving.bad-credentials", 2)


# Health and metrics


def test_health_is_good_only_with_every_bundle(served: Served, file: Path) -> None:
    for port in (served.port, served.diagnostic_port):
        health = served.get("/health", port=port)
        assert (health.status, health.json) == (503, {"ready": False, "bundles": 2, "loaded": 1})
    put(file.with_name("missing"), edition(1))
    served.wait_for("switched", 2)
    health = served.get("/health")
    assert (health.status, health.json) == (200, {"ready": True, "bundles": 2, "loaded": 2})


def test_metrics_say_what_is_served(served: Served, file: Path) -> None:
    served.get(PATH)
    served.get(PATH, If_None_Match=etag(0))
    served.get("/bundles/made-up")
    put(file, b"x")
    served.wait_for("refused")
    put(file, edition(1))
    served.wait_for("switched", 2)
    found = served.metrics()
    since = found.pop(f'bspec_serve_last_switch_timestamp_seconds{{bundle="{NAME}"}}')
    assert since == served.wait_for("switched", 2).at
    digest = edition_of(edition(1), "x", 0).digest
    assert found == {
        f'bspec_serve_bundle_info{{bundle="{NAME}",digest="{digest}",revision="{revision(1)}"}}': 1,
        f'bspec_serve_bundle_loaded{{bundle="{NAME}"}}': 1,
        'bspec_serve_bundle_loaded{bundle="acme/staging"}': 0,
        f'bspec_serve_bundle_bytes{{bundle="{NAME}"}}': len(edition(1)),
        f'bspec_serve_requests_total{{bundle="{NAME}",code="200"}}': 1,
        f'bspec_serve_requests_total{{bundle="{NAME}",code="304"}}': 1,
        'bspec_serve_requests_total{bundle="",code="404"}': 1,
        f'bspec_serve_switches_total{{bundle="{NAME}"}}': 2,
        f'bspec_serve_refused_candidates_total{{bundle="{NAME}",reason="bundle.bad-archive"}}': 1,
        "bspec_serve_connections": 1,
        "bspec_serve_connections_turned_away_total": 0,
    }
    media_type = served.get("/metrics", port=served.diagnostic_port).headers["Content-Type"]
    assert media_type == "text/plain; version=0.0.4; charset=utf-8"


def test_the_diagnostic_address_has_no_bundles(served: Served) -> None:
    assert [served.get(p, port=served.diagnostic_port).status for p in (PATH, "/", "/metrics")] == [404, 404, 200]
    assert served.get("/health", "POST", port=served.diagnostic_port).status == 405


# The end


def test_who_waits_is_answered_when_the_server_stops(served: Served) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(polled, served, 0)
        served.until_metric(f'open_long_polls{{bundle="{NAME}"}}', 1)
        served.stop()
        reply = waiting.result()
    assert (reply.status, reply.headers["ETag"]) == (304, etag(0))
    with pytest.raises(OSError, match="refused"):
        served.get(PATH)
    assert served.kinds()[-1] == "stopping"


def test_an_answer_on_its_way_is_finished_when_the_server_stops(served: Served, file: Path) -> None:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", served.port)
    connection.request("GET", PATH)
    reply = connection.getresponse()
    first = reply.read(1000)
    served.stop()
    assert first + reply.read() == edition(0)
    connection.close()


def test_a_look_may_be_asked_for(file: Path) -> None:
    with serving(Settings({NAME: file}, interval_s=3600)) as served:
        put(file, edition(1))
        served.look()
        assert served.wait_for("switched", 2).revision == revision(1)


def test_a_bug_ends_one_request_and_tells_the_client_nothing(served: Served) -> None:
    class Broken(threading.local):
        def admits(self, _: str) -> bool:
            raise ValueError("secret")

    served.server._answers.tokens = Broken()  # type: ignore[assignment]
    reply = served.get(PATH)
    assert (reply.status, reply.body) == (500, b"Internal Server Error\n")
    assert served.wait_for("failed").message == "ValueError: secret"


@pytest.mark.soak
def test_thousands_of_switches_and_nobody_gets_half_of_one(file: Path) -> None:
    """Clients that wait get whole editions only, each under its own validator."""
    etags = {etag(n): edition(n) for n in range(6)}
    over = threading.Event()

    def follow(served: Served) -> int:
        known, count = "", 0
        while not over.is_set():
            reply = served.get(PATH, If_None_Match=known, Prefer="wait=1")
            assert reply.status in {200, 304}
            if reply.status == 200:
                assert etags[reply.headers["ETag"]] == reply.body
                count += 1
            known = reply.headers["ETag"]
        return count

    with serving(Settings({NAME: file}, interval_s=3600)) as served, ThreadPoolExecutor(4) as pool:
        followers = [pool.submit(follow, served) for _ in range(4)]
        try:
            for number in range(1, 3001):
                put(file, edition(number % 6))
                served.look()
                served.wait_for("switched", number + 1)
        finally:
            over.set()
        assert min(f.result() for f in followers) > 100
