"""``revoke`` and ``retire``: one command, durable, and what it says."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bspec_opa.foundation.digest import digest_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Shell

    At = Callable[[str], Shell]


def test_a_line_is_revoked_with_one_command(shell_at: At) -> None:
    shell = shell_at("live")
    lock = Path("behavior.lock").read_bytes()
    said = shell.ok("revoke", "entry:12", "--reason", "wrong prompt").lines
    assert said[0] == "REVOKED  billing-support → production   (by promoter as revoker)"
    assert said[2:3] + said[4:5] == [
        "  mode      retired: nothing decided from now on may rest on it",
        "  entry     ledger entry 13",
    ]
    assert said[-2:] == ["next  bspec-opa history billing-support", "      bspec-opa verify behavior.lock"]
    refused = shell("verify")
    assert refused.code == 7
    assert "was revoked at ledger entry 13 of 2026-06-01T12:00:00Z by promoter: wrong prompt" in refused.err
    assert Path("behavior.lock").read_bytes() == lock
    again = shell("revoke", "entry:12", "--reason", "wrong prompt")
    assert (again.code, "[revoke.already]" in again.err) == (2, True)
    report = shell.ok("report", "behavior.lock", "--format", "json").json
    assert [d["environment"] for d in report["decisions"]] == ["staging"]


@pytest.mark.soak
def test_doctor_is_not_ready_where_what_is_current_must_not_run(shell_at: At) -> None:
    shell = shell_at("live")
    shell.ok("retire", "billing-support", "--env", "staging", "--reason", "ends")
    result = shell.ok("doctor")
    assert result.lines[0].startswith("READY  ")
    assert "the agent was retired at ledger entry 13" in result.out
    shell.ok("revoke", "entry:12", "--reason", "wrong prompt")
    result = shell("doctor", "--format", "json")
    (bad,) = [f for f in result.json["findings"] if f["state"] == "bad"]
    assert (result.code, bad["subject"], bad["code"]) == (7, "lock", "verify.revoked")
    assert "was revoked at ledger entry 14" in bad["message"]
    assert bad["remedy"] == "stop the deployment; promote to production again, or roll back"


@pytest.mark.soak
def test_the_lock_of_a_line_that_never_was_is_moved_away(shell_at: At) -> None:
    shell = shell_at("live")
    shell.ok("revoke", "entry:12", "--reason", "made up", "--mode", "compromised")
    anew = "move behavior.lock away: the next promote writes it anew from the ledger, without what is void"
    for verb in ("verify", "promote behavior.intent --env production", "promote behavior.intent --env staging"):
        refused = shell(*verb.split())
        assert (refused.code, anew in refused.err) == (7, True), refused.err
        assert "behavior.lock line 2: is revoked as compromised at ledger entry 13" in refused.err
    assert anew in shell("doctor").out
    Path("behavior.lock").unlink()
    assert shell("promote", "behavior.intent", "--env", "production").code == 5
    assert [line["number"] for line in shell.ok("verify", "--format", "json").json["lines"]] == [1]


def test_the_past_of_a_revoked_line_in_every_form(shell_at: At) -> None:
    shell = shell_at("live")
    shell.ok("revoke", "entry:12", "--reason", "wrong prompt")
    shell.ok("retire", "billing-support", "--env", "staging", "--reason", "ends")
    history = shell.ok("history", "billing-support", "--format", "json").json
    events = {e["environment"]: [(x["state"], x["entry"]) for x in e["events"]] for e in history["environments"]}
    assert events == {"staging": [("retired", 14), ("retired", 6)], "production": [("revoked", 12)]}
    (production,) = history["environments"][1]["events"]
    assert [(s["root_version"], s["entry"], s["by"]) for s in production["line"][0]["since"]] == [(0, 13, "promoter")]
    now = shell.ok("audit", "--at", "14", "--format", "json").json
    assert [(a["environment"], a["state"]) for a in now["agents"]] == [
        ("staging", "nothing"),
        ("production", "nothing"),
    ]
    shell.ok("audit", "evidence-pack", "pack")
    pack = shell.ok("verify", "--pack", "pack", "--format", "json").json["agents"][0]
    assert [line["current"] for line in pack["lines"]] == [False, False]
    assert [(w["entry"], w["environment"], w["by"]) for w in pack["withdrawn"]] == [
        (13, "production", "promoter"),
        (14, "staging", "promoter"),
    ]
    assert "### Revoked and retired" in Path("pack/index.md").read_text(encoding="utf-8")


@pytest.mark.soak
def test_without_the_ledgers_key_nothing_is_signed_unless_that_is_wanted(shell_at: At) -> None:
    shell = shell_at("live")
    config = Path("bspec-opa.toml").read_text(encoding="utf-8")
    Path("bspec-opa.toml").write_text(config.replace('ledger = "keys/ledger.pem"\n', ""), encoding="utf-8")
    for verb in (("revoke", "entry:12"), ("retire", "billing-support", "--all")):
        refused = shell(*verb, "--reason", "x")
        assert (refused.code, "[signing.no-key]" in refused.err) == (2, True)
    assert not Path(".bspec/records/revocation").exists()
    signed = shell.ok("revoke", "entry:12", "--reason", "x", "--sign-only")
    assert signed.lines[0].startswith("SIGNED, NOT IN FORCE YET  billing-support → production")
    shell.ok("verify", "-q")
    shell.ok("record", "behavior.intent", "--ledger-key", "keys/ledger.pem", "-q")
    assert shell("verify").code == 7


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("revoke", "entry:12"), 2, "--reason"),
        (("revoke", "entry:12", "--reason", ""), 2, "the reason is empty"),
        (("revoke", "keys/promoter.pub.pem", "--reason", "x"), 2, "bspec-opa trust revoke keys/promoter.pub.pem"),
        (("revoke", "entry:12", "--reason", "x", "--key", "keys/author.pem"), 7, "trust.role-not-granted"),
        (("revoke", "entry:12", "--reason", "x", "--sign-only", "--ledger-key", "k"), 2, "--sign-only"),
        (("retire", "billing-support", "--reason", "x"), 2, "either --env ENV or --all"),
        (("retire", "billing-support", "--all", "--env", "staging", "--reason", "x"), 2, "either --env ENV or --all"),
        (("retire", "billing-suport", "--all", "--reason", "x"), 3, "billing-support"),
    ],
)
def test_what_cannot_be_done_says_why(shell_at: At, arguments: tuple[str, ...], code: int, message: str) -> None:
    shell = shell_at("live")
    log = Path(".bspec/ledger/log.jsonl").read_bytes()
    refused = shell(*arguments)
    assert refused.code == code
    assert message in refused.err
    assert Path(".bspec/ledger/log.jsonl").read_bytes() == log


def test_json_says_whether_it_is_in_force(shell_at: At) -> None:
    shell = shell_at("staged")
    one = shell.ok("revoke", "entry:6", "--reason", "x", "--sign-only", "--format", "json").json
    assert (one["in_force"], one["entry"], one["target"]["type"]) == (False, -1, "promotion")
    two = shell.ok("retire", "billing-support", "--all", "--reason", "x", "--format", "json").json
    assert [(e["environment"], e["entry"], e["in_force"]) for e in two["environments"]] == [
        ("staging", 7, True),
        ("production", 8, True),
    ]
    assert [json.loads(x)["kind"] for x in Path(".bspec/ledger/log.jsonl").read_text().splitlines()[-2:]] == [
        "retirement"
    ] * 2


def test_the_root_revokes_a_line_by_the_digest_that_every_verb_shows(shell_at: At) -> None:
    """A root names records; under a line's own digest it would revoke nothing, and look as if it did."""
    shell = shell_at("live")
    envelope = Path("behavior.lock").read_bytes().splitlines()[-1]
    line, record = digest_of(envelope), digest_of(base64.b64decode(json.loads(envelope)["payload"]))
    for n, named in enumerate((line, record)):
        how = ("--mode", "compromised", "--last-good", "none", "--reason", "forged")
        drafted = shell.ok("trust", "revoke", named, *how, "-o", f"{n}.json", "--format", "json").json
        (found,) = json.loads(base64.b64decode(json.loads(Path(f"{n}.json").read_bytes())["payload"]))["revoked"]
        assert (found["id"], drafted["notes"]) == (record, [])
