"""Real OPAs poll the server: what they run is what is served, and no decision is a mixture of two revisions."""

from __future__ import annotations

import json
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import requests
from bundle_server import NAME, WAIT_S, Served, edition, put, revision, serving, until
from certificates import Authority
from sidecars import running_opa

from bspec_opa.bundle.read import read_bundle
from bspec_opa.bundle.serving.settings import Settings
from bspec_opa.bundle.serving.tls import TlsFiles
from bspec_opa.engine.code_cache import CodeCache
from bspec_opa.engine.embedded import EmbeddedEngine
from bspec_opa.engine.interface import DECISION_PATH
from bspec_opa.workflow.probe import probe_request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "token-0123456789abcdef"
REQUEST = probe_request("staging", 1_790_000_000)
QUERY = f"/v1/data/{DECISION_PATH}?strict-builtin-errors=true&provenance=true"
LONG_POLLING = {"long_polling_timeout_seconds": 60}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    put(tmp_path / "acme.tar.gz", edition(0))
    return tmp_path / "acme.tar.gz"


@contextmanager
def polling(opa: Path, place: Path, service: dict[str, Any], polling: dict[str, int] = LONG_POLLING) -> Iterator[str]:
    """An OPA that polls one bundle, and has activated it; its URL."""
    bundle = {"service": "gate", "resource": f"bundles/{NAME}", "polling": polling}
    config = place / "opa.json"
    config.write_text(json.dumps({"services": {"gate": service}, "bundles": {"bspec": bundle}}), encoding="utf-8")
    with running_opa(opa, f"--config-file={config}") as (url, _):
        yield url


class Asker:
    """Asks one OPA for the same decision again and again."""

    def __init__(self, url: str) -> None:
        self._url = url + QUERY
        self._session = requests.Session()
        self._session.trust_env = False
        self.answers: list[tuple[str, Any]] = []

    def ask(self) -> tuple[str, Any]:
        """The revision that decided, by its own word, and the decision."""
        reply = self._session.post(self._url, json={"input": REQUEST}, timeout=WAIT_S)
        assert reply.status_code == 200, reply.text
        answer = reply.json()
        found = answer["provenance"]["bundles"]["bspec"]["revision"], answer["result"]
        self.answers.append(found)
        return found

    def until(self, number: int) -> None:
        """Until this edition decides."""
        until(lambda: self.ask()[0] == revision(number), revision(number))

    def close(self) -> None:
        self._session.close()


@contextmanager
def asking(url: str) -> Iterator[Asker]:
    asker = Asker(url)
    try:
        yield asker
    finally:
        asker.close()


def decided(number: int, cache: Path) -> Any:
    """What an edition decides, without any OPA."""
    bundle = read_bundle(edition(number), "edition")
    cache.mkdir(mode=0o700, exist_ok=True)
    with EmbeddedEngine(
        bundle.wasm, bundle.data, revision=bundle.revision, bundle_digest=bundle.digest, cache=CodeCache(cache)
    ) as engine:
        return engine.decide(REQUEST).decision


def test_a_sidecar_that_waits_gets_each_revision(opa_path: Path, file: Path, tmp_path: Path) -> None:
    with (
        serving(Settings({NAME: file}, interval_s=0.05)) as served,
        polling(opa_path, tmp_path, {"url": served.url}) as url,
        asking(url) as asker,
    ):
        assert asker.ask()[0] == revision(0)
        served.until_metric(f'open_long_polls{{bundle="{NAME}"}}', 1)
        put(file, edition(1))
        asker.until(1)
        # A file that is not good changes nothing, neither here nor there.
        put(file, edition(2)[:-100])
        served.wait_for("refused")
        served.until_metric(f'open_long_polls{{bundle="{NAME}"}}', 1)
        assert asker.ask()[0] == revision(1)
        file.unlink()
        served.wait_for("unreadable")
        put(file, edition(2))
        asker.until(2)
        put(file, edition(0))  # back to what was: rolled back is as good as new
        asker.until(0)
        assert codes(served) == {"200": 4}


def codes(served: Served) -> dict[str, int]:
    """How often the bundle was asked for, by answer."""
    prefix = f'bspec_serve_requests_total{{bundle="{NAME}",code='
    return {k[len(prefix) + 1 :].rstrip('"}'): int(v) for k, v in served.metrics(prefix).items()}


def test_a_sidecar_that_does_not_wait_is_told_that_nothing_is_new(opa_path: Path, file: Path, tmp_path: Path) -> None:
    every_second = {"min_delay_seconds": 1, "max_delay_seconds": 1}
    with (
        serving(Settings({NAME: file}, interval_s=0.05)) as served,
        polling(opa_path, tmp_path, {"url": served.url}, every_second) as url,
        asking(url) as asker,
    ):
        until(lambda: codes(served).get("304", 0) >= 1)
        assert codes(served)["200"] == 1
        put(file, edition(1))
        asker.until(1)


@pytest.mark.attack("A71")
@pytest.mark.parametrize("kind", ["bearer", "client_tls"])
def test_tls_of_a_private_authority_with_a_token_or_a_certificate(
    opa_path: Path, file: Path, tmp_path: Path, kind: str
) -> None:
    """OPA has one kind of credentials a service."""
    authority = Authority(tmp_path, "ca")
    pair, (cert, key) = authority.issue("127.0.0.1"), authority.issue("sidecar")
    tokens, token = tmp_path / "tokens", tmp_path / "token"
    put(tokens, f"other-token-0123456789\n{TOKEN}\n".encode())
    put(token, TOKEN.encode())
    credentials = {
        "bearer": {"token_path": str(token)},
        "client_tls": {"cert": str(cert), "private_key": str(key)},
    }
    settings = {
        "bearer": Settings({NAME: file}, tls=TlsFiles(*pair), token_file=tokens, interval_s=0.05),
        "client_tls": Settings({NAME: file}, tls=TlsFiles(*pair, client_ca=authority.file), interval_s=0.05),
    }
    with serving(settings[kind]) as served:
        service = {
            "url": f"https://127.0.0.1:{served.port}",
            "tls": {"ca_cert": str(authority.file)},
            "credentials": {kind: credentials[kind]},
        }
        with polling(opa_path, tmp_path, service) as url, asking(url) as asker:
            assert asker.ask()[0] == revision(0)
            put(file, edition(1))
            asker.until(1)
    assert TOKEN not in repr(served.events)


def form(value: Any) -> Any:
    """The same for equal decisions: findings are sets, and each engine writes them in an order of its own."""
    if isinstance(value, dict):
        return {k: form(v) for k, v in value.items()}
    return sorted((form(v) for v in value), key=repr) if isinstance(value, list) else value


def statuses(decision: Any) -> dict[str, str]:
    """What each rule says."""
    return {i: str(r["status"]) for scope in ("global", "promotion") for i, r in decision[scope].items()}


class Stress:
    """Askers in threads: whatever goes wrong in one is a failure of the test."""

    def __init__(self, url: str, askers: int) -> None:
        self._over = threading.Event()
        self.askers = [Asker(url) for _ in range(askers)]
        self.failures: list[BaseException] = []
        self._threads = [threading.Thread(target=self._ask, args=(a,)) for a in self.askers]
        for thread in self._threads:
            thread.start()

    def _ask(self, asker: Asker) -> None:
        try:
            while not self._over.is_set():
                asker.ask()
        except BaseException as e:  # noqa: BLE001 - the test looks at it
            self.failures.append(e)

    def saw(self, number: int) -> bool:
        """Whether every asker's last answer is this edition's; a failure ends the waiting."""
        return bool(self.failures) or all(a.answers and a.answers[-1][0] == revision(number) for a in self.askers)

    def end(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
        for asker in self.askers:
            asker.close()


def switched_under_load(
    opa: Path, file: Path, place: Path, order: list[int], askers: int
) -> list[list[tuple[str, Any]]]:
    """All answers of each asker while these editions follow each other, with bad ones in between."""
    with (
        serving(Settings({NAME: file}, interval_s=0.05)) as served,
        polling(opa, place, {"url": served.url}) as url,
        ExitStack() as stack,
    ):
        stress = Stress(url, askers)
        stack.callback(stress.end)
        for position, number in enumerate(order):
            put(file, edition(number))
            until(lambda n=number: stress.saw(n), number)
            if position % 3 == 0:
                put(file, edition(number)[:-1])
                served.wait_for("refused", position // 3 + 1)
        assert stress.failures == []
        assert served.kinds().count("switched") == len(order) + 1
        return [a.answers for a in stress.askers]


def judged(answers: list[list[tuple[str, Any]]], order: list[int], cache: Path) -> int:
    """No answer is a mixture: each is exactly what the revision decides that it names; and none is a step back.

    Returns:
        how many answers were judged.
    """
    expected = {revision(n): form(decided(n, cache)) for n in {0, *order}}
    for one in answers:
        assert [named for named, decision in one if form(decision) != expected[named]] == []
        assert all(decision["revision"] == named for named, decision in one)
        seen = [one[0][0]]
        for named, _ in one:
            if named != seen[-1]:
                seen.append(named)
        assert seen == [revision(n) for n in [0, *order]]
    return sum(map(len, answers))


def test_no_decision_is_a_mixture_while_revisions_change(opa_path: Path, file: Path, tmp_path: Path) -> None:
    """Under load not one request fails, each names its revision, and decides as this revision does."""
    order = [1, 2, 3, 0, 1, 2, 3]
    first, second = (statuses(decided(n, tmp_path / "cache")) for n in (0, 1))
    assert {k: (v, second[k]) for k, v in first.items() if v != second[k]} == {
        "global.models.provider_allowed": ("pass", "deny")
    }
    answers = switched_under_load(opa_path, file, tmp_path, order, askers=2)
    assert judged(answers, order, tmp_path / "cache") >= 2 * len(order)


@pytest.mark.soak
def test_hundreds_of_switches_under_load(opa_path: Path, file: Path, tmp_path: Path) -> None:
    order = [n % 6 for n in range(1, 301)]
    answers = switched_under_load(opa_path, file, tmp_path, order, askers=3)
    assert judged(answers, order, tmp_path / "cache") >= 3 * len(order)
