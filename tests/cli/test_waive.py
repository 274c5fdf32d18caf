"""``waive`` and ``waivers`` as people run them, and what the other verbs say of a line that rests on a waiver."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from shell import Shell, fill_result

from bspec_opa.report.schemas import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Callable

    At = Callable[[str], Shell]

LOGS = "global.data.high_tier_logs_full"
SAID = "tier high demands logging level full, not decision"
STAGING = ("behavior.intent", "--env", "staging")
WAIVE = (
    "waive",
    *STAGING,
    "--rule",
    LOGS,
    "--reason",
    "moved",
    "--requester",
    "promoter",
    "--key",
    "keys/reviewer.pem",
)
LOGGING = ("--finding", "/constraints/logging/level")


@pytest.fixture
def shell(shell_at: At) -> Shell:
    """Submitted with a finding that can be waived; the ``reviewer`` of ``init`` may waive."""
    shell = shell_at("bare")
    intent = Path("behavior.intent").read_text(encoding="utf-8")
    Path("behavior.intent").write_text(intent.replace("level: full", "level: decision"), encoding="utf-8")
    shell.ok("init", ".", "--trial-keys", "-q")
    trust = Path("trust.yaml").read_text(encoding="utf-8")
    Path("trust.yaml").write_text(trust.replace("{id: staging}", "{id: staging, assurance: measured}"), "utf-8")
    made = shell.ok("trust", "init", "trust.yaml", "--key", "keys/root.pem", "--format", "json").json
    shell.variables["BSPEC_OPA_TRUST_PIN"] = made["pin"]
    shell.bind()
    shell.ok("submit", "behavior.intent", "-q")
    for run in ("boundary-functional", "privilege-functional", "constraint-functional"):
        fill_result(Path("results") / f"{run}.json", shell.now)
        shell.ok("attest", *STAGING, "--result", f"results/{run}.json", "-q")
    return shell


def shown(shell: Shell, *arguments: str) -> Any:
    """What a verb prints as JSON, which fits its published schema."""
    document = shell(*arguments, "--format", "json").json
    assert list(Draft202012Validator(SCHEMAS[document["schema"]]).iter_errors(document)) == []
    return document


def test_from_the_waiver_to_the_audit(shell: Shell) -> None:
    usage = shell(*WAIVE, *LOGGING)
    assert (usage.code, usage.err.splitlines()[-1]) == (
        2,
        "the waiver has no end; give either --expires or --valid-for [waive.bad-term]",
    )
    made = shown(shell, *WAIVE, *LOGGING, "--valid-for", "P5D")
    named = [{"path": "/constraints/logging/level", "msg": SAID}]
    assert (made["rule"], made["lifts"], made["stays"], made["expires"]) == (LOGS, named, [], "2026-06-06T12:00:00Z")
    evaluation = shown(shell, "evaluate", *STAGING)
    (standing,) = evaluation["waivers"]
    assert (standing["status"], standing["lifts"], standing["ends_soon"]) == ("in-force", named, True)
    waiver = made["record"]["id"]
    assert evaluation["proof"]["waivers"] == [waiver]
    assert [r["id"] for r in evaluation["rules"] if r["status"] == "waived"] == [LOGS]
    text = shell("evaluate", *STAGING).out
    assert (
        f"waived    {LOGS}  {SAID}\n            until 2026-06-06T12:00:00Z by reviewer as waiver-approver: moved"
        in text
    )
    assert f"waiver    {waiver} of {LOGS} ends soon, at 2026-06-06T12:00:00Z" in text
    approved = shell.ok("approve", *STAGING, "--role", "environment-admin", "--key", "keys/environment-admin.pem")
    assert f"waivers\n  {LOGS}: moved ({waiver})\n    until 2026-06-06T12:00:00Z, asked for by promoter" in approved.err
    shell.ok("request", *STAGING, "-q")
    shell.promote()
    (line,) = shown(shell, "verify", "behavior.lock")["lines"]
    assert line["waivers"] == [waiver]
    assert f"  waiver    {waiver}\n  waived    {LOGS}\n" in shell.ok("show", "behavior.lock").out
    (environment,) = shown(shell, "history", "billing-support")["environments"]
    (signed,) = environment["events"][0]["line"][0]["waivers"]
    assert (signed["id"], signed["principal"], signed["about"]) == (waiver, "reviewer", f"{LOGS}: moved")
    assert signed["expires"] == "2026-06-06T12:00:00Z"
    audited = shown(shell, "audit", "--at", str(line["entry"]))
    (agent,) = [a for a in audited["agents"] if a["line"]]
    assert (agent["state"], agent["line"][0]["waivers"]) == ("authorised", [signed])
    controls = shown(shell, "report", "behavior.lock")["decisions"][0]
    assert controls["proof"]["waivers"] == [waiver]
    states = {
        c["state"] for c in controls["controls"] if any(r == {"id": LOGS, "status": "waived"} for r in c["rules"])
    }
    assert states == {"waived"}
    (found,) = shown(shell, "explain", f"entry:{line['entry']}", LOGS)["rules"]
    assert [(f["status"], f["message"]) for f in found["findings"]] == [("waived", SAID)]
    assert found["waivers"] == [waiver]
    (listed, _) = shown(shell, "waivers", "behavior.intent")["environments"]
    assert [(w["id"], w["status"], w["ends_soon"]) for w in listed["waivers"]] == [(waiver, "used", True)]
    shell.ok("audit", "evidence-pack", "pack", "-q")
    said = [w for w in Path("pack/index.md").read_text(encoding="utf-8").splitlines() if w.startswith("| waived |")]
    assert len(said) == 1
    assert r"moved \(reviewer as waiver-approver, until 2026-06-06T12:00:00Z\)" in said[0]
    shell.ok("verify", "--pack", "pack", "-q")
    assert f"          rests on waiver {waiver}\n" in shell.ok("verify", "behavior.lock").out
    shell.now += 5 * 86_400
    moment = shell.ok("audit", "--at", "2026-06-06T12:00:00Z", "--env", "staging").out
    assert "until 2026-06-06T12:00:00Z); it had ended by then" in " ".join(moment.split())
    assert "  expired  " in shell.ok("waivers", "behavior.intent", "--env", "staging").out
    assert f"waiver    {waiver} of {LOGS} is expired: it ended at" in shell("evaluate", *STAGING).out
