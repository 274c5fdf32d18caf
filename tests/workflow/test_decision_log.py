"""``decision_log.file``: every decision is there before anybody learns of it, or there is no decision."""

from __future__ import annotations

import json
import stat
import uuid
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from certificates import Authority, serving
from collecting import Collector, collecting
from shell import shelf, shell_at

from bspec_opa import __version__
from bspec_opa.foundation.errors import InvalidInputError
from bspec_opa.gate.decision import Decision
from bspec_opa.workflow.checkout.config import Config
from bspec_opa.workflow.checkout.deciding import Verdict, read_policy
from bspec_opa.workflow.decision_logs.writing import Decided, log_decision

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shell import Shell

    At = Callable[[str], Shell]

__all__ = ["shelf", "shell_at"]
STAGING = ("behavior.intent", "--env", "staging")
LOG = Path("decisions.jsonl")


def logging(shell: Shell, path: str = str(LOG)) -> Shell:
    shell.variables["BSPEC_OPA_DECISION_LOG_FILE"] = path
    return shell


def events() -> list[dict[str, Any]]:
    return [json.loads(line) for line in LOG.read_text(encoding="utf-8").splitlines()]


def test_an_event(shell_at: At) -> None:
    shell = logging(shell_at("bare"))
    result = shell("evaluate", *STAGING, "--format", "json")
    (event,) = events()
    assert event.keys() == {
        *("labels", "decision_id", "bundles", "path", "input", "result", "requested_by", "timestamp", "custom"),
    }
    assert event["labels"] == {"app": "bspec-opa", "id": event["labels"]["id"], "version": __version__}
    assert [str(uuid.UUID(i)) for i in (event["decision_id"], event["labels"]["id"])] == [
        event["decision_id"],
        event["labels"]["id"],
    ]
    assert event["bundles"] == {"bspec": {"revision": result.json["bundle"]["revision"]}}
    assert (event["path"], event["timestamp"]) == ("bspec/gate/decision", "2026-06-01T12:00:00Z")
    assert event["requested_by"] == "bspec-opa promote"
    assert event["result"]["nonce"] == event["input"]["nonce"]
    assert event["input"]["environment"] == "staging"
    rules = {*event["result"]["global"], *event["result"]["promotion"]}
    assert rules == {r["id"] for r in result.json["rules"]}
    assert event["custom"]["bspec"] == {
        "verdict": "pending",
        "floor": [p["code"] for p in result.json["floor"]],
        "engines": ["embedded"],
        "assurance": "measured",
    }
    assert "floor.no-submit" in event["custom"]["bspec"]["floor"]
    assert stat.S_IMODE(LOG.stat().st_mode) == 0o600


def test_every_verb_that_decides(shell_at: At) -> None:
    shell = logging(shell_at("signed"))
    shell.ok("check", "behavior.intent")
    shell.ok("evaluate", *STAGING)
    shell.ok("promote", *STAGING)
    assert shell("promote", "behavior.intent", "--env", "production").code in {4, 5}
    shell.ok("promote", *STAGING)  # current already: nothing is decided
    shell.ok("verify", "behavior.lock")  # a replay is no new decision
    logged = [(e["input"]["action"], e["input"]["environment"], e["custom"]["bspec"]["verdict"]) for e in events()]
    assert logged[:3] == [("check", "none", "allowed"), *[("promote", "staging", "allowed")] * 2]
    assert [(a, e) for a, e, _ in logged[3:]] == [("promote", "production")]
    assert logged[3][2] != "allowed"
    assert len({e["decision_id"] for e in events()}) == 4


def test_many_at_once(shell_at: At) -> None:
    shell = logging(shell_at("bare"))
    text = Path("behavior.intent").read_text(encoding="utf-8")
    for number in range(4):
        Path(f"{number}.intent").write_text(
            text.replace("id: billing-support", f"id: agent-{number}"), encoding="utf-8"
        )
    shell("evaluate", *(f"{n}.intent" for n in range(4)), "--env", "staging", "--jobs", "2", "-q")
    assert {e["input"]["intent"]["metadata"]["id"] for e in events()} == {f"agent-{n}" for n in range(4)}


@pytest.mark.parametrize("place", ["nowhere/decisions.jsonl", "keys"])
def test_what_can_not_be_logged_is_not_decided(shell_at: At, place: str) -> None:
    """No line, no lock, no entry of a denial; nobody learns what would have been decided."""
    shell = logging(shell_at("signed"), place)
    before = {p: p.read_bytes() for p in Path().rglob("*") if p.is_file()}
    for verb in (("check", "behavior.intent"), ("evaluate", *STAGING)):
        result = shell(*verb)
        assert (result.code, "[decision-log.unwritable]" in result.err + result.out) == (9, True)
    assert {p: p.read_bytes() for p in Path().rglob("*") if p.is_file()} == before
    result = shell("promote", *STAGING)
    assert (result.code, result.out, "[decision-log.unwritable]" in result.err) == (9, "", True)
    assert not Path("behavior.lock").exists()
    del shell.variables["BSPEC_OPA_DECISION_LOG_FILE"]
    promoted = shell.ok("promote", *STAGING, "--format", "json").json
    assert (promoted["verdict"], promoted["sequenced"]) == ("allowed", [])


@pytest.mark.attack("A75")
def test_a_checkout_does_not_write_to_other_peoples_files(shell_at: At, tmp_path: Path) -> None:
    shell = shell_at("bare")
    outside = tmp_path / "profile"
    outside.write_bytes(b"kept")
    Path("link").symlink_to(tmp_path)
    for place in ("../profile", str(outside), "link/profile"):
        Path("bspec-opa.toml").write_text(f'[decision_log]\nfile = "{place}"\n', encoding="utf-8")
        result = shell("evaluate", *STAGING)
        assert (result.code, "decision_log.file lies outside the project" in result.err) == (2, True)
    assert outside.read_bytes() == b"kept"
    Path("bspec-opa.toml").write_text('[decision_log]\nfile = "decisions.jsonl"\n', encoding="utf-8")
    assert shell("evaluate", *STAGING).code == 5
    assert len(events()) == 1


def test_masks_are_the_organisations(shell_at: At) -> None:
    shell = logging(shell_at("bare"))
    elevated = str(Path(__file__).parents[2] / "bundles" / "elevated.tar.gz")
    shell("evaluate", *STAGING, "--bundle", elevated)
    (event,) = events()
    assert (event["erased"], event["masked"]) == (["/input/authors"], ["/input/intent/metadata/owner"])
    assert ("authors" in event["input"], event["input"]["intent"]["metadata"]["owner"]) == (False, "not logged")


def test_a_bundle_that_does_not_say_what_to_hide(tmp_path: Path) -> None:
    """One that was built before there were masks can decide, and is not logged."""
    policy = read_policy("default")
    old = replace(policy, bundle=replace(policy.bundle, data={"bspec": {"org": {}, "build": {}}}))
    decided = Decided({"action": "promote"}, Verdict(Decision(()), (), (), {}), Decision(()), "measured", 0)
    with pytest.raises(InvalidInputError) as caught:
        log_decision(Config({"decision_log.file": str(tmp_path / "log")}), old, decided)
    assert (caught.value.code, list(tmp_path.iterdir())) == ("decision-log.no-mask", [])


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Collector]:
    (tmp_path / "tls").mkdir()
    authority = Authority(tmp_path / "tls", "CA")
    with collecting(Collector({"/logs": "t0ken"}, {}), serving(authority.issue("127.0.0.1"))) as made:
        yield made


def sending(shell: Shell, url: str, tmp_path: Path, token: str) -> Shell:
    Path("../token").write_text(token, encoding="utf-8")
    shell.variables |= {
        "BSPEC_OPA_DECISION_LOG_URL": url,
        "BSPEC_OPA_DECISION_LOG_CA": str(tmp_path / "tls" / "CA.pem"),
        "BSPEC_OPA_DECISION_LOG_TOKEN_FILE": "../token",
    }
    return shell


def test_a_collector_gets_the_same_event(shell_at: At, collector: Collector, tmp_path: Path) -> None:
    shell = logging(sending(shell_at("signed"), f"https://{collector.host}", tmp_path, "t0ken"))
    shell.ok("promote", *STAGING)
    assert collector.events == events()
    assert len(collector.events) == 1


def test_what_the_collector_does_not_take_is_not_decided(shell_at: At, collector: Collector, tmp_path: Path) -> None:
    shell = sending(shell_at("signed"), f"https://{collector.host}", tmp_path, "another")
    refused = shell("promote", *STAGING)
    assert (refused.code, refused.out, "HTTP status 401" in refused.err) == (9, "", True)
    shell.variables["BSPEC_OPA_DECISION_LOG_URL"] = "https://127.0.0.1:1"
    away = shell("promote", *STAGING)
    assert (away.code, away.out, away.err.endswith("[decision-log.unsent]\n")) == (9, "", True)
    assert not Path("behavior.lock").exists()


def test_settings_of_a_collector_that_can_not_be_used(shell_at: At, tmp_path: Path) -> None:
    shell = sending(shell_at("bare"), "http://collector.example", tmp_path, "t0ken")
    result = shell("evaluate", *STAGING)
    said = "a CA, certificate or key is given, but decision_log.url is not https; write https://, or leave them out"
    assert (result.code, result.err) == (2, f"{said} [decision-log.bad-settings]\n")


@pytest.mark.attack("A75")
def test_a_checkout_does_not_say_who_learns_of_decisions(shell_at: At) -> None:
    shell = shell_at("bare")
    for key in ("url", "ca", "token_file"):
        Path("bspec-opa.toml").write_text(f'[decision_log]\n{key} = "https://evil.example"\n', encoding="utf-8")
        result = shell("evaluate", *STAGING)
        assert (result.code, f"decision_log.{key} is not accepted here" in result.err) == (2, True)
