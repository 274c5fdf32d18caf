"""Attacks by the policy engine, or by whoever says which one is asked: exit 8 or 7, no lock, no other engine instead."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from intents import TEXT
from project import TRUST, Project, reasons_of
from project import signed as sign_everything
from sidecars import Server, Visit, free_port, reply, said

from bspec_opa.foundation.errors import BspecError, ExitCode, TrustError
from bspec_opa.workflow.checkout.deciding import open_replay, read_policy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from project import Shelf

REVISION = read_policy("default").ref.revision


class Judge:
    """Answers as the genuine policies do, but for one change to the decision."""

    def __init__(self, project: Project) -> None:
        self._policy = read_policy("default")
        self._panel = open_replay(self._policy, project.environ)
        self.engine = self._panel.__enter__().engine
        self.change: Callable[[Any], object] = lambda _: None
        self.revision = REVISION

    def __call__(self, visit: Visit) -> None:
        body = json.loads(visit.request.partition(b"\r\n\r\n")[2])
        decision: Any = json.loads(json.dumps(self.engine.decide(body["input"]).decision))
        self.change(decision)
        visit.send(reply(said(decision, self.revision)))

    def close(self) -> None:
        self._panel.__exit__(None, None, None)


@pytest.fixture
def judge(signed: Project) -> Iterator[Judge]:
    found = Judge(signed)
    yield found
    found.close()


def asked(project: Project, server: Server, **flags: str) -> None:
    project.flags = {"engine.url": server.url, "engine.deadline_s": 2.0, **flags}


def refuses(project: Project, code: str, exit_code: ExitCode = ExitCode.ENGINE) -> None:
    for act in (project.promote, project.evaluate):
        with project.refused(code, exit_code):
            act()
    assert not project.lock.exists()


BODIES = {
    "A21 undefined": (b'{"result": {}, "provenance": {}}', "engine.undefined"),
    "A21 nothing": (b"{}", "engine.undefined"),
    "A23 warning": (said({"a": 1}, REVISION, warning={"code": "api_usage_warning"}), "engine.warning"),
    "A24 html": (b"<html>yes</html>", "engine.bad-reply"),
    "A24 twice": (b'{"result": {"a": 1}, "result": {"a": 2}}', "engine.bad-reply"),
    "A24 trailing": (said({"a": 1}, REVISION) + b" {}", "engine.bad-reply"),
    "A24 nan": (b'{"result": NaN}', "engine.bad-reply"),
    "A27 stale": (said({"a": 1}, "another"), "engine.stale-bundle"),
    "A27 silent": (b'{"result": {"a": 1}}', "engine.bad-provenance"),
}


@pytest.mark.attack("A21")
@pytest.mark.attack("A23")
@pytest.mark.attack("A24")
@pytest.mark.attack("A27")
@pytest.mark.parametrize("name", BODIES)
def test_a_reply_that_is_no_decision(signed: Project, name: str) -> None:
    body, code = BODIES[name]
    signed.record()
    with Server(lambda visit: visit.send(reply(body))) as server:
        asked(signed, server)
        refuses(signed, code, ExitCode.TRUST if name == "A27 stale" else ExitCode.ENGINE)


@pytest.mark.attack("A24")
@pytest.mark.attack("A59")
@pytest.mark.parametrize(
    "status", ["301 Moved", "307 Temporary Redirect", "401 Unauthorized", "404 Not Found", "500 No"]
)
def test_another_status_than_200(signed: Project, status: str) -> None:
    """A redirect is not followed, so the input goes nowhere else."""
    signed.record()
    with Server(lambda visit: visit.send(reply(said({}, REVISION)))) as elsewhere:
        location = f"Location: {elsewhere.url}/v1/data/bspec/gate/decision"
        with Server(lambda visit: visit.send(reply(b"{}", status, location))) as server:
            asked(signed, server)
            refuses(signed, "engine.bad-status")
        assert elsewhere.requests == []


@pytest.mark.attack("A25")
@pytest.mark.parametrize(("behaviour", "code"), [(Visit.reset, "engine.unreachable"), (Visit.hang, "engine.timeout")])
def test_a_sidecar_that_resets_or_hangs(signed: Project, behaviour: Callable[[Visit], None], code: str) -> None:
    signed.record()
    with Server(behaviour) as server:
        asked(signed, server)
        signed.flags["engine.deadline_s"] = 0.3
        refuses(signed, code)


@pytest.mark.attack("A25")
def test_a_stopped_sidecar_is_no_reason_to_ask_another_engine(signed: Project) -> None:
    """The embedded engine is there, and would allow it."""
    signed.record()
    signed.flags = {"engine.url": f"http://127.0.0.1:{free_port()}"}
    refuses(signed, "engine.unreachable")
    signed.flags = {}
    assert signed.evaluate().decision.allowed


def flip_status(decision: Any) -> None:
    rule = next(iter(decision["promotion"].values()))
    rule["status"] = "PASS"


def forget_rule(decision: Any) -> None:
    decision["promotion"].popitem()


def invent_rule(decision: Any) -> None:
    decision["global"]["global.a.b"] = next(iter(decision["global"].values()))


def old_answer(decision: Any) -> None:
    decision["nonce"] = "0" * 64


@pytest.mark.attack("A22")
@pytest.mark.attack("A86")
@pytest.mark.parametrize("change", [flip_status, forget_rule, invent_rule, old_answer, lambda d: d.update(allow=True)])
def test_a_decision_that_is_not_exactly_the_embedded_engines(
    signed: Project, judge: Judge, change: Callable[[Any], object]
) -> None:
    signed.record()
    judge.change = change
    with Server(judge) as server:
        asked(signed, server)
        refuses(signed, "engine.disagreement")


def lie(decision: Any) -> None:
    """Everything passes; revision, digest and nonce are echoed as they must be."""
    for part in ("global", "promotion"):
        for rule in decision[part].values():
            rule.update(status="pass", deny=[], pending=[], warn=[], waived=[], waivers=[])


@pytest.mark.attack("A86")
def test_a_lying_sidecar(signed: Project, judge: Judge) -> None:
    signed.only("approval").unlink()
    signed.record()
    judge.change = lie
    with Server(judge) as server:
        asked(signed, server)
        refuses(signed, "engine.disagreement")


def test_a_truthful_sidecar_is_cross_checked(signed: Project, judge: Judge) -> None:
    with Server(judge) as server:
        asked(signed, server)
        outcome = signed.allowed()
    assert outcome.evaluation is not None
    assert outcome.evaluation.assurance == "cross-checked"
    assert [e.provenance for e in outcome.evaluation.engines] == ["echoed", "measured"]
    assert [v.assurance for v in signed.verify().lines] == ["cross-checked"]


@pytest.mark.attack("A27")
def test_a_sidecar_with_another_revision(signed: Project, judge: Judge) -> None:
    signed.record()
    judge.revision = "sha256:" + "0" * 64
    with Server(judge) as server:
        asked(signed, server)
        refuses(signed, "engine.stale-bundle", ExitCode.TRUST)


def demanding(shelf: Shelf, base: Path, assurance: str) -> Project:
    """A project whose staging demands an assurance, with everything signed."""
    project = Project(base, shelf.cache)
    project.found(TEXT, TRUST.replace("{id: staging}", f"{{id: staging, assurance: {assurance}}}"))
    sign_everything(project)
    return project


@pytest.mark.attack("A75")
@pytest.mark.attack("A86")
def test_configuration_does_not_weaken_what_the_trust_root_demands(shelf: Shelf, tmp_path: Path) -> None:
    """A URL in the checkout and ``name = embedded`` beside it asked one engine where two must agree."""
    project = demanding(shelf, tmp_path, "cross-checked")
    project.record()
    refuses(project, "engine.assurance")
    for name in ("embedded", "rest"):
        judge = Judge(project)
        with Server(judge) as server:
            (project.root / "bspec-opa.toml").write_text(
                f'[engine]\nurl = "{server.url}"\nname = "{name}"\n', encoding="utf-8"
            )
            if name == "embedded":
                refuses(project, "engine.assurance")
                assert server.requests == []
            else:
                project.allowed()
        judge.close()
    assert [v.assurance for v in project.verify().lines] == ["cross-checked"]


@pytest.mark.attack("A75")
@pytest.mark.attack("A86")
def test_a_sidecar_that_the_checkout_names_is_never_believed_alone(shelf: Shelf, tmp_path: Path) -> None:
    project = demanding(shelf, tmp_path, "asserted")
    project.record()
    judge = Judge(project)
    judge.change = flip_status
    with Server(judge) as server:
        (project.root / "bspec-opa.toml").write_text(f'[engine]\nurl = "{server.url}"\n', encoding="utf-8")
        refuses(project, "engine.disagreement")
    judge.close()


@pytest.mark.attack("A79")
@pytest.mark.attack("A86")
def test_where_a_sidecar_is_believed_alone_the_floor_and_verify_still_hold(shelf: Shelf, tmp_path: Path) -> None:
    """The trust root accepts asserted decisions: what is asserted is recorded as such, and replayed by verify."""
    project = demanding(shelf, tmp_path, "asserted")
    judge = Judge(project)
    judge.change = lie
    approval = project.only("approval").read_bytes()
    project.only("approval").unlink()
    with Server(judge) as server:
        asked(project, server)
        evaluation = project.promote().evaluation
        assert evaluation is not None
        assert (evaluation.assurance, evaluation.exit_code) == ("asserted", ExitCode.DENIED)
        assert reasons_of(evaluation) == ["floor.no-independent-approval"]
        project.put("approval", approval)
        project.change_intent(("level: full", "level: metadata"))
        project.resolve()
        project.now += 60
        sign_everything(project)
        project.allowed()
    judge.close()
    with pytest.raises(TrustError) as raised:
        project.verify()
    assert raised.value.code == "verify.replay-differs"


@pytest.mark.attack("A58")
def test_the_process_environment_names_no_proxy_and_no_authority(
    signed: Project, judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent")
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent")
    with Server(judge) as server:
        asked(signed, server)
        signed.allowed()


@pytest.mark.attack("A60")
@pytest.mark.attack("A70")
@pytest.mark.parametrize(
    "url",
    [
        "http://user:secret@127.0.0.1:1",
        "file:///etc/passwd",
        "http://127.0.0.1/../x",
        "http://a\0b",
    ],
)
def test_a_url_with_credentials_or_of_another_form(signed: Project, url: str) -> None:
    signed.record()
    signed.flags = {"engine.url": url}
    with pytest.raises(BspecError) as raised:
        signed.promote()
    assert (raised.value.code, raised.value.exit_code) == ("engine.bad-url", ExitCode.USAGE)
    assert "secret" not in str(raised.value)
    assert len(str(raised.value)) < 1_000
    assert not signed.lock.exists()


@pytest.mark.attack("A71")
def test_a_token_is_in_no_file_and_no_message(signed: Project, judge: Judge) -> None:
    token = "tok-" + "f00d" * 8
    file = signed.base / "token"
    file.write_text(token, encoding="utf-8")
    file.chmod(0o600)
    with Server(lambda visit: visit.send(reply(token.encode(), "403 Forbidden"))) as server:
        asked(signed, server, **{"engine.token_file": str(file)})
        with pytest.raises(BspecError) as raised:
            signed.promote()
        assert token not in str(raised.value)
        assert token.encode() in server.requests[0]
    with Server(judge) as server:
        asked(signed, server, **{"engine.token_file": str(file)})
        signed.allowed()
    assert not [p for p in signed.root.rglob("*") if p.is_file() and token.encode() in p.read_bytes()]


@pytest.mark.attack("A71")
@pytest.mark.parametrize("name", ["../token", "/etc/hostname", "link"])
def test_a_checkout_sends_no_file_from_elsewhere_as_a_token(signed: Project, name: str) -> None:
    (signed.base / "token").write_text("secret", encoding="utf-8")
    (signed.root / "link").symlink_to(signed.base / "token")
    with Server(Visit.reset) as server:
        text = f'[engine]\nurl = "{server.url}"\ntoken_file = "{name}"\n'
        (signed.root / "bspec-opa.toml").write_text(text, encoding="utf-8")
        for act in (signed.promote, signed.evaluate):
            with signed.refused("config.bad-value", ExitCode.USAGE, "outside the project"):
                act()
        assert server.requests == []
