"""``report``: decisions of every form, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from policy_tree import organisation_data

from bspec_opa.bundle.build.building import repack
from bspec_opa.bundle.read import read_bundle
from bspec_opa.bundle.shipped import shipped_bundle

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Shell

    At = Callable[[str], Shell]

PRODUCTION = ("behavior.intent", "--env", "production")
STAGING = ("behavior.intent", "--env", "staging")


def states(decision: dict[str, Any]) -> dict[str, str]:
    return {f"{c['framework']}:{c['id']}": c["state"] for c in decision["controls"]}


def report(shell: Shell, *arguments: str) -> list[dict[str, Any]]:
    document = shell.ok("report", *arguments, "--format", "json").json
    assert document["schema"] == "bspec.controls/v1"
    found: list[dict[str, Any]] = document["decisions"]
    return found


def own_bundle(**changes: Any) -> str:
    """The shipped rules with other data."""
    default = read_bundle(shipped_bundle("default").read_bytes(), "default")
    data = {**default.organisation, **changes}
    Path("own.tar.gz").write_bytes(repack(default, json.dumps(data).encode(), "own.json"))
    return "own.tar.gz"


def test_an_intent_before_anything_is_signed(shell_at: At) -> None:
    (decision,) = report(shell_at("bare"), *STAGING, "--framework", "SOC2")
    assert states(decision) == {
        "SOC2:CC2.1": "pending",
        "SOC2:CC5.3": "pending",
        "SOC2:CC6.1": "met",
        "SOC2:CC6.3": "not-met",
        "SOC2:CC7.2": "pending",
        "SOC2:CC7.4": "no-rule",
        "SOC2:CC8.1": "pending",
    }
    assert (decision["verdict"], decision["advisory"], decision["entry"]) == ("pending", True, -1)


def test_an_allowed_decision_is_no_promotion(shell_at: At) -> None:
    (decision,) = report(shell_at("signed"), *STAGING, "--framework", "SOC2")
    change = next(c for c in decision["controls"] if c["id"] == "CC8.1")
    assert (decision["verdict"], change["state"]) == ("allowed", "not-met")
    assert change["lacking"] == ["no ledger entry: nothing was promoted"]
    assert {r["status"] for r in change["rules"]} == {"pass"}


def test_a_decisions_file_says_the_same_as_the_decision(shell_at: At) -> None:
    shell = shell_at("signed")
    Path("decision.json").write_text(shell.ok("evaluate", *STAGING, "--format", "json").out, encoding="utf-8")
    (now,), (written,) = report(shell, *STAGING), report(shell, "decision.json")
    different = {k for k in now if now[k] != written[k]}
    assert different == {"subject", "verified"}
    assert written["verified"] is False
    assert [a["role"] for a in written["proof"]["approvals"]] == ["environment-admin"]
    assert len(written["proof"]["evaluations"]) == 3
    assert "note    the file says so itself" in shell.ok("report", "decision.json").out


def test_a_decision_that_contradicts_itself(shell_at: At) -> None:
    """Nobody signed the file; a verdict that its own rules don't bear out is not even repeated."""
    decision = json.loads(shell_at("signed")("evaluate", *PRODUCTION, "--format", "json").out)
    denying = sorted(r["id"] for r in decision["rules"] if r["status"] == "deny")
    assert (decision["verdict"], bool(denying)) == ("denied", True)
    shell = shell_at("signed")
    Path("decision.json").write_text(json.dumps({**decision, "verdict": "allowed", "exit_code": 0}), encoding="utf-8")
    result = shell("report", "decision.json", "--format", "json")
    (problem,) = result.json["problems"]
    told = f"contradicts itself: it says allowed, and {', '.join(denying[:3])} doesn't"
    assert (result.code, problem["code"], problem["message"]) == (3, "report.no-decision", told)


def test_a_floor_may_refuse_what_every_rule_allows(shell_at: At) -> None:
    shell = shell_at("signed")
    decision = json.loads(shell("evaluate", *STAGING, "--format", "json").out)
    Path("decision.json").write_text(json.dumps({**decision, "verdict": "denied", "exit_code": 4}), encoding="utf-8")
    assert report(shell, "decision.json")[0]["verdict"] == "denied"


def test_a_lock_and_the_ledger_behind_it(shell_at: At) -> None:
    shell = shell_at("live")
    lines = shell.ok("verify", "--format", "json").json["lines"]
    audited = report(shell, ".")
    assert [(d["environment"], d["entry"], d["line"]) for d in audited] == [
        (v["environment"], v["entry"], v["digest"]) for v in sorted(lines, key=lambda v: v["environment"])
    ]
    for decision in audited:
        assert decision["verified"] is True
        assert decision["verdict"] == "allowed"
        assert states(decision)["SOC2:CC8.1"] == "met"
        assert states(decision)["ISO27001:8.13"] == "no-rule"
        assert "not-met" not in states(decision).values()
    of_lock = report(shell, "behavior.lock")
    members = ("environment", "line", "entry", "rules", "controls", "proof", "at", "bundle")
    assert [{m: d.get(m) for m in members} for d in sorted(of_lock, key=lambda d: d["environment"])] == [
        {m: d.get(m) for m in members} for d in audited
    ]


def test_the_red_team_counts_in_production_only(shell_at: At) -> None:
    staging, production = sorted(report(shell_at("live"), "."), key=lambda d: -len(d["environment"]))[::-1]
    rule = "promotion.production.independent_red_team"
    named = {
        d["environment"]: {r["id"] for c in d["controls"] if c["id"] == "15" for r in c["rules"]}
        for d in (staging, production)
    }
    assert rule in named["production"]
    assert rule not in named["staging"]


def test_the_matrix_names_what_an_auditor_looks_up(shell_at: At) -> None:
    shell = shell_at("staged")
    (decision,) = report(shell, ".", "--framework", "SOC2")
    matrix = shell.ok("report", "behavior.lock", "--framework", "SOC2", "--format", "controls").out
    proof = decision["proof"]
    whole = [
        decision["line"],
        proof["binding"],
        proof["intent"],
        *proof["evaluations"],
        *(a["id"] for a in proof["approvals"]),
    ]
    assert [w for w in whole if w not in matrix] == []
    assert "replayed from its records" in matrix
    (row,) = [line for line in matrix.splitlines() if line.startswith("| SOC2 CC8.1")]
    assert "| met |" in row
    assert f"ledger entry {decision['entry']}" in row
    (row,) = [line for line in matrix.splitlines() if line.startswith("| SOC2 CC7.4")]
    assert row == "| SOC2 CC7.4 | Response to security incidents | no rule | none | none |"


def test_a_rule_that_is_not_selected_meets_nothing(shell_at: At) -> None:
    shell = shell_at("bare")
    selection = {"include": ["*"], "exclude": ["global.tools.forbidden_class"], "tiers": []}
    (decision,) = report(shell, *STAGING, "--framework", "SOC2", "--bundle", own_bundle(select=selection))
    access = next(c for c in decision["controls"] if c["id"] == "CC6.1")
    assert access["state"] == "not-evaluated"
    assert {"id": "global.tools.forbidden_class", "status": "not-run"} in access["rules"]


def test_a_denied_rule_is_named(shell_at: At) -> None:
    shell = shell_at("bare")
    intent = Path("behavior.intent")
    text = intent.read_text(encoding="utf-8").replace("privilege: read", "privilege: admin")
    assert "privilege: admin" in text
    intent.write_text(text, encoding="utf-8")
    lines = shell.ok("report", *STAGING, "--framework", "OWASP-ASI").lines
    place = next(n for n, line in enumerate(lines) if "ASI03" in line)
    assert "NOT MET" in lines[place]
    assert lines[place + 1].strip() == "deny: global.tools.no_admin"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("behavior.intent",), "report.no-decision"),
        ((*STAGING, "--framework", "SOC3"), "report.no-controls"),
        (("keys/root.pub.pem", "--env", "staging"), "intent.wrong-type"),
        (("missing.json",), "file.unreadable"),
        (("missing.lock",), "lock.missing"),
        ((".",), "report.no-decision"),
    ],
)
def test_refused(shell_at: At, arguments: tuple[str, ...], code: str) -> None:
    result = shell_at("ready")("report", *arguments, "--format", "json")
    assert (result.code, result.json["problems"][0]["code"]) == (3, code)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "is no decision: its schema is not said"),
        ('{"schema": "bspec.lock/v1"}', "is no decision: its schema is bspec.lock/v1"),
        ('{"schema": "bspec.evaluation/v1"}', "does not fit bspec.evaluation/v1"),
    ],
)
def test_a_file_that_is_no_decision(shell_at: At, text: str, message: str) -> None:
    shell = shell_at("bare")
    Path("x.json").write_text(text, encoding="utf-8")
    result = shell("report", "x.json")
    assert result.code == 3
    assert message in result.err


def test_another_bundle_decided(shell_at: At) -> None:
    shell = shell_at("bare")
    bundle = own_bundle(name="another")
    Path("d.json").write_text(shell("evaluate", *STAGING, "--bundle", bundle, "--format", "json").out, encoding="utf-8")
    refused = shell("report", "d.json")
    assert refused.code == 3
    assert "report.unknown-bundle" in refused.err
    (decision,) = report(shell, "d.json", "--bundle", bundle)
    assert decision["bundle"]["name"] == "own"


def test_an_organisation_without_controls_gets_no_empty_report(shell_at: At) -> None:
    result = shell_at("bare")("report", *STAGING, "--bundle", own_bundle(controls=[]))
    assert (result.code, result.out) == (3, "")
    assert "report.no-controls" in result.err
    assert organisation_data()["controls"] == []


def test_only_one_environment(shell_at: At) -> None:
    shell = shell_at("live")
    assert [d["environment"] for d in report(shell, ".", "--env", "production")] == ["production"]
    refused = shell("report", ".", "--env", "test")
    assert refused.code == 3
    assert "there is no decision for test, only for production, staging" in refused.err


@pytest.mark.attack("A75")
def test_a_ledger_is_not_believed_without_a_pin(shell_at: At) -> None:
    shell = shell_at("staged")
    shell.variables.clear()
    for subject in (".", "behavior.lock"):
        result = shell("report", subject)
        assert (result.code, result.out) == (7, "")


@pytest.mark.attack("A54")
def test_a_changed_lock_meets_nothing(shell_at: At) -> None:
    shell = shell_at("staged")
    lock = Path("behavior.lock")
    lock.write_bytes(lock.read_bytes().replace(b"A", b"B", 1))
    result = shell("report", "behavior.lock")
    assert (result.code, result.out) == (7, "")


def test_quiet(shell_at: At) -> None:
    for form in ("controls", "text"):
        result = shell_at("bare").ok("report", *STAGING, "-q", "--format", form)
        assert (result.out, result.err) == ("", "")


def test_one_entry_of_the_ledger(shell_at: At) -> None:
    shell = shell_at("live")
    lines = shell.ok("verify", "--format", "json").json["lines"]
    for line in lines:
        (decision,) = report(shell, ".", "--entry", str(line["entry"]))
        assert (decision["line"], decision["environment"]) == (line["digest"], line["environment"])
    for arguments, message in (
        ((".", "--entry", "0"), "ledger entry 0 is no promotion"),
        ((".", "--entry", "999"), "ledger entry 999 is no promotion"),
        (("behavior.lock", "--entry", "1"), "only a ledger has entries"),
    ):
        refused = shell("report", *arguments)
        assert (refused.code, refused.out) == (3, "")
        assert message in refused.err


def test_a_denial_of_the_ledger(shell_at: At) -> None:
    """Controls of what was refused: with its rules as they were, and never as met by a promotion."""
    shell = shell_at("staged")
    refused = shell("promote", "behavior.intent", "--env", "production", "--format", "json")
    assert refused.code in {4, 5}
    entry = str(refused.json["entry"])
    now = report(shell, "behavior.intent", "--env", "production")[0]
    (denial,) = report(shell, ".", "--entry", entry)
    assert {k for k in now if now[k] != denial[k]} == {"subject", "verified", "at"}
    assert (denial["subject"], denial["verified"], denial["entry"]) == (f"ledger entry {entry}", False, -1)
    assert states(denial)["SOC2:CC8.1"] in {"pending", "not-met"}
    matrix = shell.ok("report", ".", "--entry", entry, "--format", "controls").out
    assert "its facts were not rebuilt from records" in matrix
    assert "- checked: the gate's signature, its place in the ledger, and that its recorded input, decided" in matrix
    assert "- not checked: whether the recorded input followed from the records" in matrix
    only = "only current lines are here"
    notes = shell.ok("report", ".", "--format", "json").json["notes"]
    assert [n[: len(only)] for n in notes if "current" in n] == [only]
    assert only in " ".join(shell.ok("report", ".").out.split())
    assert only not in shell.ok("report", ".", "--entry", entry, "--format", "controls").out
    assert [d["environment"] for d in report(shell, ".")] == ["staging"]


def test_a_superseded_line_is_no_current_one(shell_at: At) -> None:
    shell = shell_at("staged")
    (first,) = report(shell, ".")
    intent = Path("behavior.intent")
    text = intent.read_text(encoding="utf-8").replace("version: 1.0.0", "version: 1.0.1")
    assert "1.0.1" in text
    intent.write_text(text, encoding="utf-8")
    shell.now += 60
    shell.bind()
    shell.sign()
    shell.promote()
    (second,) = report(shell, ".")
    (again,) = report(shell, ".", "--entry", str(first["entry"]))
    assert second["line"] != first["line"]
    assert second["entry"] > first["entry"]
    assert again == first
    assert [d["line"] for d in report(shell, "behavior.lock")] == [second["line"]]
